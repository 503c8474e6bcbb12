// The values an ONNX graph holds itself: initializers, Constant nodes, and transposed ones. Decoded when somebody asks.
// Private to conversion/onnx.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "conversion/ann/graph.hpp"
#include "core/error.hpp"

namespace onnx {
class TensorProto;
class NodeProto;
}  // namespace onnx

namespace syn::onnx_file {

class Constants {
 public:
  // Refuses a second value of the same name.
  Expected<> add(const std::string& name, const onnx::TensorProto& tensor);  // `tensor` must outlive this
  Expected<> add(const std::string& name, ann::Tensor tensor);
  Expected<> add_ints(const std::string& name, std::vector<std::int64_t> values);
  bool contains(const std::string& name) const { return values_.contains(name); }

  // Floats or doubles; all finite. Refuses a tensor whose shape promises more or fewer values than its bytes hold.
  Expected<ann::Tensor> floats(const std::string& name);
  // Whole numbers of 32 or 64 bits, at most 16 of them: shapes and paddings.
  Expected<std::vector<std::int64_t>> ints(const std::string& name) const;

 private:
  using Value = std::variant<const onnx::TensorProto*, ann::Tensor, std::vector<std::int64_t>>;
  std::map<std::string, Value> values_;
  std::uint64_t decoded_ = 0;  // floats handed out so far: a file may name one tensor in many nodes
};

}  // namespace syn::onnx_file
