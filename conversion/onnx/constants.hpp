// The values an ONNX graph holds itself: initializers, Constant nodes, and what follows from them. Large ones are
// decoded when somebody asks. Private to conversion/onnx.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "conversion/ann/graph.hpp"
#include "core/error.hpp"

namespace onnx {
class TensorProto;
}  // namespace onnx

namespace syn::onnx_file {

// A whole number of a shape. Where the batch is open, `per_image` numbers are to be multiplied by it.
struct Whole {
  std::int64_t value = 0;
  bool per_image = false;
  bool operator==(const Whole&) const = default;
};
struct Wholes {
  std::vector<std::int64_t> shape;
  std::vector<Whole> data;
};
// As ConstantOfShape makes it.
struct Filled {
  std::vector<std::int64_t> shape;
  float value = 0;
};

inline constexpr std::uint64_t kGreatestWholes = 1u << 16;  // in one value: shapes, paddings, channel indices

class Constants {
 public:
  // Refuses a second value of the same name.
  Expected<> add(const std::string& name, const onnx::TensorProto& tensor);  // `tensor` must outlive this
  Expected<> add(const std::string& name, ann::Tensor tensor);
  Expected<> add(const std::string& name, Wholes wholes);
  Expected<> add(const std::string& name, Filled filled);
  Expected<> alias(const std::string& name, const std::string& of);
  bool contains(const std::string& name) const { return values_.contains(name); }
  bool whole(const std::string& name) const;  // whole numbers rather than floats

  // Floats or doubles; all finite. Refuses a tensor whose shape promises more or fewer values than its bytes hold, and
  // whoever asks for more than 2^28 values in all.
  Expected<ann::Tensor> floats(const std::string& name);
  // One float, which may be infinite.
  Expected<float> bound(const std::string& name);
  // One truth value.
  Expected<bool> truth(const std::string& name) const;
  // Whole numbers of 32 or 64 bits, at most 2^16 of them.
  Expected<Wholes> wholes(const std::string& name) const;
  // The same where the batch must not be part of it.
  Expected<std::vector<std::int64_t>> ints(const std::string& name) const;
  Expected<std::vector<std::int64_t>> shape(const std::string& name) const;

 private:
  using Value =
      std::variant<const onnx::TensorProto*, std::shared_ptr<const ann::Tensor>, std::shared_ptr<const Wholes>, Filled>;
  Expected<> put(const std::string& name, Value value);
  Expected<ann::Tensor> decoded(const std::string& name);

  std::map<std::string, Value> values_;
  std::uint64_t decoded_ = 0;  // floats handed out so far: a file may name one tensor in many nodes
};

}  // namespace syn::onnx_file
