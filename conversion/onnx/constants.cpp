#include "conversion/onnx/constants.hpp"

#include <onnx/onnx_pb.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "conversion/ann/shapes.hpp"
#include "core/text.hpp"

namespace syn::onnx_file {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");
constexpr std::uint64_t kGreatestDecoded = 1u << 28;  // floats, 1 GiB
constexpr const char* kAgain = "export the network again";

std::unexpected<Error> broken(const std::string& name, std::string what) {
  return fail(std::move(what), text::cat("tensor '", name, "'"), kAgain);
}

// How many values the declared shape holds; negative sides and products beyond 2^40 are refused.
Expected<std::uint64_t> declared(const std::string& name, const onnx::TensorProto& tensor) {
  std::uint64_t count = 1;
  if (tensor.dims_size() > 8) return broken(name, text::cat("it has ", tensor.dims_size(), " axes"));
  for (const std::int64_t side : tensor.dims()) {
    if (side < 1 || side > std::int64_t{1} << 40 ||
        count > (std::uint64_t{1} << 40) / static_cast<std::uint64_t>(side)) {
      return broken(name, text::cat("its declared shape is empty, negative or too large (", side, " in one axis)"));
    }
    count *= static_cast<std::uint64_t>(side);
  }
  return count;
}

// `raw` or the typed field, whichever is there, as `To`; the count is checked against what is really there.
template <class From, class To, class Typed>
Expected<std::vector<To>> values(const std::string& name, const onnx::TensorProto& tensor, const Typed& typed) {
  const auto count = declared(name, tensor);
  if (!count) return fail(count.error());
  if (tensor.data_location() == onnx::TensorProto::EXTERNAL || tensor.external_data_size() > 0) {
    return fail("its values are in another file", text::cat("tensor '", name, "'"),
                "export the network as a single file");
  }
  const std::string& raw = tensor.raw_data();
  const std::uint64_t there =
      tensor.has_raw_data() ? raw.size() / sizeof(From) : static_cast<std::uint64_t>(typed.size());
  if (there != *count || (tensor.has_raw_data() && raw.size() % sizeof(From) != 0)) {
    return broken(name, text::cat("it declares ", *count, " values but holds ", there));
  }
  std::vector<To> out(there);
  for (std::size_t i = 0; i < out.size(); ++i) {
    From value;
    if (tensor.has_raw_data()) {
      std::memcpy(&value, raw.data() + i * sizeof(From), sizeof(From));
    } else {
      value = static_cast<From>(typed[static_cast<int>(i)]);
    }
    out[i] = static_cast<To>(value);
  }
  return out;
}

}  // namespace

Expected<> Constants::add(const std::string& name, const onnx::TensorProto& tensor) {
  if (values_.emplace(name, &tensor).second) return {};
  return broken(name, "two values have this name");
}
Expected<> Constants::add(const std::string& name, ann::Tensor tensor) {
  if (values_.emplace(name, std::move(tensor)).second) return {};
  return broken(name, "two values have this name");
}
Expected<> Constants::add_ints(const std::string& name, std::vector<std::int64_t> numbers) {
  if (values_.emplace(name, std::move(numbers)).second) return {};
  return broken(name, "two values have this name");
}

Expected<ann::Tensor> Constants::floats(const std::string& name) {
  const auto found = values_.find(name);
  if (found == values_.end()) return broken(name, "it is needed as a constant but is computed by the network");
  ann::Tensor out;
  if (const auto* ready = std::get_if<ann::Tensor>(&found->second)) {
    out = *ready;
  } else if (const auto* proto = std::get_if<const onnx::TensorProto*>(&found->second)) {
    const onnx::TensorProto& tensor = **proto;
    auto data = tensor.data_type() == onnx::TensorProto::FLOAT ? values<float, float>(name, tensor, tensor.float_data())
                : tensor.data_type() == onnx::TensorProto::DOUBLE
                    ? values<double, float>(name, tensor, tensor.double_data())
                    : Expected<std::vector<float>>(broken(name, "its values are neither float nor double"));
    if (!data) return fail(data.error());
    out.shape.assign(tensor.dims().begin(), tensor.dims().end());
    out.data = std::move(*data);
  } else {
    return broken(name, "its values are whole numbers where floats are needed");
  }
  for (const float value : out.data) {
    if (!std::isfinite(value)) return broken(name, "it holds a value that is infinite or not a number");
  }
  decoded_ += out.data.size();
  if (decoded_ > kGreatestDecoded) return broken(name, "the network has more than 2^28 parameters");
  return out;
}

Expected<std::vector<std::int64_t>> Constants::ints(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return broken(name, "it is needed as a constant but is computed by the network");
  if (const auto* ready = std::get_if<std::vector<std::int64_t>>(&found->second)) return *ready;
  const auto* proto = std::get_if<const onnx::TensorProto*>(&found->second);
  if (proto == nullptr) return broken(name, "its values are floats where whole numbers are needed");
  const onnx::TensorProto& tensor = **proto;
  const auto count = declared(name, tensor);
  if (!count) return fail(count.error());
  if (*count > 16) return broken(name, text::cat("it holds ", *count, " whole numbers where a shape is expected"));
  if (tensor.data_type() == onnx::TensorProto::INT64)
    return values<std::int64_t, std::int64_t>(name, tensor, tensor.int64_data());
  if (tensor.data_type() == onnx::TensorProto::INT32)
    return values<std::int32_t, std::int64_t>(name, tensor, tensor.int32_data());
  return broken(name, "its values are not whole numbers");
}

}  // namespace syn::onnx_file
