// Sizes of windows that slide over a grid, shared by check.cpp and synapses.cpp. Internal to snn/real.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "snn/real/model.hpp"

namespace syn::snn::real {

struct Grid {
  std::uint64_t channels = 1, height = 1, width = 1;
  std::uint64_t positions() const { return height * width; }
  bool operator==(const Grid&) const = default;
};

// What convolutions and pools slide over: {channels, width} or {channels, height, width}.
inline std::optional<Grid> grid_of(const Shape& shape) {
  if (shape.size() == 2) return Grid{shape[0], 1, shape[1]};
  if (shape.size() == 3) return Grid{shape[0], shape[1], shape[2]};
  return std::nullopt;
}

struct Sliding {
  std::uint64_t kernel = 1, stride = 1, dilation = 1, pad_begin = 0, pad_end = 0;

  // How many places the window has on a side; 0: none.
  std::uint64_t places(std::uint64_t side) const {
    const std::uint64_t reach = dilation * (kernel - 1) + 1, all = side + pad_begin + pad_end;
    return all < reach ? 0 : (all - reach) / stride + 1;
  }
};

inline Sliding sliding(const Conv& conv, int axis) {
  return {conv.kernel[axis], conv.stride[axis], conv.dilation[axis], conv.pad_begin[axis], conv.pad_end[axis]};
}
inline Sliding sliding(const Pool& pool, int axis) {
  return {pool.kernel[axis], pool.stride[axis], 1, pool.pad_begin[axis], pool.pad_end[axis]};
}

}  // namespace syn::snn::real
