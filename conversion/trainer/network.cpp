#include "conversion/trainer/network.hpp"

#include <cmath>

#include "conversion/trainer/neurons.hpp"
#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::train {
namespace {

// First weights of a spiking layer, as standard deviation times sqrt(inputs): so that its neurons fire in a fair share
// of the steps before anything is learnt. Silent layers have no gradient.
constexpr double kFirstWeights = 2;

struct Forward {
  torch::Tensor x;
  const Network& network;
  std::int64_t steps;  // of a spiking network, whose batch is then steps x recordings
  std::size_t conv = 0;

  void operator()(const ConvBlock&) {
    // A ModuleHolder's forward is not const; the pointer it holds may be copied.
    auto convolution = network.convolutions()[conv];
    x = convolution(x);
    if (network.architecture().spiking) {
      x = integrate_and_fire(x, steps);
    } else {
      auto norm = network.norms()[conv];
      x = norm(x).relu_();
    }
    ++conv;
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
                                                 .stride(conv->stride)
                                                 .padding(conv->pad)
                                                 .bias(false))));  // BatchNormalization's shift is the bias
      if (architecture.spiking) {
        const double inputs = static_cast<double>(in.channels) * static_cast<double>(conv->kernel * conv->kernel);
        torch::nn::init::normal_(convolutions_.back()->weight, 0, kFirstWeights / std::sqrt(inputs));
      } else {
        norms_.push_back(register_module("bn" + number, torch::nn::BatchNorm2d(conv->channels)));
      }
      // oneDNN is about 15 % faster with the channels last.
      auto& weight = convolutions_.back()->weight;
      weight.set_data(weight.contiguous(torch::MemoryFormat::ChannelsLast));
    } else if (std::holds_alternative<Readout>(architecture.layers[i])) {
      readout_ =
          register_module("readout", torch::nn::Linear(torch::nn::LinearOptions(static_cast<std::int64_t>(in.size()),
                                                                                static_cast<std::int64_t>(classes))
                                                           .bias(!architecture.spiking)));
    }
    in = shapes->outputs[i];
  }
}

torch::Tensor Network::forward(torch::Tensor x) {
  return architecture_.spiking ? potentials(x)[-1] : layers(x, 1);
}

torch::Tensor Network::potentials(torch::Tensor x) {
  SYN_ASSERT(architecture_.spiking, architecture_.name);
  const auto channels = static_cast<std::int64_t>(input_.channels), batch = x.size(0), steps = x.size(1) / channels;
  // All steps go through a layer before the next one: one large convolution instead of many small ones.
  x = x.view({batch, steps, channels, x.size(2), x.size(3)}).transpose(0, 1).flatten(0, 1);
  return layers(x, steps).view({steps, batch, -1}).to(torch::kFloat32).cumsum(0);
}

torch::Tensor Network::layers(torch::Tensor x, std::int64_t steps) {
  Forward step{.x = x.contiguous(torch::MemoryFormat::ChannelsLast), .network = *this, .steps = steps};
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
