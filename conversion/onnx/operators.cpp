#include "conversion/onnx/operators.hpp"

#include <algorithm>
#include <cmath>

#include "conversion/onnx/attributes.hpp"

namespace syn::onnx_file {

const char* const kSupported =
    "Add (of a constant), AveragePool, BatchNormalization, Constant, Conv, Dropout, Flatten, Gemm, GlobalAveragePool, "
    "Identity, MatMul (by a constant), MaxPool, Pad (zeros before a Conv), Relu, Reshape (that flattens), Softmax (at "
    "the "
    "end), Transpose (of a constant)";

class GraphBuilder::Attributes : public AttributeReader {
  using AttributeReader::AttributeReader;
};

namespace {

constexpr const char* kAgain = "export the network again";

std::string at(const ann::Node& node, const onnx::NodeProto& proto) {
  return text::cat("node '", node.name, "' (", proto.op_type(), ")");
}
std::unexpected<Error> refuse(const ann::Node& node, const onnx::NodeProto& proto, std::string what,
                              std::string todo = kAgain) {
  return fail(std::move(what), at(node, proto), std::move(todo));
}

// [rows, columns] transposed, times `factor`.
ann::Tensor transposed(const ann::Tensor& in, float factor) {
  const auto rows = static_cast<std::size_t>(in.shape[0]), columns = static_cast<std::size_t>(in.shape[1]);
  ann::Tensor out{{in.shape[1], in.shape[0]}, std::vector<float>(in.data.size())};
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) out.data[c * rows + r] = in.data[r * columns + c] * factor;
  }
  return out;
}

// A bias as exporters write it ([out], [1, out], [out, 1, 1], [1, out, 1, 1], or one value for all) as [out].
bool spread(ann::Tensor& bias, std::int64_t out, bool spatial) {
  if (bias.data.size() == 1 && out != 1)
    bias.data.assign(static_cast<std::size_t>(out), bias.data[0]);
  else {
    std::vector<std::int64_t> core = bias.shape;
    if (spatial && bias.data.size() != 1) {
      if (core.size() < 2 || core.back() != 1 || core[core.size() - 2] != 1) return false;
      core.resize(core.size() - 2);
    }
    for (std::size_t i = 0; i + 1 < core.size(); ++i) {
      if (core[i] != 1) return false;
    }
    if (static_cast<std::int64_t>(bias.data.size()) != out) return false;
  }
  bias.shape = {out};
  return true;
}

}  // namespace

GraphBuilder::GraphBuilder(ann::Graph& graph, Constants& constants, const std::map<std::string, int>& uses,
                           std::int64_t opset)
    : graph_(graph), constants_(constants), uses_(uses), opset_(opset) {
  aliases_[graph.input].value = graph.input;
  shapes_[graph.input] = graph.input_shape;
}

Expected<> GraphBuilder::append(ann::Node node) {
  auto shape = ann::output_shape(node, shape_of(node));
  if (!shape) return fail(shape.error());
  shapes_[node.output] = std::move(*shape);
  aliases_[node.output].value = node.output;
  graph_.nodes.push_back(std::move(node));
  return {};
}

Expected<> GraphBuilder::alias(const std::string& output, Alias to) {
  aliases_[output] = std::move(to);
  return {};
}

Expected<> GraphBuilder::finish(const std::string& output) {
  const auto found = aliases_.find(output);
  if (found == aliases_.end()) return fail(text::cat("the output '", output, "' is made by no node"), "graph", kAgain);
  if (found->second.padded()) return fail("the network ends with a Pad", text::cat("output '", output, "'"), kAgain);
  graph_.output = found->second.value;
  if (graph_.nodes.empty()) return fail("the network has no layers", text::cat("output '", output, "'"), kAgain);
  return {};
}

