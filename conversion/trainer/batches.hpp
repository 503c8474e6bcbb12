// Which images are learnt from, in which order, and how they are varied. Every random choice is a function of (seed,
// epoch, batch), so that training may stop after any batch and go on exactly. No libtorch here.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "conversion/data/dataset.hpp"
#include "core/random.hpp"

namespace syn::train {

struct Augmentation {
  int shift = 2;     // up to so many pixels in each direction; what comes in is 0
  bool flip = true;  // left to right, every other image
  double erase = 0;  // the probability that a rectangle becomes noise (Zhong et al. 2017)
};

// How a pixel becomes a number: (p / white - mean) / deviation.
struct Scaling {
  float mean = 0;
  float deviation = 1;
  float white = 255;  // 1: pixels are counts of events
  float operator()(std::uint8_t pixel) const { return (static_cast<float>(pixel) / white - mean) / deviation; }
};

struct Held {
  std::vector<std::uint32_t> training, validation;  // indices into the training split
};
// The same images are held out whatever the seed: a student must not be validated on what its teacher was taught.
Held hold_out(std::size_t count, std::size_t validation);

// The order of one epoch.
std::vector<std::uint32_t> shuffled(std::span<const std::uint32_t> indices, std::uint64_t seed, int epoch);

// One image, varied, into `out` (shape.size() numbers). All channels move together; so a film's frames are channels.
void augment(ByteView image, data::Shape shape, const Augmentation& how, const Scaling& scale, Random& random,
             std::span<float> out);

}  // namespace syn::train
