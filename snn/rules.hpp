// What a model must obey to be run: shapes that fit, an acyclic order, and sums that cannot leave 32 bits (design.md,
// section 4). Engine::make asks it first, and so does the planner.
#pragma once

#include "core/error.hpp"
#include "snn/model.hpp"

namespace syn::snn {

// Refuses by name: population, and channel where there is one.
Expected<> check_rules(const Model& model);
// The greatest that a sum of an IntegrateAndFire population can be, its bias included.
std::int64_t greatest_sum(const Model& model, std::size_t population);

// The kernel of a convolution or pooling laid over its source: which target positions, which source positions.
struct Extent {
  std::int64_t kernel, stride, dilation, pad, source, target;
  // First source index under target position `at`'s kernel; may be negative (padding).
  std::int64_t first(std::int64_t at) const { return at * stride - pad; }
  // The first of them that is not padding; beyond the source where the whole kernel is.
  std::int64_t first_inside(std::int64_t at) const {
    const std::int64_t i = first(at);
    return i >= 0 ? i : i + (-i + dilation - 1) / dilation * dilation;
  }
  std::int64_t reach() const { return (kernel - 1) * dilation + 1; }
};
template <class W>
Extent vertical(const W& window, const Shape& from, const Shape& to) {
  std::int64_t dilation = 1;
  if constexpr (requires { window.dilation_y; }) dilation = window.dilation_y;
  return {window.kernel_height, window.stride_y, dilation, window.pad_top, from.height, to.height};
}
template <class W>
Extent horizontal(const W& window, const Shape& from, const Shape& to) {
  std::int64_t dilation = 1;
  if constexpr (requires { window.dilation_x; }) dilation = window.dilation_x;
  return {window.kernel_width, window.stride_x, dilation, window.pad_left, from.width, to.width};
}

}  // namespace syn::snn
