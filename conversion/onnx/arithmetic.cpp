// Sums of activations, and arithmetic with constants.
#include <algorithm>
#include <cmath>

#include "conversion/onnx/builder.hpp"
#include "conversion/onnx/spread.hpp"

namespace syn::onnx_file {
namespace {

// The constant operand `i` as [channels] or [1] values for the activation `axes`.
Expected<ann::Tensor> operand(GraphBuilder& builder, const Call& call, std::size_t i,
                              const std::vector<std::int64_t>& axes) {
  auto constant = builder.constants().floats(call.input(i));
  if (!constant) return constant;
  if (call.opset < 7 && call.attributes.find("axis")) {  // the constant's first axis, counted in the activation
    const std::int64_t axis = from_front(call.attributes.integer("axis", 0), axes.size() + 1);
    while (axis >= 0 && static_cast<std::size_t>(axis) + constant->shape.size() < axes.size() + 1)
      constant->shape.push_back(1);
  }
  const std::string shape = ann::text_of(constant->shape);
  auto spread = per_channel(*constant, axes);
  if (spread) return std::move(*spread);
  return call.refuse(text::cat("a constant of ", shape, " is not one value per channel of ", ann::text_of(axes)),
                     "only constants per channel, or one for all, can be folded into weights");
}

// A bias written as a node of its own joins the Conv or Gemm that nobody else reads.
bool join_bias(GraphBuilder& builder, const Call& call, std::size_t activation, const ann::Tensor& shift) {
  ann::Node* maker = builder.sole_maker(call, activation);
  if (maker == nullptr) return false;
  auto* gemm = std::get_if<ann::Gemm>(&maker->op);
  auto* conv = std::get_if<ann::Conv>(&maker->op);
  if (gemm == nullptr && conv == nullptr) return false;
  ann::Tensor& bias = gemm ? gemm->bias : conv->bias;
  const std::int64_t outputs = (gemm ? gemm->weight : conv->weight).shape[0];
  if (bias.data.empty()) bias = {{outputs}, std::vector<float>(static_cast<std::size_t>(outputs))};
  for (std::size_t o = 0; o < bias.data.size(); ++o) bias.data[o] += shift.data[shift.data.size() == 1 ? 0 : o];
  return true;
}

Expected<> sum(GraphBuilder& builder, const Call& call) {
  std::vector<std::string> inputs;
  std::vector<std::int64_t> axes;
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    const auto in = builder.view(call, i);
    if (!in) return fail(in.error());
    if (i == 0) axes = (*in)->axes();
    if ((*in)->axes() != axes) {
      return call.refuse(text::cat("it adds activations of ", ann::text_of(axes), " and ", ann::text_of((*in)->axes()),
                                   "; broadcasting one over the other is not supported"));
    }
    if (auto ok = builder.settle(**in); !ok) return ok;
    inputs.push_back((*in)->value);
  }
  if (inputs.size() == 1) return builder.pass(call);
  return builder.append(call, ann::Add{}, std::move(inputs), axes);
}

Expected<> with_constant(GraphBuilder& builder, const Call& call) {
  const bool constant_first = !builder.computed(call.input(0));
  const std::size_t activation = constant_first ? 1 : 0;
  const std::string& type = call.type();
  if (builder.computed(call.input(1 - activation))) {
    if (type == "Add") return sum(builder, call);
    return call.refuse(text::cat("a ", type, " of two activations is not supported"),
                       "only sums join activations; multiply or divide by constants");
  }
  const auto in = builder.view(call, activation);
  if (!in) return fail(in.error());
  auto constant = operand(builder, call, 1 - activation, (*in)->axes());
  if (!constant) return fail(constant.error());
  ann::Affine affine{{{1}, {1}}, {{1}, {0}}};
  if (type == "Add" || type == "Sub") {
    if (type == "Sub" && constant_first) affine.factor.data[0] = -1;
    if (type == "Sub" && !constant_first) {
      for (float& v : constant->data) v = -v;
    }
    if (affine.factor.data[0] == 1 && join_bias(builder, call, activation, *constant))
      return builder.add_view(call, **in);
    affine.shift = std::move(*constant);
  } else {
    if (type == "Div") {
      if (constant_first) return call.refuse("dividing by an activation is not supported");
      for (float& v : constant->data) v = 1 / v;
      if (!std::ranges::all_of(constant->data, [](float v) { return std::isfinite(v); }))
        return call.refuse("it divides by zero");
    }
    affine.factor = std::move(*constant);
  }
  if (auto ok = builder.settle(**in); !ok) return ok;
  return builder.append(call, std::move(affine), {(*in)->value}, (*in)->shape);
}

Expected<> negate(GraphBuilder& builder, const Call& call) {
  return builder.append_elementwise(call, ann::Affine{{{1}, {-1}}, {{1}, {0}}});
}

}  // namespace

std::span<const Entry> arithmetic_operators() {
  static const std::vector<Entry> entries{
      {"Add", with_constant, 2, 2, {"axis", "broadcast"}}, {"Div", with_constant, 2, 2, {"axis", "broadcast"}},
      {"Mul", with_constant, 2, 2, {"axis", "broadcast"}}, {"Neg", negate, 1, 1, {}},
      {"Sub", with_constant, 2, 2, {"axis", "broadcast"}}, {"Sum", sum, 1, 1024, {}},
  };
  return entries;
}

}  // namespace syn::onnx_file
