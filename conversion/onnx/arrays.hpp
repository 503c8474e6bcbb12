// Rearranging small row-major arrays: what constants need to be sliced, turned and broadcast while a file is read.
// `A` has a `shape` and `data`. Callers have checked axes, ranges and sizes. Private to conversion/onnx.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "conversion/ann/shapes.hpp"

namespace syn::onnx_file {

using Axes = std::vector<std::int64_t>;

// How far apart neighbours along each axis lie.
inline Axes strides_of(const Axes& shape) {
  Axes out(shape.size(), 1);
  for (std::size_t axis = shape.size(); axis-- > 1;) out[axis - 1] = out[axis] * shape[axis];
  return out;
}

// out[i, j, ...] = in.data[base + i * strides[0] + j * strides[1] ...]: transposes, slices and broadcasts alike.
template <class A>
A strided(const A& in, Axes shape, const Axes& strides, std::int64_t base = 0) {
  A out{std::move(shape), {}};
  const auto size = static_cast<std::size_t>(ann::elements(out.shape));
  out.data.reserve(size);
  Axes at(out.shape.size());
  for (std::int64_t from = base; out.data.size() < size;) {
    out.data.push_back(in.data[static_cast<std::size_t>(from)]);
    for (std::size_t axis = at.size(); axis-- > 0;) {
      from += strides[axis];
      if (++at[axis] < out.shape[axis]) break;
      from -= strides[axis] * out.shape[axis];
      at[axis] = 0;
    }
  }
  return out;
}

template <class A>
A transposed(const A& in, const Axes& order) {
  const Axes from = strides_of(in.shape);
  Axes shape, strides;
  for (const std::int64_t axis : order) {
    shape.push_back(in.shape[static_cast<std::size_t>(axis)]);
    strides.push_back(from[static_cast<std::size_t>(axis)]);
  }
  return strided(in, std::move(shape), strides);
}

// The shape that both broadcast to, as NumPy does it.
inline std::optional<Axes> broadcast_shape(const Axes& a, const Axes& b) {
  Axes out(std::max(a.size(), b.size()), 1);
  for (const Axes* shape : {&a, &b}) {
    for (std::size_t i = 0; i < shape->size(); ++i) {
      const std::int64_t side = (*shape)[shape->size() - 1 - i];
      std::int64_t& own = out[out.size() - 1 - i];
      if (own != side && own != 1 && side != 1) return {};
      if (own == 1) own = side;
    }
  }
  return out;
}

template <class A>
A broadcast(const A& in, const Axes& shape) {
  const Axes from = strides_of(in.shape);
  Axes strides(shape.size());
  for (std::size_t i = 0; i < in.shape.size(); ++i) {
    if (in.shape[in.shape.size() - 1 - i] != 1) strides[shape.size() - 1 - i] = from[in.shape.size() - 1 - i];
  }
  return strided(in, shape, strides);
}

}  // namespace syn::onnx_file
