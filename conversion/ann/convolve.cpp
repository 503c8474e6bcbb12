#include "conversion/ann/convolve.hpp"

#include <algorithm>

#include "conversion/ann/multiply.hpp"

namespace syn::ann {
namespace {

Packed pack(const Tensor& weight, const Tensor& bias, std::size_t groups, std::size_t taps) {
  const auto out = static_cast<std::size_t>(weight.shape[0]);
  Packed packed{.groups = groups, .in_per_group = weight.data.size() / out / taps, .out_per_group = out / groups};
  if (groups == out && packed.in_per_group == 1 && groups > 1) {
    packed.groups = 1;
    packed.out_per_group = packed.padded = out;
    packed.depthwise = true;
  } else {
    packed.padded = padded_channels(packed.out_per_group);
  }
  const std::size_t one = taps * packed.in_per_group * packed.padded;
  packed.weights.assign(packed.groups * one, 0.f);
  packed.bias.assign(packed.groups * packed.padded, 0.f);
  for (std::size_t o = 0; o < out; ++o) {
    const std::size_t group = o / packed.out_per_group, column = o % packed.out_per_group;
    if (!bias.data.empty()) packed.bias[group * packed.padded + column] = bias.data[o];
    for (std::size_t i = 0; i < packed.in_per_group; ++i) {
      for (std::size_t t = 0; t < taps; ++t) {
        packed.weights[group * one + (t * packed.in_per_group + i) * packed.padded + column] =
            weight.data[(o * packed.in_per_group + i) * taps + t];
      }
    }
  }
  return packed;
}

}  // namespace

Packed pack(const Conv& conv) {
  return pack(conv.weight, conv.bias, static_cast<std::size_t>(conv.groups),
              static_cast<std::size_t>(conv.geometry.kernel[0] * conv.geometry.kernel[1]));
}
Packed pack(const Gemm& gemm) {
  return pack(gemm.weight, gemm.bias, 1, 1);
}

// With stride 1 all rows of the padded image are one run of positions, of which the last few of each row are thrown
// away; that keeps the register tile full on small maps. With a stride each output row is a run.
void convolve(const Conv& conv, const Packed& packed, Extent in, Extent out, const float* x, float* y,
              Scratch& scratch) {
  const Geometry& g = conv.geometry;
  const auto top = static_cast<std::size_t>(g.pad_begin[0]), left = static_cast<std::size_t>(g.pad_begin[1]);
  const std::size_t width = in.width + left + static_cast<std::size_t>(g.pad_end[1]);
  const std::size_t height = in.height + top + static_cast<std::size_t>(g.pad_end[0]);
  if (width != in.width || height != in.height) {
    scratch.padded.assign(height * width * in.channels, 0.f);
    for (std::size_t row = 0; row < in.height; ++row) {
      std::copy_n(x + row * in.width * in.channels, in.width * in.channels,
                  scratch.padded.data() + ((row + top) * width + left) * in.channels);
    }
    x = scratch.padded.data();
  }
  std::vector<std::size_t> offsets;
  for (std::int64_t ky = 0; ky < g.kernel[0]; ++ky) {
    for (std::int64_t kx = 0; kx < g.kernel[1]; ++kx) {
      offsets.push_back(
          (static_cast<std::size_t>(ky * g.dilation[0]) * width + static_cast<std::size_t>(kx * g.dilation[1])) *
          in.channels);
    }
  }
  const bool dense = g.stride[0] == 1 && g.stride[1] == 1;
  const std::size_t pitch = dense ? width : out.width;  // tile positions per output row
  const std::size_t per_run = dense ? (out.height - 1) * width + out.width : out.width;
  scratch.tile.resize(per_run * packed.padded);
  const std::size_t group_weights = offsets.size() * packed.in_per_group * packed.padded;
  for (std::size_t group = 0; group < packed.groups; ++group) {
    for (std::size_t row = 0; row < out.height; row += dense ? out.height : 1) {
      const MultiplyArgs args{
          .in = x + row * static_cast<std::size_t>(g.stride[0]) * width * in.channels + group * packed.in_per_group,
          .in_stride = static_cast<std::size_t>(g.stride[1]) * in.channels,
          .positions = per_run,
          .offsets = offsets,
          .taps_length = packed.in_per_group,
          .weights = packed.weights.data() + group * group_weights,
          .bias = packed.bias.data() + group * packed.padded,
          .channels = packed.padded,
          .out = scratch.tile.data()};
      packed.depthwise ? multiply_depthwise(args) : multiply(args);
      const std::size_t rows = dense ? out.height : 1;
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t column = 0; column < out.width; ++column) {
          std::copy_n(scratch.tile.data() + (r * pitch + column) * packed.padded, packed.out_per_group,
                      y + ((row + r) * out.width + column) * out.channels + group * packed.out_per_group);
        }
      }
    }
  }
}

void gemm(const Packed& packed, std::size_t images, const float* x, float* y, Scratch& scratch) {
  const std::size_t zero = 0, features = packed.in_per_group;
  scratch.tile.resize(images * packed.padded);
  multiply({.in = x,
            .in_stride = features,
            .positions = images,
            .offsets = {&zero, 1},
            .taps_length = features,
            .weights = packed.weights.data(),
            .bias = packed.bias.data(),
            .channels = packed.padded,
            .out = scratch.tile.data()});
  for (std::size_t n = 0; n < images; ++n) {
    std::copy_n(scratch.tile.data() + n * packed.padded, packed.out_per_group, y + n * packed.out_per_group);
  }
}

}  // namespace syn::ann
