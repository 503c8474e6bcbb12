#include "conversion/onnx/write.hpp"

#include <onnx/onnx_pb.h>

#include <bit>
#include <cstring>
#include <initializer_list>

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

// Writes one node's attributes and weights. The weight `w` of node `n` becomes the initializer "n.w".
class NodeWriter {
 public:
  NodeWriter(onnx::GraphProto& graph, onnx::NodeProto& node) : graph_(graph), node_(node) {}

  std::optional<Error> operator()(const ann::Conv& conv) {
    weight("weight", conv.weight);
    if (!conv.bias.data.empty()) weight("bias", conv.bias);
    set_window(node_, conv.geometry);
    set_dilation(node_, conv.geometry);
    set_int(node_, "group", conv.groups);
    return error_;
  }
  std::optional<Error> operator()(const ann::Gemm& gemm) {
    weight("weight", gemm.weight);
    if (!gemm.bias.data.empty()) weight("bias", gemm.bias);
    set_int(node_, "transB", 1);
    return error_;
  }
  std::optional<Error> operator()(const ann::BatchNormalization& bn) {
    weight("scale", bn.scale);
    weight("bias", bn.bias);
    weight("mean", bn.mean);
    weight("variance", bn.variance);
    set_float(node_, "epsilon", bn.epsilon);
    return error_;
  }
  std::optional<Error> operator()(const ann::AveragePool& pool) {
    if (pool.geometry.dilation[0] != 1 || pool.geometry.dilation[1] != 1) {
      return Error{"AveragePool has no dilation in operator set 13", node_.name(), "use a Conv"};
    }
    set_window(node_, pool.geometry);
    set_int(node_, "ceil_mode", pool.ceil_mode);
    set_int(node_, "count_include_pad", pool.count_include_pad);
    return error_;
  }
  std::optional<Error> operator()(const ann::MaxPool& pool) {
    set_window(node_, pool.geometry);
    set_dilation(node_, pool.geometry);
    set_int(node_, "ceil_mode", pool.ceil_mode);
    return error_;
  }
  std::optional<Error> operator()(const ann::Relu&) { return error_; }
  std::optional<Error> operator()(const ann::Flatten&) {
    set_int(node_, "axis", 1);
    return error_;
  }
  std::optional<Error> operator()(const ann::Softmax&) {
    set_int(node_, "axis", -1);
    return error_;
  }

 private:
  void weight(const char* part, const ann::Tensor& value) {
    onnx::TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(node_.name() + '.' + part);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    std::int64_t size = 1;
    for (const std::int64_t dim : value.shape) {
      tensor.add_dims(dim);
      size *= dim;
    }
    if (size != static_cast<std::int64_t>(value.data.size())) {
      error_ = Error{
          text::cat("the tensor '", tensor.name(), "' has ", value.data.size(), " values but its shape says ", size),
          node_.name(), "this graph was not built by Synfire's reader or trainer; check the code that made it"};
    }
    tensor.set_raw_data(value.data.data(), value.data.size() * sizeof(float));
    node_.add_input(tensor.name());
  }

  onnx::GraphProto& graph_;
  onnx::NodeProto& node_;
  std::optional<Error> error_;
};

void describe(onnx::ValueInfoProto& value, const std::string& name, std::span<const std::int64_t> shape) {
  value.set_name(name);
  onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("N");
  for (const std::int64_t dim : shape) type.mutable_shape()->add_dim()->set_dim_value(dim);
}

// The output's shape without the batch: the last layer that has outputs of its own decides. Empty: not a vector.
std::vector<std::int64_t> output_shape(const ann::Graph& graph) {
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (const auto* gemm = std::get_if<ann::Gemm>(&node->op)) return {gemm->weight.shape.at(0)};
    if (!std::holds_alternative<ann::Relu>(node->op) && !std::holds_alternative<ann::Softmax>(node->op)) break;
  }
  return {};
}

}  // namespace

Expected<Bytes> write(const ann::Graph& graph) {
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
    onnx::NodeProto& out = *proto.add_node();
    out.set_name(node.name);
    out.set_op_type(ann::name_of(node.op));
    for (const std::string& input : node.inputs) out.add_input(input);
    out.add_output(node.output);
    if (auto error = std::visit(NodeWriter(proto, out), node.op)) return fail(std::move(*error));
  }
  describe(*proto.add_input(), graph.input, graph.input_shape);
  const auto shape = output_shape(graph);
  if (shape.empty()) {
    return fail("the output is not a vector of class scores", text::cat("value '", graph.output, "'"),
                "end the network with a Gemm");
  }
  describe(*proto.add_output(), graph.output, shape);

  Bytes bytes(model.ByteSizeLong());
  if (!model.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail("the model is larger than Protobuf can write (2 GB)", graph.name, "make it smaller");
  }
  return bytes;
}

}  // namespace syn::onnx_file
