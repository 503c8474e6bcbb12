// The peer's own int8 network: the same trained network, statically quantised the way ONNX Runtime recommends and then
// handed to it. Activations are uint8 with one scale and zero point a tensor, weights int8 with one scale an output
// channel, biases int32; ranges are the least and greatest values over calibration images, as its own tool takes them
// by default. Written as QuantizeLinear / DequantizeLinear pairs (operator set 13), which the runtime turns into its
// integer kernels. Everything is done that makes it faster at no cost in what it says: no Relu or Clip where the
// quantisation behind it clamps just there, pooling and reshaping straight on uint8, pixels taken as they are.
// Deliberately not here: bias correction, better ranges, per-channel activations (the runtime's kernels have none).
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "conversion/ann/graph.hpp"
#include "conversion/data/dataset.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::peers {

// x = (pixel / 255 - mean) / std per channel; one value stands for all channels, none for 0 and 1.
struct Normalisation {
  std::vector<float> mean, std;
  float factor(std::size_t channel) const;  // x = pixel * factor + shift
  float shift(std::size_t channel) const;
};
// One image, channel-first on both sides.
void normalise(const Normalisation& normalisation, const data::Shape& shape, ByteView pixels, std::span<float> x);

struct Range {
  float low = 0, high = 0;
};
using Ranges = std::map<std::string, Range>;

// Over `images` training images spread evenly; `folded` is what conversion/fold.hpp returns.
Expected<Ranges> find_ranges(const ann::Graph& folded, const data::Dataset& train, const Normalisation& normalisation,
                             std::size_t images);

struct Quantised {
  Bytes onnx;
  bool bytes = false;  // takes uint8 pixels; else float32 as the network does
};
// An operator that has no quantised form here is an error by name.
Expected<Quantised> quantise(const ann::Graph& folded, const Ranges& ranges, const Normalisation& normalisation);

}  // namespace syn::peers
