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
constexpr std::uint64_t kGreatestDecoded = 1u << 28;  // floats, 1 GiB; VGG-19 has 1.44e8
constexpr const char* kAgain = "export the network again";

std::unexpected<Error> broken(const std::string& name, std::string what) {
  return fail(std::move(what), text::cat("tensor '", name, "'"), kAgain);
}

// How many values the declared shape holds; negative sides and products beyond 2^40 are refused.
// An empty list is a legal shape (of a scalar), an empty tensor of floats is not.
Expected<std::uint64_t> declared(const std::string& name, const onnx::TensorProto& tensor, bool may_be_empty) {
  std::uint64_t count = 1;
  if (tensor.dims_size() > 8) return broken(name, text::cat("it has ", tensor.dims_size(), " axes"));
  for (const std::int64_t side : tensor.dims()) {
    if (side < (may_be_empty ? 0 : 1) || side > std::int64_t{1} << 40 ||
        (side > 0 && count > (std::uint64_t{1} << 40) / static_cast<std::uint64_t>(side))) {
      return broken(name, text::cat("its declared shape is empty, negative or too large (", side, " in one axis)"));
    }
    count *= static_cast<std::uint64_t>(side);
  }
  return count;
}

// `raw` or the typed field, whichever is there, as `To`; the count is checked against what is really there.
template <class From, class To, class Typed>
Expected<std::vector<To>> values(const std::string& name, const onnx::TensorProto& tensor, const Typed& typed,
                                 bool may_be_empty = false) {
  const auto count = declared(name, tensor, may_be_empty);
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

Expected<> Constants::put(const std::string& name, Value value) {
  if (values_.emplace(name, std::move(value)).second) return {};
  return broken(name, "two values have this name");
}
Expected<> Constants::add(const std::string& name, const onnx::TensorProto& tensor) {
  return put(name, &tensor);
}
Expected<> Constants::add(const std::string& name, ann::Tensor tensor) {
  decoded_ += tensor.data.size();
  if (decoded_ > kGreatestDecoded) return broken(name, "the network's constants have more than 2^28 values");
  return put(name, std::make_shared<const ann::Tensor>(std::move(tensor)));
}
Expected<> Constants::add(const std::string& name, Wholes wholes) {
  if (wholes.data.size() > kGreatestWholes) return broken(name, "a shape of more than 2^16 numbers");
  return put(name, std::make_shared<const Wholes>(std::move(wholes)));
}
Expected<> Constants::add(const std::string& name, Filled filled) {
  return put(name, std::move(filled));
}
Expected<> Constants::alias(const std::string& name, const std::string& of) {
  return put(name, values_.at(of));
}

bool Constants::whole(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return false;
  if (const auto* proto = std::get_if<const onnx::TensorProto*>(&found->second)) {
    const auto type = (*proto)->data_type();
    return type == onnx::TensorProto::INT64 || type == onnx::TensorProto::INT32;
  }
  return std::holds_alternative<std::shared_ptr<const Wholes>>(found->second);
}

Expected<ann::Tensor> Constants::decoded(const std::string& name) {
  const auto found = values_.find(name);
  if (found == values_.end()) return broken(name, "it is needed as a constant but is computed by the network");
  const auto room = [&](std::uint64_t count) {  // `count` is at most 2^40
    decoded_ += count;
    return decoded_ <= kGreatestDecoded;
  };
  const auto too_many = [&] { return broken(name, "the network has more than 2^28 parameters"); };
  if (const auto* ready = std::get_if<std::shared_ptr<const ann::Tensor>>(&found->second)) {
    if (!room((*ready)->data.size())) return too_many();
    return **ready;
  }
  if (const auto* filled = std::get_if<Filled>(&found->second)) {
    const auto count = static_cast<std::uint64_t>(ann::elements(filled->shape));
    if (!room(count)) return too_many();
    return ann::Tensor{filled->shape, std::vector<float>(count, filled->value)};
  }
  const auto* proto = std::get_if<const onnx::TensorProto*>(&found->second);
  if (proto == nullptr) return broken(name, "its values are whole numbers where floats are needed");
  const onnx::TensorProto& tensor = **proto;
  auto data = tensor.data_type() == onnx::TensorProto::FLOAT ? values<float, float>(name, tensor, tensor.float_data())
              : tensor.data_type() == onnx::TensorProto::DOUBLE
                  ? values<double, float>(name, tensor, tensor.double_data())
                  : Expected<std::vector<float>>(broken(name, "its values are neither float nor double"));
  if (!data) return fail(data.error());
  if (!room(data->size())) return too_many();
  return ann::Tensor{{tensor.dims().begin(), tensor.dims().end()}, std::move(*data)};
}

Expected<ann::Tensor> Constants::floats(const std::string& name) {
  auto out = decoded(name);
  if (!out) return out;
  for (const float value : out->data) {
    if (!std::isfinite(value)) return broken(name, "it holds a value that is infinite or not a number");
  }
  return out;
}

Expected<float> Constants::bound(const std::string& name) {
  const auto out = decoded(name);
  if (!out) return fail(out.error());
  if (out->data.size() != 1 || std::isnan(out->data[0])) return broken(name, "it is not one number");
  return out->data[0];
}

Expected<bool> Constants::truth(const std::string& name) const {
  const auto found = values_.find(name);
  const auto* proto = found == values_.end() ? nullptr : std::get_if<const onnx::TensorProto*>(&found->second);
  if (proto == nullptr || (*proto)->data_type() != onnx::TensorProto::BOOL)
    return broken(name, "it is needed as a constant truth value");
  const onnx::TensorProto& tensor = **proto;
  if (tensor.has_raw_data() ? tensor.raw_data().size() != 1 : tensor.int32_data_size() != 1)
    return broken(name, "it is not one truth value");
  return tensor.has_raw_data() ? tensor.raw_data()[0] != 0 : tensor.int32_data(0) != 0;
}

Expected<Wholes> Constants::wholes(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return broken(name, "it is needed as a constant but is computed by the network");
  if (const auto* ready = std::get_if<std::shared_ptr<const Wholes>>(&found->second)) return **ready;
  const auto* proto = std::get_if<const onnx::TensorProto*>(&found->second);
  if (proto == nullptr) return broken(name, "its values are floats where whole numbers are needed");
  const onnx::TensorProto& tensor = **proto;
  const auto count = declared(name, tensor, true);
  if (!count) return fail(count.error());
  if (*count > kGreatestWholes)
    return broken(name, text::cat("it holds ", *count, " whole numbers where a shape is expected"));
  auto data = tensor.data_type() == onnx::TensorProto::INT64
                  ? values<std::int64_t, std::int64_t>(name, tensor, tensor.int64_data(), true)
              : tensor.data_type() == onnx::TensorProto::INT32
                  ? values<std::int32_t, std::int64_t>(name, tensor, tensor.int32_data(), true)
                  : Expected<std::vector<std::int64_t>>(broken(name, "its values are not whole numbers"));
  if (!data) return fail(data.error());
  Wholes out{{tensor.dims().begin(), tensor.dims().end()}, {}};
  for (const std::int64_t value : *data) out.data.push_back({value});
  return out;
}

Expected<std::vector<std::int64_t>> Constants::ints(const std::string& name) const {
  const auto all = wholes(name);
  if (!all) return fail(all.error());
  std::vector<std::int64_t> out;
  for (const Whole& whole : all->data) {
    if (whole.per_image) return broken(name, "it depends on the number of images in a batch");
    out.push_back(whole.value);
  }
  return out;
}

Expected<std::vector<std::int64_t>> Constants::shape(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return broken(name, "it is needed as a constant but is computed by the network");
  if (const auto* ready = std::get_if<std::shared_ptr<const ann::Tensor>>(&found->second)) return (*ready)->shape;
  if (const auto* ready = std::get_if<std::shared_ptr<const Wholes>>(&found->second)) return (*ready)->shape;
  if (const auto* filled = std::get_if<Filled>(&found->second)) return filled->shape;
  const onnx::TensorProto& tensor = *std::get<const onnx::TensorProto*>(found->second);
  if (const auto count = declared(name, tensor, true); !count) return fail(count.error());
  return std::vector<std::int64_t>(tensor.dims().begin(), tensor.dims().end());
}

}  // namespace syn::onnx_file
