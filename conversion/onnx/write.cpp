#include "conversion/onnx/write.hpp"

#include <onnx/onnx_pb.h>

#include <bit>
#include <cmath>
#include <initializer_list>

#include "conversion/ann/shapes.hpp"
#include "core/text.hpp"

namespace syn::onnx_file {
namespace {

constexpr int kIrVersion = 7;
constexpr int kOpset = 13;
static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

void set_ints(onnx::NodeProto& node, const char* name, std::initializer_list<std::int64_t> values) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INTS);
  for (const std::int64_t value : values) attribute.add_ints(value);
}
void set_int(onnx::NodeProto& node, const char* name, std::int64_t value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
}
void set_float(onnx::NodeProto& node, const char* name, float value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::FLOAT);
  attribute.set_f(value);
}
void set_window(onnx::NodeProto& node, const ann::Geometry& g) {
  set_ints(node, "kernel_shape", {g.kernel[0], g.kernel[1]});
  set_ints(node, "strides", {g.stride[0], g.stride[1]});
  set_ints(node, "pads", {g.pad_begin[0], g.pad_begin[1], g.pad_end[0], g.pad_end[1]});
}
// AveragePool has no dilations before operator set 19; they are written only where they say something.
void set_dilation(onnx::NodeProto& node, const ann::Geometry& g) {
  if (g.dilation[0] != 1 || g.dilation[1] != 1) set_ints(node, "dilations", {g.dilation[0], g.dilation[1]});
}

// Writes one node of the graph, mostly as one node of the file. The constant `w` of node `n` becomes the initializer
// "n.w". Where one node becomes several, all but the last get the name and the value "n.<part>".
class NodeWriter {
 public:
  NodeWriter(onnx::GraphProto& graph, const ann::Node& node, const ann::ValueShape& in)
      : graph_(graph), node_(node), in_(in), value_(node.inputs[0]) {}

  Expected<> operator()(const ann::Conv& conv) {
    auto& out = last("Conv", {floats("weight", conv.weight)});
    if (!conv.bias.data.empty()) out.add_input(floats("bias", conv.bias));
    set_window(out, conv.geometry);
    set_dilation(out, conv.geometry);
    set_int(out, "group", conv.groups);
    return {};
  }
  Expected<> operator()(const ann::Gemm& gemm) {
    auto& out = last("Gemm", {floats("weight", gemm.weight)});
    if (!gemm.bias.data.empty()) out.add_input(floats("bias", gemm.bias));
    set_int(out, "transB", 1);
    return {};
  }
  Expected<> operator()(const ann::BatchNormalization& bn) {
    auto& out = last("BatchNormalization", {floats("scale", bn.scale), floats("bias", bn.bias), floats("mean", bn.mean),
                                            floats("variance", bn.variance)});
    set_float(out, "epsilon", bn.epsilon);
    return {};
  }
  Expected<> operator()(const ann::Affine& affine) {
    part("Mul", "mul", {per_channel("factor", affine.factor)});
    last("Add", {per_channel("shift", affine.shift)});
    return {};
  }
  Expected<> operator()(const ann::Relu&) { return one("Relu"); }
  Expected<> operator()(const ann::LeakyRelu& relu) {
    set_float(last("LeakyRelu", {}), "alpha", relu.slope);
    return {};
  }
  Expected<> operator()(const ann::Clip& clip) {
    auto& out = last("Clip", {std::isfinite(clip.low) ? scalar("min", clip.low) : ""});
    if (std::isfinite(clip.high)) out.add_input(scalar("max", clip.high));
    return {};
  }
  Expected<> operator()(const ann::Floor&) { return one("Floor"); }
  Expected<> operator()(const ann::QuantisedRelu& relu) {
    ann::Tensor step = relu.ceiling;
    for (float& v : step.data) v /= static_cast<float>(relu.levels);
    const std::string name = per_channel("step", step);
    part("Div", "div", {name});
    part("Add", "add", {scalar("half", 0.5f)});
    part("Floor", "floor", {});
    part("Clip", "clip", {scalar("min", 0), scalar("max", static_cast<float>(relu.levels))});
    last("Mul", {name});
    return {};
  }
  Expected<> operator()(const ann::LocalResponseNormalization& lrn) {
    auto& out = last("LRN", {});
    set_int(out, "size", lrn.size);
    set_float(out, "alpha", lrn.alpha);
    set_float(out, "beta", lrn.beta);
    set_float(out, "bias", lrn.bias);
    return {};
  }
  Expected<> operator()(const ann::AveragePool& pool) {
    if (pool.geometry.dilation[0] != 1 || pool.geometry.dilation[1] != 1)
      return fail("AveragePool has no dilation in operator set 13", node_.name, "use a Conv");
    auto& out = last("AveragePool", {});
    set_window(out, pool.geometry);
    set_int(out, "ceil_mode", pool.ceil_mode);
    set_int(out, "count_include_pad", pool.count_include_pad);
    return {};
  }
  Expected<> operator()(const ann::MaxPool& pool) {
    auto& out = last("MaxPool", {});
    set_window(out, pool.geometry);
    set_dilation(out, pool.geometry);
    set_int(out, "ceil_mode", pool.ceil_mode);
    return {};
  }
  Expected<> operator()(const ann::Pad& pad) {
    last("Pad",
         {whole("pads", {0, 0, pad.begin[0], pad.begin[1], 0, 0, pad.end[0], pad.end[1]}), scalar("value", pad.value)});
    return {};
  }
  Expected<> operator()(const ann::Add&) {
    return one(node_.inputs.size() == 2 ? "Add" : "Sum");  // a Sum takes any number
  }
  Expected<> operator()(const ann::Concat&) {
    set_int(last("Concat", {}), "axis", 1);
    return {};
  }
  Expected<> operator()(const ann::ChannelPermutation& permutation) {
    set_int(last("Gather", {whole("source", {permutation.source.begin(), permutation.source.end()})}), "axis", 1);
    return {};
  }
  Expected<> operator()(const ann::Flatten&) {
    set_int(last("Flatten", {}), "axis", 1);
    return {};
  }
  Expected<> operator()(const ann::Reshape& reshape) {
    std::vector<std::int64_t> shape{0};  // the batch stays
    shape.insert(shape.end(), reshape.shape.begin(), reshape.shape.end());
    last("Reshape", {whole("shape", shape)});
    return {};
  }
  Expected<> operator()(const ann::Softmax& softmax) {
    set_int(last(softmax.log ? "LogSoftmax" : "Softmax", {}), "axis", in_.size() == 1 ? -1 : 1);
    return {};
  }