Expected<> GraphBuilder::add(const onnx::NodeProto& proto, const std::string& name) {
  static const std::map<std::string_view, Adder> adders{
      {"Add", &GraphBuilder::add_constant},
      {"AveragePool", &GraphBuilder::pool},
      {"BatchNormalization", &GraphBuilder::batch_normalization},
      {"Conv", &GraphBuilder::conv},
      {"Dropout", &GraphBuilder::pass},
      {"Flatten", &GraphBuilder::flatten},
      {"Gemm", &GraphBuilder::gemm},
      {"GlobalAveragePool", &GraphBuilder::global_average_pool},
      {"Identity", &GraphBuilder::pass},
      {"MatMul", &GraphBuilder::mat_mul},
      {"MaxPool", &GraphBuilder::pool},
      {"Pad", &GraphBuilder::pad},
      {"Relu", &GraphBuilder::relu},
      {"Reshape", &GraphBuilder::reshape},
      {"Softmax", &GraphBuilder::softmax},
  };
  const Attributes attributes(proto);
  ann::Node node{.name = name, .op = ann::Relu{}, .inputs = {}, .output = {}};
  if (proto.output_size() < 1 || proto.output(0).empty()) return refuse(node, proto, "it has no output");
  if (proto.domain() != "" && proto.domain() != "ai.onnx") {
    return refuse(node, proto, text::cat("operators of '", proto.domain(), "' are not supported"),
                  text::cat("use only ", kSupported));
  }
  if (proto.op_type() == "Constant") return constant(proto, attributes, name);
  if (proto.op_type() == "Transpose" && proto.input_size() == 1 && constants_.contains(proto.input(0))) {
    return transpose(proto, attributes, name);
  }
  if (proto.op_type() == "Identity" && proto.input_size() == 1 && constants_.contains(proto.input(0))) {
    auto value = constants_.floats(proto.input(0));
    return value ? constants_.add(proto.output(0), std::move(*value)) : fail(value.error());
  }
  const auto adder = adders.find(proto.op_type());
  if (adder == adders.end()) {
    return refuse(node, proto, text::cat("the operator ", proto.op_type(), " is not supported"),
                  text::cat("use only ", kSupported));
  }
  const bool constant_first =
      proto.op_type() == "Add" && proto.input_size() == 2 && constants_.contains(proto.input(0));
  if (proto.input_size() <= constant_first) return refuse(node, proto, "it has no input");
  const std::string& input = proto.input(constant_first);
  const auto source = aliases_.find(input);
  if (source == aliases_.end()) {
    return refuse(node, proto, text::cat("its input '", input, "' is a constant where an activation is expected"));
  }
  if (source->second.padded() && proto.op_type() != "Conv" && proto.op_type() != "Pad") {
    return refuse(node, proto, "a Pad stands before it, which is supported only before a Conv",
                  "give the layer its own padding");
  }
  node.inputs = {source->second.value};
  node.output = proto.output(0);
  return (this->*adder->second)(proto, attributes, std::move(node));
}

Expected<> GraphBuilder::constant(const onnx::NodeProto& proto, const Attributes& attributes, const std::string& name) {
  if (const auto* value = attributes.find("value"); value && value->has_t())
    return constants_.add(proto.output(0), value->t());
  if (const auto* value = attributes.find("value_float")) {
    return constants_.add(proto.output(0), ann::Tensor{{1}, {value->f()}});
  }
  if (attributes.find("value_int")) return constants_.add_ints(proto.output(0), {attributes.integer("value_int", 0)});
  if (const auto* value = attributes.find("value_ints"); value && value->ints_size() <= 16) {
    return constants_.add_ints(proto.output(0), attributes.integers("value_ints"));
  }
  return fail("its value is not a tensor", text::cat("node '", name, "' (Constant)"), kAgain);
}

Expected<> GraphBuilder::transpose(const onnx::NodeProto& proto, const Attributes& attributes,
                                   const std::string& name) {
  auto value = constants_.floats(proto.input(0));
  if (!value) return fail(value.error());
  const auto order = attributes.integers("perm");
  if (value->shape.size() != 2 || (!order.empty() && order != std::vector<std::int64_t>{1, 0})) {
    return fail("only a constant matrix can be transposed", text::cat("node '", name, "' (Transpose)"),
                text::cat("use only ", kSupported));
  }
  return constants_.add(proto.output(0), transposed(*value, 1));
}

