// The one hot loop of the float executor: many positions times one weight matrix. Private to conversion/ann.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace syn::ann {

// Output channels are padded to a multiple of this, so that no vector length leaves a tail.
inline constexpr std::size_t kChannelBlock = 16;
inline constexpr std::size_t padded_channels(std::size_t channels) {
  return (channels + kChannelBlock - 1) / kChannelBlock * kChannelBlock;
}

struct MultiplyArgs {
  const float* in;  // position p reads in[p * in_stride + offsets[t] + i]
  std::size_t in_stride;
  std::size_t positions;
  std::span<const std::size_t> offsets;  // one a kernel tap
  std::size_t taps_length;               // values read at each tap
  const float* weights;                  // [tap][i][padded output channel]
  const float* bias;                     // [padded output channel]
  std::size_t channels;                  // padded
  float* out;                            // [position][padded output channel]
};

// out = bias + the sum over taps, then i, of in * weight, in this order; every output by itself. Reads of positions
// beyond the last are never made.
void multiply(const MultiplyArgs& args);

// The same where each output channel reads the input channel of its own index: weights are [tap][channel], taps_length
// is not looked at, and the channels need no padding.
void multiply_depthwise(const MultiplyArgs& args);

}  // namespace syn::ann
