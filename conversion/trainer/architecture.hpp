// The networks that the trainer knows, as plain lists of layers. Both the libtorch module (network.hpp) and the
// exported graph (export.hpp) are made from these lists, so that what is trained is what is written. Deliberately plain
// chains: what conversion to spikes wants is a Conv, its BatchNormalization, a ReLU, then pooling.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "conversion/data/dataset.hpp"
#include "core/error.hpp"

namespace syn::train {

struct ConvBlock {  // Conv without bias, BatchNormalization, ReLU
  std::int64_t channels;
  std::int64_t kernel = 3;
  std::int64_t pad = 1;
};
struct AveragePooling {
  std::int64_t size = 2;  // and stride
};
struct MaxPooling {
  std::int64_t size = 2;
};
struct Dropping {  // dropout; leaves no trace in the exported network
  double probability;
};
struct Flattening {};
struct Readout {};  // the last layer: one linear unit a class

using Layer = std::variant<ConvBlock, AveragePooling, MaxPooling, Dropping, Flattening, Readout>;

struct Architecture {
  std::string name;
  std::string about;
  std::vector<Layer> layers;
};

std::span<const Architecture> architectures();
Expected<Architecture> architecture(std::string_view name);

// What flows out of each layer, and what it costs. Refuses a chain that does not fit the images (a window larger than
// its map, a readout before the flattening, nothing after the readout).
struct Flow {
  std::vector<data::Shape> outputs;  // one a layer; a flattened value is {n, 1, 1}
  std::int64_t parameters = 0;       // weights, biases, and BatchNormalization's scale and shift
  std::int64_t macs = 0;             // multiply-adds of one image
};
Expected<Flow> flow(const Architecture& architecture, data::Shape input, std::size_t classes);

}  // namespace syn::train
