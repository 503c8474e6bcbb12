#include "conversion/trainer/export.hpp"

#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::train {
namespace {

ann::Tensor values(const torch::Tensor& tensor) {
  const torch::Tensor plain = tensor.detach().to(torch::kFloat32).contiguous();  // out of channels-last memory
  const auto* data = plain.data_ptr<float>();
  return {.shape = plain.sizes().vec(), .data = {data, data + plain.numel()}};
}

ann::Geometry window(std::int64_t kernel, std::int64_t stride, std::int64_t pad) {
  return {.kernel = {kernel, kernel}, .stride = {stride, stride}, .pad_begin = {pad, pad}, .pad_end = {pad, pad}};
}

struct Export {
  const Network& network;
  ann::Graph& graph;
  std::string value;
  std::size_t conv = 0;
  int pools = 0;

  void operator()(const ConvBlock& block) {
    const auto& convolution = *network.convolutions()[conv];
    const auto& norm = *network.norms()[conv];
    const std::string number = text::cat(++conv);
    add("conv" + number,
        ann::Conv{.geometry = window(block.kernel, 1, block.pad), .weight = values(convolution.weight), .bias = {}});
    add("bn" + number, ann::BatchNormalization{.scale = values(norm.weight),
                                               .bias = values(norm.bias),
                                               .mean = values(norm.running_mean),
                                               .variance = values(norm.running_var),
                                               .epsilon = static_cast<float>(norm.options.eps())});
    add("relu" + number, ann::Relu{});
  }
  void operator()(const AveragePooling& pool) {
    add(text::cat("pool", ++pools), ann::AveragePool{.geometry = window(pool.size, pool.size, 0)});
  }
  void operator()(const MaxPooling& pool) {
    add(text::cat("pool", ++pools), ann::MaxPool{.geometry = window(pool.size, pool.size, 0)});
  }
  void operator()(const Dropping&) {}
  void operator()(const Flattening&) { add("flatten", ann::Flatten{}); }
  void operator()(const Readout&) {
    const auto& readout = *network.readout();
    add("readout", ann::Gemm{.weight = values(readout.weight), .bias = values(readout.bias)});
    graph.nodes.back().output = graph.output;
  }
  void add(const std::string& name, ann::Operator op) {
    graph.nodes.push_back({.name = name, .op = std::move(op), .inputs = {value}, .output = name});
    value = name;
  }
};

}  // namespace

ann::Graph to_graph(const Network& network, const std::string& name) {
  SYN_ASSERT(!network.architecture().spiking, network.architecture().name);
  const data::Shape input = network.input();
  ann::Graph graph{.name = name,
                   .input = "image",
                   .input_shape = {static_cast<std::int64_t>(input.channels), static_cast<std::int64_t>(input.height),
                                   static_cast<std::int64_t>(input.width)},
                   .output = "scores",
                   .nodes = {}};
  Export step{.network = network, .graph = graph, .value = graph.input};
  for (const Layer& layer : network.architecture().layers) std::visit(step, layer);
  return graph;
}

}  // namespace syn::train
