// The attributes of one node, by name and with defaults. Unknown ones are refused, because they might change the
// meaning. Private to the .cpp files of conversion/onnx: it names libonnx's classes.
#pragma once

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/text.hpp"

namespace syn::onnx_file {

class AttributeReader {
 public:
  explicit AttributeReader(const onnx::NodeProto& node) : node_(node) {}

  const onnx::AttributeProto* find(std::string_view name) const {
    for (const auto& attribute : node_.attribute()) {
      if (attribute.name() == name) return &attribute;
    }
    return nullptr;
  }
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const {
    const auto* attribute = find(name);
    return attribute ? attribute->i() : otherwise;
  }
  float number(std::string_view name, float otherwise) const {
    const auto* attribute = find(name);
    return attribute ? attribute->f() : otherwise;
  }
  std::string string(std::string_view name, std::string_view otherwise) const {
    const auto* attribute = find(name);
    return attribute ? attribute->s() : std::string(otherwise);
  }
  // At most 16 values are looked at; more are as wrong as too few.
  std::vector<std::int64_t> integers(std::string_view name) const {
    const auto* attribute = find(name);
    if (!attribute) return {};
    return {attribute->ints().begin(), attribute->ints().begin() + std::min(attribute->ints_size(), 16)};
  }
  Expected<> only(std::string_view where, std::span<const std::string_view> known) const {
    for (const auto& attribute : node_.attribute()) {
      if (std::ranges::find(known, attribute.name()) == known.end()) {
        return fail(text::cat("its attribute '", attribute.name(), "' is not understood"), std::string(where),
                    "export the network again, with operator set 13");
      }
    }
    return {};
  }

 private:
  const onnx::NodeProto& node_;
};

}  // namespace syn::onnx_file
