#include "conversion/onnx/folding.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "conversion/onnx/folding_parts.hpp"

namespace syn::onnx_file {
namespace {

using namespace folding;

Expected<> constant(const Call& call, Constants& constants) {
  const auto& attributes = call.attributes;
  const auto wholes = [&](std::vector<std::int64_t> shape, std::vector<std::int64_t> values) {
    Wholes out{std::move(shape), {}};
    for (const std::int64_t value : values) out.data.push_back({value});
    return constants.add(call.output(), std::move(out));
  };
  if (const auto* value = attributes.find("value"); value && value->has_t())
    return constants.add(call.output(), value->t());
  if (const auto* value = attributes.find("value_float"))
    return constants.add(call.output(), ann::Tensor{{}, {value->f()}});
  if (const auto* value = attributes.find("value_floats")) {
    return constants.add(call.output(),
                         ann::Tensor{{value->floats_size()}, {value->floats().begin(), value->floats().end()}});
  }
  if (attributes.find("value_int")) return wholes({}, {attributes.integer("value_int", 0)});
  if (const auto* value = attributes.find("value_ints"))
    return wholes({value->ints_size()}, {value->ints().begin(), value->ints().end()});
  return call.refuse("its value is not a tensor");
}

Expected<> constant_of_shape(const Call& call, Constants& constants) {
  const auto shape = constants.ints(call.input(0));
  if (!shape) return fail(shape.error());
  std::uint64_t count = 1;
  for (const std::int64_t side : *shape) {
    if (side < 0 || side > std::int64_t{1} << 28 || count * static_cast<std::uint64_t>(side) > 1u << 28)
      return call.refuse(text::cat("a constant of shape ", ann::text_of(*shape), " is negative or too large"));
    count *= static_cast<std::uint64_t>(side);
  }
  if (shape->size() > kGreatestRank) return call.refuse(text::cat("it has ", shape->size(), " axes"));
  const auto* value = call.attributes.find("value");
  if (!value) return constants.add(call.output(), Filled{*shape, 0});
  // The value is a tensor of one element; let the decoder look at it.
  Constants single;
  if (auto ok = single.add("value", value->t()); !ok) return ok;
  if (single.whole("value")) {
    const auto whole = single.ints("value");
    if (!whole) return fail(whole.error());
    if (whole->size() != 1 || count > kGreatestWholes) return call.refuse("its value is not one number, or too many");
    return constants.add(call.output(), Wholes{*shape, std::vector<Whole>(count, Whole{(*whole)[0]})});
  }
  const auto number = single.bound("value");
  return number ? constants.add(call.output(), Filled{*shape, *number}) : fail(number.error());
}

Expected<> same(const Call& call, Constants& constants) {
  return constants.alias(call.output(), call.input(0));
}

Expected<> cast(const Call& call, Constants& constants) {
  const std::int64_t to = call.attributes.integer("to", 0);
  const bool to_whole = to == onnx::TensorProto::INT64 || to == onnx::TensorProto::INT32;
  if (!to_whole && to != onnx::TensorProto::FLOAT && to != onnx::TensorProto::DOUBLE)
    return call.refuse("only casts between floats and whole numbers are supported");
  if (constants.whole(call.input(0)) == to_whole) return same(call, constants);
  if (!to_whole) {
    const auto in = constants.ints(call.input(0));
    if (!in) return fail(in.error());
    ann::Tensor out{*constants.shape(call.input(0)), {}};
    for (const std::int64_t v : *in) out.data.push_back(static_cast<float>(v));
    return constants.add(call.output(), std::move(out));
  }
  const auto in = constants.floats(call.input(0));
  if (!in) return fail(in.error());
  Wholes out{in->shape, {}};
  for (const float v : in->data) {
    if (std::abs(v) > 9e15f) return call.refuse(text::cat(v, " is too large for a whole number"));
    out.data.push_back({static_cast<std::int64_t>(v)});
  }
  return constants.add(call.output(), std::move(out));
}

Expected<> shape_of(const Call& call, Constants& constants) {
  const auto shape = constants.shape(call.input(0));
  if (!shape) return fail(shape.error());
  std::vector<Whole> axes;
  for (const std::int64_t side : *shape) axes.push_back({side});
  return shape_constant(call, constants, std::move(axes));
}

// Nothing where the result is no number, or depends on the batch in a way that cannot be kept.
std::optional<Whole> calculate(char op, Whole a, Whole b) {
  std::int64_t out = 0;
  switch (op) {
    case '+':
    case '-':
      if (a.per_image != b.per_image && a.value != 0 && b.value != 0) return {};
      if (op == '+' ? __builtin_add_overflow(a.value, b.value, &out) : __builtin_sub_overflow(a.value, b.value, &out))
        return {};
      return Whole{out, (a.per_image && a.value != 0) || (b.per_image && b.value != 0)};
    case '*':
      if ((a.per_image && b.per_image) || __builtin_mul_overflow(a.value, b.value, &out)) return {};
      return Whole{out, a.per_image || b.per_image};
    default:
      if (b.value == 0 || (b.value == -1 && a.value == std::numeric_limits<std::int64_t>::min())) return {};
      if (a.per_image != b.per_image && (b.per_image || a.value % b.value != 0)) return {};
      return Whole{a.value / b.value, a.per_image && !b.per_image};
  }
}
std::optional<float> calculate(char op, float a, float b) {
  const float out = op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b;
  return std::isfinite(out) ? std::optional(out) : std::nullopt;
}

Expected<> arithmetic(const Call& call, Constants& constants) {
  if (call.inputs() != 2) return call.refuse("it wants two inputs");
  const char op = call.type() == "Add" ? '+' : call.type() == "Sub" ? '-' : call.type() == "Mul" ? '*' : '/';
  return each_kind(call, constants, [&]<class A>(const A& left) -> Expected<A> {
    Expected<A> right = like_first<A>(call, constants, 1);
    if (!right) return fail(right.error());
    const auto shape = broadcast_shape(left.shape, right->shape);
    if (!shape || !small(*shape)) return call.refuse("its inputs do not fit");
    A out = broadcast(left, *shape);
    const A other = broadcast(*right, *shape);
    for (std::size_t i = 0; i < out.data.size(); ++i) {
      const auto result = calculate(op, out.data[i], other.data[i]);
      if (!result) return call.refuse("its result is no number, or depends on the number of images in a batch");
      out.data[i] = *result;
    }
    return out;
  });
}

Expected<> unary(const Call& call, Constants& constants) {
  if (constants.whole(call.input(0))) {
    auto in = constants.wholes(call.input(0));
    if (!in) return fail(in.error());
    for (Whole& v : in->data) {
      if (call.type() != "Neg" || v.value == std::numeric_limits<std::int64_t>::min())
        return call.refuse("it is not supported on whole numbers");
      v.value = -v.value;
    }
    return constants.add(call.output(), std::move(*in));
  }
  auto in = constants.floats(call.input(0));
  if (!in) return fail(in.error());
  for (float& v : in->data) {
    v = call.type() == "Neg" ? -v : std::sqrt(v);
    if (!std::isfinite(v)) return call.refuse("its result is no number");
  }
  return constants.add(call.output(), std::move(*in));
}

}  // namespace

Expected<> fold(const Call& call, Constants& constants) {
  static const std::map<std::string_view, Folder> folders{
      {"Add", arithmetic},  {"Cast", cast},      {"Concat", concat},       {"Constant", constant},
      {"Div", arithmetic},  {"Dropout", same},   {"Flatten", reshape},     {"ConstantOfShape", constant_of_shape},
      {"Gather", gather},   {"Identity", same},  {"Mul", arithmetic},      {"Neg", unary},
      {"Reshape", reshape}, {"Shape", shape_of}, {"Slice", slice},         {"Sqrt", unary},
      {"Squeeze", squeeze}, {"Sub", arithmetic}, {"Transpose", transpose}, {"Unsqueeze", squeeze},
  };
  const auto found = folders.find(call.type());
  if (found == folders.end())
    return call.refuse(text::cat("the operator ", call.type(), " of constants only is not supported"),
                       "let the exporter fold constants");
  if (call.type() != "Constant" && call.inputs() < 1) return call.refuse("it has no input");
  return found->second(call, constants);
}

Expected<> shape_constant(const Call& call, Constants& constants, std::vector<Whole> axes) {
  const auto rank = static_cast<std::int64_t>(axes.size());
  const auto place = [&](std::int64_t at) {  // counted from the end where negative, then held inside
    return std::clamp<std::int64_t>(at < 0 ? std::max(at, -rank) + rank : at, 0, rank);
  };
  const std::int64_t begin = place(call.attributes.integer("start", 0)),
                     end = place(call.attributes.integer("end", rank));
  if (begin < end) {
    axes = {axes.begin() + begin, axes.begin() + end};
  } else {
    axes.clear();
  }
  return constants.add(call.output(), Wholes{{static_cast<std::int64_t>(axes.size())}, std::move(axes)});
}

}  // namespace syn::onnx_file