Expected<ann::Geometry> GraphBuilder::window(const Attributes& attributes, const ann::Node& node,
                                             const ann::ValueShape& in, std::vector<std::int64_t> kernel) const {
  const auto wrong = [&](std::string what) {
    return fail(std::move(what), text::cat("node '", node.name, "'"), kAgain);
  };
  if (in.size() != 3)
    return wrong(text::cat("a window over ", ann::text_of(in), "; only two spatial axes are supported"));
  if (const auto stated = attributes.integers("kernel_shape"); !stated.empty()) {
    if (!kernel.empty() && stated != kernel) return wrong("kernel_shape contradicts the weights");
    kernel = stated;
  }
  const auto strides = attributes.integers("strides"), dilations = attributes.integers("dilations"),
             pads = attributes.integers("pads");
  if (kernel.size() != 2 || (!strides.empty() && strides.size() != 2) ||
      (!dilations.empty() && dilations.size() != 2) || (!pads.empty() && pads.size() != 4)) {
    return wrong("its window does not have two axes");
  }
  ann::Geometry g;
  for (std::size_t axis = 0; axis < 2; ++axis) {
    g.kernel[axis] = kernel[axis];
    if (!strides.empty()) g.stride[axis] = strides[axis];
    if (!dilations.empty()) g.dilation[axis] = dilations[axis];
    if (!pads.empty()) {
      g.pad_begin[axis] = pads[axis];
      g.pad_end[axis] = pads[axis + 2];
    }
    for (const std::int64_t v : {g.kernel[axis], g.stride[axis], g.dilation[axis]}) {
      if (v < 1 || v > ann::kGreatestExtent)
        return wrong(text::cat("a kernel, stride or dilation of ", v, " is out of range"));
    }
  }
  const std::string automatic = attributes.string("auto_pad", "NOTSET");
  if (automatic == "VALID") {
    for (int axis = 0; axis < 2; ++axis) g.pad_begin[axis] = g.pad_end[axis] = 0;
  } else if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
    for (int axis = 0; axis < 2; ++axis) {
      const std::int64_t size = in[static_cast<std::size_t>(axis) + 1];
      const std::int64_t out = (size + g.stride[axis] - 1) / g.stride[axis];
      const std::int64_t pad =
          std::max<std::int64_t>(0, (out - 1) * g.stride[axis] + (g.kernel[axis] - 1) * g.dilation[axis] + 1 - size);
      g.pad_begin[axis] = automatic == "SAME_UPPER" ? pad / 2 : pad - pad / 2;
      g.pad_end[axis] = pad - g.pad_begin[axis];
    }
  } else if (automatic != "NOTSET" && !automatic.empty()) {
    return wrong(text::cat("auto_pad '", automatic, "' is not known"));
  }
  return g;
}

