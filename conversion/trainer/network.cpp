#include "conversion/trainer/network.hpp"

#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::train {
namespace {

struct Forward {
  torch::Tensor x;
  const Network& network;
  std::size_t conv = 0;

  void operator()(const ConvBlock&) {
    // A ModuleHolder's forward is not const; the pointer it holds may be copied.
    auto convolution = network.convolutions()[conv];
    auto norm = network.norms()[conv++];
    x = norm(convolution(x)).relu_();
  }
  void operator()(const AveragePooling& pool) { x = torch::avg_pool2d(x, pool.size); }
  void operator()(const MaxPooling& pool) { x = torch::max_pool2d(x, pool.size); }
  void operator()(const Dropping& drop) { x = torch::dropout(x, drop.probability, network.is_training()); }
  // Contiguous first: in channels-last memory a bare view would not be the NCHW order that ONNX's Flatten means.
  void operator()(const Flattening&) { x = x.contiguous().flatten(1); }
  void operator()(const Readout&) {
    auto readout = network.readout();
    x = readout(x);
  }
};

}  // namespace

Network::Network(const Architecture& architecture, data::Shape input, std::size_t classes)
    : architecture_(architecture), input_(input), classes_(classes) {
  const auto shapes = flow(architecture, input, classes);
  SYN_ASSERT(shapes.has_value(), architecture.name);
  data::Shape in = input;
  for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
    if (const auto* conv = std::get_if<ConvBlock>(&architecture.layers[i])) {
      const std::string number = text::cat(convolutions_.size() + 1);
      convolutions_.push_back(register_module(
          "conv" + number, torch::nn::Conv2d(torch::nn::Conv2dOptions(static_cast<std::int64_t>(in.channels),
                                                                      conv->channels, conv->kernel)
                                                 .padding(conv->pad)
                                                 .bias(false))));  // BatchNormalization's shift is the bias
      norms_.push_back(register_module("bn" + number, torch::nn::BatchNorm2d(conv->channels)));
      // oneDNN is about 15 % faster with the channels last.
      auto& weight = convolutions_.back()->weight;
      weight.set_data(weight.contiguous(torch::MemoryFormat::ChannelsLast));
    } else if (std::holds_alternative<Readout>(architecture.layers[i])) {
      readout_ = register_module(
          "readout", torch::nn::Linear(static_cast<std::int64_t>(in.size()), static_cast<std::int64_t>(classes)));
    }
    in = shapes->outputs[i];
  }
}

torch::Tensor Network::forward(torch::Tensor x) {
  Forward step{.x = x.contiguous(torch::MemoryFormat::ChannelsLast), .network = *this};
  for (const Layer& layer : architecture_.layers) std::visit(step, layer);
  return step.x;
}

std::vector<torch::Tensor> Network::tensors() const {
  std::vector<torch::Tensor> out = parameters();
  for (const torch::Tensor& buffer : buffers()) out.push_back(buffer);
  return out;
}

std::vector<torch::Tensor> copy_of(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> out;
  for (const torch::Tensor& tensor : tensors) out.push_back(tensor.detach().clone());
  return out;
}

void assign(const std::vector<torch::Tensor>& to, const std::vector<torch::Tensor>& from) {
  SYN_ASSERT(to.size() == from.size(), to.size(), from.size());
  const torch::NoGradGuard guard;
  for (std::size_t i = 0; i < to.size(); ++i) {
    auto target = to[i];  // a handle: copying it copies no data
    target.copy_(from[i]);
  }
}

}  // namespace syn::train
