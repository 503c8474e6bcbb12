// An Architecture as a libtorch module. This room's own header: nothing outside conversion/trainer includes it.
#pragma once

#include <vector>

#include "conversion/trainer/architecture.hpp"
#include "conversion/trainer/torch.hpp"

namespace syn::train {

class Network : public torch::nn::Module {
 public:
  // The architecture must fit (`flow` has accepted it). The weights' first values come from torch's default generator.
  Network(const Architecture& architecture, data::Shape input, std::size_t classes);

  // [batch, steps x channels, height, width] -> [batch, classes], no softmax. Of a spiking network: the readout's
  // potentials after the last step; others see one step only.
  torch::Tensor forward(torch::Tensor x);
  // The readout's potentials after each step, of a spiking network: [steps, batch, classes].
  torch::Tensor potentials(torch::Tensor x);

  const Architecture& architecture() const { return architecture_; }
  data::Shape input() const { return input_; }
  std::size_t classes() const { return classes_; }
  const std::vector<torch::nn::Conv2d>& convolutions() const { return convolutions_; }
  const std::vector<torch::nn::BatchNorm2d>& norms() const { return norms_; }
  const torch::nn::Linear& readout() const { return readout_; }

  // Every tensor that makes this network what it is (parameters, then running statistics), in a fixed order; shared,
  // not copied.
  std::vector<torch::Tensor> tensors() const;

 private:
  torch::Tensor layers(torch::Tensor x, std::int64_t steps);

  Architecture architecture_;
  data::Shape input_;
  std::size_t classes_;
  std::vector<torch::nn::Conv2d> convolutions_;  // in the order of the ConvBlocks
  std::vector<torch::nn::BatchNorm2d> norms_;    // none in a spiking network
  torch::nn::Linear readout_{nullptr};
};

// Deep copies, and copying back: snapshots of a network's tensors.
std::vector<torch::Tensor> copy_of(const std::vector<torch::Tensor>& tensors);
void assign(const std::vector<torch::Tensor>& to, const std::vector<torch::Tensor>& from);

}  // namespace syn::train