Expected<> GraphBuilder::conv(const onnx::NodeProto& proto, const Attributes& attributes, ann::Node node) {
  if (auto ok = attributes.only(at(node, proto), {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"});
      !ok)
    return ok;
  if (proto.input_size() < 2 || proto.input_size() > 3)
    return refuse(node, proto, "it wants an input, weights and perhaps a bias");
  ann::Conv conv;
  conv.groups = attributes.integer("group", 1);
  auto weight = constants_.floats(proto.input(1));
  if (!weight) return fail(weight.error());
  conv.weight = std::move(*weight);
  if (conv.weight.shape.size() != 4) {
    return refuse(
        node, proto,
        text::cat("its weights are ", ann::text_of(conv.weight.shape), "; only two spatial axes are supported"));
  }
  if (proto.input_size() == 3 && !proto.input(2).empty()) {
    auto bias = constants_.floats(proto.input(2));
    if (!bias) return fail(bias.error());
    conv.bias = std::move(*bias);
  }
  auto geometry = window(attributes, node, shape_of(node), {conv.weight.shape[2], conv.weight.shape[3]});
  if (!geometry) return fail(geometry.error());
  conv.geometry = *geometry;
  const Alias& from = aliases_.at(proto.input(0));
  if (from.padded()) {
    if (attributes.string("auto_pad", "").starts_with("SAME"))
      return refuse(node, proto, "a Pad before auto_pad SAME is not supported");
    for (int axis = 0; axis < 2; ++axis) {
      conv.geometry.pad_begin[axis] += from.pads[axis];
      conv.geometry.pad_end[axis] += from.pads[axis + 2];
    }
  }
  node.op = std::move(conv);
  return append(std::move(node));
}

Expected<> GraphBuilder::batch_normalization(const onnx::NodeProto& proto, const Attributes& attributes,
                                             ann::Node node) {
  if (auto ok = attributes.only(at(node, proto), {"epsilon", "momentum", "spatial", "is_test", "training_mode"}); !ok)
    return ok;
  if (proto.input_size() != 5) return refuse(node, proto, "it wants an input, scale, bias, mean and variance");
  if (attributes.integer("training_mode", 0) != 0 || attributes.integer("spatial", 1) != 1 ||
      (opset_ < 7 && attributes.integer("is_test", 0) != 1)) {
    return refuse(node, proto, "it is in training mode, or not per channel", "export the network in evaluation mode");
  }
  ann::BatchNormalization bn;
  bn.epsilon = attributes.number("epsilon", 1e-5f);
  if (!(bn.epsilon >= 0) || !std::isfinite(bn.epsilon))
    return refuse(node, proto, "its epsilon is not a positive number");
  int i = 1;
  for (ann::Tensor* part : {&bn.scale, &bn.bias, &bn.mean, &bn.variance}) {
    auto value = constants_.floats(proto.input(i++));
    if (!value) return fail(value.error());
    *part = std::move(*value);
  }
  node.op = std::move(bn);
  return append(std::move(node));
}

Expected<> GraphBuilder::relu(const onnx::NodeProto&, const Attributes&, ann::Node node) {
  return append(std::move(node));
}

Expected<> GraphBuilder::pool(const onnx::NodeProto& proto, const Attributes& attributes, ann::Node node) {
  if (auto ok = attributes.only(at(node, proto), {"auto_pad", "ceil_mode", "count_include_pad", "dilations",
                                                  "kernel_shape", "pads", "storage_order", "strides"});
      !ok)
    return ok;
  auto geometry = window(attributes, node, shape_of(node), {});
  if (!geometry) return fail(geometry.error());
  const bool ceil_mode = attributes.integer("ceil_mode", 0) != 0;
  if (proto.op_type() == "MaxPool") {
    node.op = ann::MaxPool{*geometry, ceil_mode};
  } else {
    if (geometry->dilation[0] != 1 || geometry->dilation[1] != 1)
      return refuse(node, proto, "dilation is not supported here");
    node.op = ann::AveragePool{*geometry, ceil_mode, attributes.integer("count_include_pad", 0) != 0};
  }
  return append(std::move(node));
}

Expected<> GraphBuilder::global_average_pool(const onnx::NodeProto& proto, const Attributes&, ann::Node node) {
  const auto& in = shape_of(node);
  if (in.size() != 3) return refuse(node, proto, "only two spatial axes are supported");
  node.op = ann::AveragePool{.geometry = {.kernel = {in[1], in[2]}}};
  return append(std::move(node));
}

Expected<> GraphBuilder::flatten(const onnx::NodeProto& proto, const Attributes& attributes, ann::Node node) {
  const auto rank = static_cast<std::int64_t>(shape_of(node).size()) + 1;
  const std::int64_t axis = attributes.integer("axis", 1);
  if (axis != 1 && axis != 1 - rank) return refuse(node, proto, text::cat("axis ", axis, " would mix images"));
  if (rank == 2) return alias(node.output, {.value = node.inputs[0]});
  node.op = ann::Flatten{};
  return append(std::move(node));
}

Expected<> GraphBuilder::reshape(const onnx::NodeProto& proto, const Attributes& attributes, ann::Node node) {
  if (proto.input_size() != 2) return refuse(node, proto, "it wants an input and a shape");
  const auto shape = constants_.ints(proto.input(1));
  if (!shape) return fail(shape.error());
  const std::int64_t size = ann::elements(shape_of(node));
  // 0 copies the batch, -1 infers it; a fixed batch of one is what many exporters write.
  const bool flattens =
      shape->size() == 2 && ((*shape)[1] == size ? (*shape)[0] == 0 || (*shape)[0] == -1 || (*shape)[0] == 1
                                                 : (*shape)[1] == -1 && ((*shape)[0] == 0 || (*shape)[0] == 1));
  if (!flattens || attributes.integer("allowzero", 0) != 0) {
    return refuse(
        node, proto,
        text::cat("a reshape of ", ann::text_of(shape_of(node)), " to [", ann::text_of(*shape), "] is not a flatten"),
        "use Flatten");
  }
  if (shape_of(node).size() == 1) return alias(node.output, {.value = node.inputs[0]});
  node.op = ann::Flatten{};
  return append(std::move(node));
}

Expected<> GraphBuilder::gemm(const onnx::NodeProto& proto, const Attributes& attributes, ann::Node node) {
  if (auto ok = attributes.only(at(node, proto), {"alpha", "beta", "broadcast", "transA", "transB"}); !ok) return ok;
  if (proto.input_size() < 2 || proto.input_size() > 3)
    return refuse(node, proto, "it wants an input, weights and perhaps a bias");
  if (attributes.integer("transA", 0) != 0) return refuse(node, proto, "transA would mix images");
  const float alpha = attributes.number("alpha", 1), beta = attributes.number("beta", 1);
  if (!std::isfinite(alpha) || !std::isfinite(beta)) return refuse(node, proto, "alpha or beta is not a number");
  auto weight = constants_.floats(proto.input(1));
  if (!weight) return fail(weight.error());
  if (weight->shape.size() != 2) return refuse(node, proto, "its weights are not a matrix");
  ann::Gemm gemm;
  if (attributes.integer("transB", 0) != 0) {
    gemm.weight = std::move(*weight);
    for (float& v : gemm.weight.data) v *= alpha;
  } else {
    gemm.weight = transposed(*weight, alpha);
  }
  if (proto.input_size() == 3 && !proto.input(2).empty()) {
    auto bias = constants_.floats(proto.input(2));
    if (!bias) return fail(bias.error());
    if (!spread(*bias, gemm.weight.shape[0], false)) return refuse(node, proto, "its bias is not one value per output");
    for (float& v : bias->data) v *= beta;
    gemm.bias = std::move(*bias);
  }
  node.op = std::move(gemm);
  return append(std::move(node));
}

Expected<> GraphBuilder::mat_mul(const onnx::NodeProto& proto, const Attributes&, ann::Node node) {
  if (proto.input_size() != 2) return refuse(node, proto, "it wants two inputs");
  auto weight = constants_.floats(proto.input(1));
  if (!weight) return fail(weight.error());
  if (weight->shape.size() != 2) return refuse(node, proto, "its weights are not a matrix");
  node.op = ann::Gemm{.weight = transposed(*weight, 1), .bias = {}};
  return append(std::move(node));
}

// A bias written as a node of its own: it joins the Gemm or Conv that nobody else reads.
Expected<> GraphBuilder::add_constant(const onnx::NodeProto& proto, const Attributes&, ann::Node node) {
  if (proto.input_size() != 2) return refuse(node, proto, "it wants two inputs");
  const int activation = constants_.contains(proto.input(0)) ? 1 : 0;
  if (!constants_.contains(proto.input(1 - activation))) {
    return refuse(node, proto, "adding two activations is not supported yet", text::cat("use only ", kSupported));
  }
  auto bias = constants_.floats(proto.input(1 - activation));
  if (!bias) return fail(bias.error());
  ann::Node* maker = graph_.nodes.empty() ? nullptr : &graph_.nodes.back();
  for (ann::Node& candidate : graph_.nodes) {
    if (candidate.output == node.inputs[0]) maker = &candidate;
  }
  if (!maker || maker->output != node.inputs[0] || maker->output != proto.input(activation) ||
      uses_.at(maker->output) != 1) {
    return refuse(node, proto,
                  "a constant can be added only to the output of a MatMul, Gemm or Conv that nobody else reads");
  }
  auto* gemm = std::get_if<ann::Gemm>(&maker->op);
  auto* conv = std::get_if<ann::Conv>(&maker->op);
  if (!gemm && !conv) return refuse(node, proto, "a constant can be added only to a MatMul, Gemm or Conv");
  ann::Tensor& own = gemm ? gemm->bias : conv->bias;
  if (!spread(*bias, shape_of(node)[0], conv != nullptr))
    return refuse(node, proto, "the constant is not one value per output");
  for (std::size_t i = 0; i < own.data.size(); ++i) bias->data[i] += own.data[i];
  own = std::move(*bias);
  return alias(node.output, {.value = node.inputs[0]});
}

Expected<> GraphBuilder::pad(const onnx::NodeProto& proto, const Attributes& attributes, ann::Node node) {
  if (auto ok = attributes.only(at(node, proto), {"mode", "pads", "value"}); !ok) return ok;
  std::vector<std::int64_t> pads = attributes.integers("pads");
  float value = attributes.number("value", 0);
  if (opset_ >= 11) {
    if (proto.input_size() < 2 || proto.input_size() > 3)
      return refuse(node, proto, "it wants an input, pads and perhaps a value");
    auto stated = constants_.ints(proto.input(1));
    if (!stated) return fail(stated.error());
    pads = std::move(*stated);
    if (proto.input_size() == 3 && !proto.input(2).empty()) {
      auto fill = constants_.floats(proto.input(2));
      if (!fill) return fail(fill.error());
      value = fill->data.at(0);
    }
  }
  const std::size_t rank = shape_of(node).size() + 1;
  if (pads.size() != 2 * rank)
    return refuse(node, proto, text::cat("it has ", pads.size(), " paddings for ", rank, " axes"));
  Alias to = aliases_.at(proto.input(0));
  if (std::ranges::all_of(pads, [](std::int64_t p) { return p == 0; })) return alias(node.output, std::move(to));
  if (attributes.string("mode", "constant") != "constant" || value != 0 || rank != 4 || pads[0] || pads[1] || pads[4] ||
      pads[5]) {
    return refuse(node, proto, "only zeros around the image are supported", "pad with zeros, directly before a Conv");
  }
  int i = 0;
  for (const std::size_t from : {2, 3, 6, 7}) {
    if (pads[from] < 0 || pads[from] > ann::kGreatestExtent)
      return refuse(node, proto, text::cat("a padding of ", pads[from], " is out of range"));
    to.pads[i++] += pads[from];
  }
  return alias(node.output, std::move(to));
}

Expected<> GraphBuilder::pass(const onnx::NodeProto& proto, const Attributes&, ann::Node node) {
  if (proto.output_size() > 1 && uses_.contains(proto.output(1)))
    return refuse(node, proto, "its mask is used by another node");
  return alias(node.output, aliases_.at(proto.input(0)));
}

Expected<> GraphBuilder::softmax(const onnx::NodeProto& proto, const Attributes& attributes, ann::Node node) {
  const std::int64_t axis = attributes.integer("axis", opset_ >= 13 ? -1 : 1);
  if (axis != 1 && axis != -1) return refuse(node, proto, text::cat("axis ", axis, " would mix images"));
  if (!graph_.nodes.empty() && std::holds_alternative<ann::Softmax>(graph_.nodes.back().op))
    return refuse(node, proto, "it follows a Softmax");
  node.op = ann::Softmax{};
  return append(std::move(node));
}

}  // namespace syn::onnx_file
