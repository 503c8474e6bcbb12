// One node of the file while it is read: its inputs, attributes and name, and how it is refused. Private to the .cpp
// files of conversion/onnx: it names libonnx's classes.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>

#include "conversion/onnx/attributes.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace syn::onnx_file {

inline constexpr const char* kAgain = "export the network again";

struct Call {
  const onnx::NodeProto& proto;
  std::string name;  // unique
  std::int64_t opset;
  AttributeReader attributes{proto};

  const std::string& type() const { return proto.op_type(); }
  std::size_t inputs() const { return static_cast<std::size_t>(proto.input_size()); }
  bool has(std::size_t i) const { return i < inputs() && !input(i).empty(); }
  const std::string& input(std::size_t i) const { return proto.input(static_cast<int>(i)); }
  const std::string& output() const { return proto.output(0); }
  std::string where() const { return text::cat("node '", name, "' (", type(), ")"); }
  std::unexpected<Error> refuse(std::string what, std::string todo = kAgain) const {
    return fail(std::move(what), where(), std::move(todo));
  }
};

// `axis` counted from the front; -1 if it is not one of `rank`.
inline std::int64_t from_front(std::int64_t axis, std::size_t rank) {
  const auto axes = static_cast<std::int64_t>(rank);
  return axis >= -axes && axis < axes ? (axis + axes) % axes : -1;
}

}  // namespace syn::onnx_file
