// Every operator of the float executor but Conv and Gemm, one call a node. Private to conversion/ann.
#pragma once

#include <span>

#include "conversion/ann/graph.hpp"
#include "conversion/ann/shapes.hpp"

namespace syn::ann {

// `images` images of a node's values, [image][y][x][channel] or [image][feature].
struct NodeValues {
  std::size_t images;
  std::span<const ValueShape* const> in_shapes;
  const ValueShape& out_shape;
  std::span<const std::span<const float>> in;
  std::span<float> out;
};

// Whether an output value depends on the input value at its own place only; these may write where they read.
bool works_in_place(const Operator& op);

// `op` is neither Conv nor Gemm.
void apply(const Operator& op, const NodeValues& values);

}  // namespace syn::ann
