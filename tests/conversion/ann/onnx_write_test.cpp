// What is written, looked at with libonnx's own classes rather than with our reader.
#define ONNX_NAMESPACE onnx
#define ONNX_ML 1
#include <onnx/onnx_pb.h>
// Protobuf's and glog's macros must not stand in for doctest's.
#undef CHECK
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "conversion/onnx/write.hpp"

using namespace syn;

namespace {

ann::Tensor ramp(std::vector<std::int64_t> shape) {
  std::int64_t size = 1;
  for (const std::int64_t dim : shape) size *= dim;
  ann::Tensor out{.shape = std::move(shape), .data = std::vector<float>(static_cast<std::size_t>(size))};
  for (std::size_t i = 0; i < out.data.size(); ++i) out.data[i] = 0.25f * static_cast<float>(i) - 1;
  return out;
}

ann::Graph sample() {
  ann::Geometry strided{.kernel = {3, 2}, .stride = {2, 1}, .pad_begin = {1, 0}, .pad_end = {0, 1}};
  return {
      .name = "sample",
      .input = "image",
      .input_shape = {2, 6, 5},
      .output = "scores",
      .nodes = {{"conv", ann::Conv{strided, 1, ramp({3, 2, 3, 2}), {}}, {"image"}, "a"},
                {"norm", ann::BatchNormalization{ramp({3}), ramp({3}), ramp({3}), {{3}, {1, 2, 3}}, 0.5f}, {"a"}, "b"},
                {"relu", ann::Relu{}, {"b"}, "c"},
                {"pool", ann::AveragePool{.geometry = {.kernel = {2, 2}, .stride = {2, 2}}}, {"c"}, "d"},
                {"flat", ann::Flatten{}, {"d"}, "e"},
                {"readout", ann::Gemm{ramp({4, 6}), ramp({4})}, {"e"}, "scores"}}};
}

onnx::ModelProto written(const ann::Graph& graph) {
  const auto bytes = onnx_file::write(graph);
  REQUIRE(bytes.has_value());
  onnx::ModelProto model;
  REQUIRE(model.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())));
  return model;
}

std::vector<std::int64_t> ints(const onnx::NodeProto& node, const std::string& name) {
  for (const auto& attribute : node.attribute()) {
    if (attribute.name() == name) return {attribute.ints().begin(), attribute.ints().end()};
  }
  return {};
}

}  // namespace

TEST_CASE("the header says operator set 13, IR version 7 and a batch of any size") {
  const auto model = written(sample());
  CHECK(model.ir_version() == 7);
  REQUIRE(model.opset_import_size() == 1);
  CHECK(model.opset_import(0).domain().empty());
  CHECK(model.opset_import(0).version() == 13);
  const auto dims = [](const onnx::ValueInfoProto& value) {
    std::string out;
    for (const auto& dim : value.type().tensor_type().shape().dim()) {
      out += (dim.dim_param().empty() ? std::to_string(dim.dim_value()) : dim.dim_param()) + " ";
    }
    return out;
  };
  REQUIRE(model.graph().input_size() == 1);
  CHECK(dims(model.graph().input(0)) == "N 2 6 5 ");
  REQUIRE(model.graph().output_size() == 1);
  CHECK(dims(model.graph().output(0)) == "N 4 ");
}

TEST_CASE("nodes are a chain of the right operators, with windows in ONNX's order") {
  const auto model = written(sample());
  std::string types;
  for (const auto& node : model.graph().node()) types += node.op_type() + " ";
  CHECK(types == "Conv BatchNormalization Relu AveragePool Flatten Gemm ");
  const auto& conv = model.graph().node(0);
  CHECK(ints(conv, "kernel_shape") == std::vector<std::int64_t>{3, 2});
  CHECK(ints(conv, "strides") == std::vector<std::int64_t>{2, 1});
  CHECK(ints(conv, "pads") == std::vector<std::int64_t>{1, 0, 0, 1});  // begins, then ends
  CHECK(ints(conv, "dilations").empty());
  CHECK(conv.input_size() == 2);  // no bias
  CHECK(model.graph().node(1).input_size() == 5);
  CHECK(model.graph().node(5).input_size() == 3);
  for (int i = 1; i < model.graph().node_size(); ++i)
    CHECK(model.graph().node(i).input(0) == model.graph().node(i - 1).output(0));
}

TEST_CASE("every weight is there once, under a name that its node uses, with its numbers") {
  const auto model = written(sample());
  std::map<std::string, const onnx::TensorProto*> tensors;
  for (const auto& tensor : model.graph().initializer()) CHECK(tensors.emplace(tensor.name(), &tensor).second);
  std::set<std::string> used;
  for (const auto& node : model.graph().node()) {
    for (int i = 1; i < node.input_size(); ++i) CHECK(used.insert(node.input(i)).second);
  }
  CHECK(used.size() == tensors.size());
  for (const auto& name : used) REQUIRE(tensors.contains(name));
  const auto& weight = *tensors.at("readout.weight");
  CHECK(std::vector<std::int64_t>(weight.dims().begin(), weight.dims().end()) == std::vector<std::int64_t>{4, 6});
  const auto expected = ramp({4, 6});
  REQUIRE(weight.raw_data().size() == expected.data.size() * 4);
  CHECK(std::memcmp(weight.raw_data().data(), expected.data.data(), weight.raw_data().size()) == 0);
}

TEST_CASE("the same graph gives the same bytes") {
  CHECK(*onnx_file::write(sample()) == *onnx_file::write(sample()));
}

TEST_CASE("a graph that cannot be written is refused, by the node's name") {
  const auto refused = [](const ann::Graph& graph) {
    const auto bytes = onnx_file::write(graph);
    REQUIRE_FALSE(bytes.has_value());
    return bytes.error();
  };
  ann::Graph torn = sample();
  std::get<ann::Conv>(torn.nodes[0].op).weight.data.pop_back();
  CHECK(refused(torn).what.find("the weights 3x2x3x2 do not fit") != std::string::npos);
  CHECK(refused(torn).where.find("'conv'") != std::string::npos);
  ann::Graph dilated = sample();
  std::get<ann::AveragePool>(dilated.nodes[3].op).geometry.dilation[0] = 2;
  CHECK(refused(dilated).where == "pool");
  ann::Graph endless = sample();
  endless.output = "nothing";
  CHECK(refused(endless).what.find("made by no node") != std::string::npos);
}