 private:
  onnx::NodeProto& emit(const char* type, std::string name, std::string output,
                        std::initializer_list<std::string> constants) {
    onnx::NodeProto& out = *graph_.add_node();
    out.set_name(std::move(name));
    out.set_op_type(type);
    out.add_input(value_);
    for (const std::string& constant : constants) out.add_input(constant);
    value_ = output;
    out.add_output(std::move(output));
    return out;
  }
  void part(const char* type, const char* name, std::initializer_list<std::string> constants) {
    emit(type, text::cat(node_.name, '.', name), text::cat(node_.output, '.', name), constants);
  }
  // Further activations of an Add or Concat follow the first.
  onnx::NodeProto& last(const char* type, std::initializer_list<std::string> constants) {
    onnx::NodeProto& out = emit(type, node_.name, node_.output, constants);
    for (std::size_t i = 1; i < node_.inputs.size(); ++i) out.add_input(node_.inputs[i]);
    return out;
  }
  Expected<> one(const char* type) {
    last(type, {});
    return {};
  }

  onnx::TensorProto& constant(const char* name, std::span<const std::int64_t> shape, onnx::TensorProto::DataType type) {
    onnx::TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(text::cat(node_.name, '.', name));
    tensor.set_data_type(type);
    for (const std::int64_t dim : shape) tensor.add_dims(dim);
    return tensor;
  }
  std::string floats(const char* name, const ann::Tensor& value) {
    onnx::TensorProto& tensor = constant(name, value.shape, onnx::TensorProto::FLOAT);
    tensor.set_raw_data(value.data.data(), value.data.size() * sizeof(float));
    return tensor.name();
  }
  std::string scalar(const char* name, float value) { return floats(name, {{}, {value}}); }
  std::string per_channel(const char* name, const ann::Tensor& value) {
    ann::Tensor spread = value;
    if (value.data.size() > 1 && in_.size() == 3) spread.shape = {value.shape[0], 1, 1};
    return floats(name, spread);
  }
  std::string whole(const char* name, const std::vector<std::int64_t>& values) {
    const std::int64_t size = static_cast<std::int64_t>(values.size());
    onnx::TensorProto& tensor = constant(name, {&size, 1}, onnx::TensorProto::INT64);
    tensor.set_raw_data(values.data(), values.size() * sizeof(std::int64_t));
    return tensor.name();
  }

  onnx::GraphProto& graph_;
  const ann::Node& node_;
  const ann::ValueShape& in_;
  std::string value_;  // what the next emitted node reads
};

void describe(onnx::ValueInfoProto& value, const std::string& name, std::span<const std::int64_t> shape) {
  value.set_name(name);
  onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("N");
  for (const std::int64_t dim : shape) type.mutable_shape()->add_dim()->set_dim_value(dim);
}

}  // namespace

Expected<Bytes> write(const ann::Graph& graph) {
  const auto shapes = ann::shapes(graph);
  if (!shapes) return fail(shapes.error());
  onnx::ModelProto model;
  model.set_ir_version(kIrVersion);
  model.set_producer_name("synfire");
  model.set_producer_version(SYN_VERSION);
  onnx::OperatorSetIdProto& opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(kOpset);

  onnx::GraphProto& proto = *model.mutable_graph();
  proto.set_name(graph.name);
  for (const ann::Node& node : graph.nodes) {
    if (auto ok = std::visit(NodeWriter(proto, node, shapes->at(node.inputs[0])), node.op); !ok)
      return fail(ok.error());
  }
  describe(*proto.add_input(), graph.input, graph.input_shape);
  describe(*proto.add_output(), graph.output, shapes->at(graph.output));

  Bytes bytes(model.ByteSizeLong());
  if (!model.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail("the model is larger than Protobuf can write (2 GB)", graph.name, "make it smaller");
  }
  return bytes;
}

}  // namespace syn::onnx_file
