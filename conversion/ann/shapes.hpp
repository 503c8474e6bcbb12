// What shape flows out of each node. Every product is bounded, so that whoever runs or converts the graph may allocate
// by these shapes. A value is {channels, height, width} or {features}; the batch is never part of it. One-dimensional
// maps are {channels, 1, length}.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "conversion/ann/graph.hpp"
#include "core/error.hpp"

namespace syn::ann {

using ValueShape = std::vector<std::int64_t>;

inline constexpr std::int64_t kGreatestValue = std::int64_t{1}
                                               << 26;  // elements of one value of one image, padding included
inline constexpr std::int64_t kGreatestExtent = std::int64_t{1} << 20;  // of one axis, kernel, stride or padding

std::int64_t elements(std::span<const std::int64_t> shape);
std::string text_of(std::span<const std::int64_t> shape);  // "16x28x28"

// The window arithmetic of convolution and pooling for one axis. A ceil_mode window that would start beyond the input
// and its leading padding is dropped, as ONNX and PyTorch do.
std::int64_t windows(std::int64_t size, const Geometry& g, int axis, bool ceil_mode);

// `in` has one shape an input. Also checks the operator's own tensors against it. Errors name the node.
Expected<ValueShape> output_shape(const Node& node, std::span<const ValueShape> in);

// All values of a graph, the input included. Also checks that nodes are in topological order, that values have one
// maker each, and that the output exists.
Expected<std::map<std::string, ValueShape>> shapes(const Graph& graph);

}  // namespace syn::ann
