#include "conversion/trainer/export.hpp"

#include <doctest/doctest.h>

#include "conversion/onnx/read.hpp"
#include "conversion/onnx/write.hpp"

using namespace syn;
using namespace syn::train;

namespace {

torch::Tensor tensor(const ann::Tensor& t) {
  return torch::from_blob(const_cast<float*>(t.data.data()), t.shape, torch::kFloat32).clone();
}

// Runs a graph node by node with libtorch's functions, knowing nothing of the Network that it came from.
struct Interpreter {
  torch::Tensor x;

  void operator()(const ann::Conv& conv) {
    const auto& g = conv.geometry;
    x = torch::conv2d(x, tensor(conv.weight), conv.bias.data.empty() ? torch::Tensor() : tensor(conv.bias), g.stride,
                      {g.pad_begin[0], g.pad_begin[1]}, {g.dilation[0], g.dilation[1]}, conv.groups);
  }
  void operator()(const ann::Gemm& gemm) { x = torch::matmul(x, tensor(gemm.weight).t()) + tensor(gemm.bias); }
  void operator()(const ann::BatchNormalization& bn) {
    const auto column = [](const ann::Tensor& t) { return tensor(t).view({1, -1, 1, 1}); };
    x = (x - column(bn.mean)) / torch::sqrt(column(bn.variance) + bn.epsilon) * column(bn.scale) + column(bn.bias);
  }
  void operator()(const ann::Relu&) { x = torch::relu(x); }
  void operator()(const ann::AveragePool& pool) {
    x = torch::avg_pool2d(x, {pool.geometry.kernel[0], pool.geometry.kernel[1]},
                          {pool.geometry.stride[0], pool.geometry.stride[1]});
  }
  void operator()(const ann::MaxPool& pool) {
    x = torch::max_pool2d(x, {pool.geometry.kernel[0], pool.geometry.kernel[1]},
                          {pool.geometry.stride[0], pool.geometry.stride[1]});
  }
  void operator()(const ann::Flatten&) { x = x.contiguous().flatten(1); }
  void operator()(const ann::Softmax&) { x = torch::softmax(x, -1); }
  template <class Other>
  void operator()(const Other&) {
    FAIL("the trainer exports no such operator");
  }
};

// A network whose every tensor, running statistics included, is far from its first value.
std::shared_ptr<Network> stirred(const std::string& name) {
  torch::manual_seed(5);
  auto network = std::make_shared<Network>(*architecture(name), data::Shape{1, 28, 28}, 10);
  const torch::NoGradGuard guard;
  for (torch::Tensor& t : network->parameters()) t.add_(torch::randn_like(t) * 0.05);
  for (torch::Tensor& t : network->buffers()) {
    if (t.is_floating_point()) t.add_(torch::rand_like(t));
  }
  network->eval();
  return network;
}

void run_and_compare(Network& network, const ann::Graph& graph) {
  const torch::NoGradGuard guard;
  const torch::Tensor images = torch::rand({4, 1, 28, 28});
  Interpreter interpreter{images};
  std::string value = graph.input;
  for (const ann::Node& node : graph.nodes) {
    CHECK(node.inputs == std::vector{value});  // a chain
    std::visit(interpreter, node.op);
    value = node.output;
  }
  CHECK(value == graph.output);
  CHECK(torch::allclose(interpreter.x, network.forward(images), 1e-4, 1e-4));
}

}  // namespace

TEST_CASE("the exported graph says what the network says, for every architecture of images") {
  for (const Architecture& candidate : architectures()) {
    if (candidate.spiking) continue;  // spiking_export_test.cpp
    CAPTURE(candidate.name);
    const auto network = stirred(candidate.name);
    const ann::Graph graph = to_graph(*network, candidate.name);
    CHECK(graph.input_shape == std::vector<std::int64_t>{1, 28, 28});
    CHECK(ann::parameter_count(graph) == flow(candidate, {1, 28, 28}, 10)->parameters);
    run_and_compare(*network, graph);
  }
}

TEST_CASE("every exported number is the network's own, bit for bit") {
  const auto network = stirred("student");
  const ann::Graph graph = to_graph(*network, "student");
  std::size_t conv = 0, norm = 0;
  for (const ann::Node& node : graph.nodes) {
    if (const auto* c = std::get_if<ann::Conv>(&node.op)) {
      CHECK(torch::equal(tensor(c->weight), network->convolutions()[conv++]->weight));
    } else if (const auto* b = std::get_if<ann::BatchNormalization>(&node.op)) {
      const auto& own = *network->norms()[norm++];
      CHECK(torch::equal(tensor(b->scale), own.weight));
      CHECK(torch::equal(tensor(b->bias), own.bias));
      CHECK(torch::equal(tensor(b->mean), own.running_mean));
      CHECK(torch::equal(tensor(b->variance), own.running_var));
    } else if (const auto* g = std::get_if<ann::Gemm>(&node.op)) {
      CHECK(torch::equal(tensor(g->weight), network->readout()->weight));
      CHECK(torch::equal(tensor(g->bias), network->readout()->bias));
    }
  }
  CHECK(conv == 5);
  CHECK(norm == 5);
}

TEST_CASE("what is trained survives the ONNX file: written, read, and run again") {
  for (const char* name : {"student", "teacher"}) {
    const auto network = stirred(name);
    const auto bytes = onnx_file::write(to_graph(*network, name));
    REQUIRE(bytes.has_value());
    const auto graph = onnx_file::read(*bytes, "memory");
    REQUIRE(graph.has_value());
    run_and_compare(*network, *graph);
  }
}
