// Nodes that read constants only become constants: the arithmetic on shapes that exporters write, and constants that
// are turned or broadcast before use. Private to conversion/onnx.
#pragma once

#include "conversion/onnx/call.hpp"
#include "conversion/onnx/constants.hpp"
#include "core/error.hpp"

namespace syn::onnx_file {

// Puts the node's output among the constants. Refuses operators that it does not know, by name.
Expected<> fold(const Call& call, Constants& constants);

// The output of a Shape node whose input has these axes, the batch included.
Expected<> shape_constant(const Call& call, Constants& constants, std::vector<Whole> axes);

// The whole numbers of an axes-like argument: input `i` if it is there (later operator sets), else the attribute.
Expected<std::vector<std::int64_t>> list_argument(const Call& call, const Constants& constants, std::size_t i,
                                                  std::string_view attribute);
// `shape` after Squeeze or Unsqueeze; axes count from the front of the longer of the two.
Expected<std::vector<std::int64_t>> squeezed(const Call& call, std::vector<std::int64_t> shape,
                                             const std::vector<std::int64_t>& axes);
Expected<std::vector<std::int64_t>> unsqueezed(const Call& call, std::vector<std::int64_t> shape,
                                               const std::vector<std::int64_t>& axes);

}  // namespace syn::onnx_file
