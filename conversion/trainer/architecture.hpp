// The networks that the trainer knows, as plain lists of layers. Both the libtorch module (network.hpp) and the
// exported graph (export.hpp) are made from these lists, so that what is trained is what is written. Deliberately plain
// chains: what conversion to spikes wants is a Conv, its BatchNormalization, a ReLU, then pooling. A spiking one is the
// network that runs in the end, so it has what costs nothing in a silent step: no bias and nothing that acts as one.
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

struct ConvBlock {  // Conv without bias, BatchNormalization, ReLU; of spiking networks: Conv without bias, neurons
  std::int64_t channels;
  std::int64_t kernel = 3;
  std::int64_t pad = 1;
  std::int64_t stride = 1;
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
struct Readout {};  // the last layer: one linear unit a class; of spiking networks: without bias, and it integrates

using Layer = std::variant<ConvBlock, AveragePooling, MaxPooling, Dropping, Flattening, Readout>;

struct Architecture {
  std::string name;
  std::string about;
  std::vector<Layer> layers;
  bool spiking = false;  // then it watches recordings, step by step, through integrate-and-fire neurons (neurons.hpp)
};

std::span<const Architecture> architectures();
Expected<Architecture> architecture(std::string_view name);

// What flows out of each layer, and what it costs. Refuses a chain that does not fit the images (a window larger than
// its map, a readout before the flattening, nothing after the readout).
struct Flow {
  std::vector<data::Shape> outputs;  // one a layer; a flattened value is {n, 1, 1}
  std::int64_t parameters = 0;       // weights, biases, and BatchNormalization's scale and shift
  std::int64_t macs = 0;             // multiply-adds of one image; of a spiking network: of one step, were all awake
};
Expected<Flow> flow(const Architecture& architecture, data::Shape input, std::size_t classes);

}  // namespace syn::train
