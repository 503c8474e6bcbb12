// Convolution and Gemm of the float executor: weights rearranged once, then driven through `multiply`. Private to
// conversion/ann.
#pragma once

#include <cstddef>
#include <vector>

#include "conversion/ann/graph.hpp"
#include "conversion/ann/shapes.hpp"

namespace syn::ann {

// Memory that a node needs between calls; one a thread.
struct Scratch {
  std::vector<float> padded, tile;
};

// A map's shape, for index arithmetic.
struct Extent {
  std::size_t channels, height, width;
  explicit Extent(const ValueShape& s)
      : channels(static_cast<std::size_t>(s[0])),
        height(static_cast<std::size_t>(s[1])),
        width(static_cast<std::size_t>(s[2])) {}
  std::size_t size() const { return channels * height * width; }
};

// Weights with the output channel innermost. Per group: [tap][input channel of the group][padded output channel of the
// group]. Depthwise (one input and one output channel a group): [tap][channel], nothing padded, one group.
struct Packed {
  std::vector<float> weights = {}, bias = {};
  std::size_t groups = 1, in_per_group = 0, out_per_group = 0, padded = 0;
  bool depthwise = false;
};

Packed pack(const Conv& conv);
Packed pack(const Gemm& gemm);

// One image, channel-last on both sides.
void convolve(const Conv& conv, const Packed& packed, Extent in, Extent out, const float* x, float* y,
              Scratch& scratch);
// [images][features] to [images][outputs].
void gemm(const Packed& packed, std::size_t images, const float* x, float* y, Scratch& scratch);

}  // namespace syn::ann
