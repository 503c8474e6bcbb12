// Everything that decides what a training run produces, as plain values. Not here: files, progress, stopping.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "conversion/data/events/event_set.hpp"
#include "conversion/trainer/batches.hpp"

namespace syn::train {

struct Distillation {
  double temperature = 4;
  double alpha = 0.9;  // the teacher's share of the loss; 0 is plain training
};

struct Settings {
  std::string architecture;
  int epochs = 20;
  int batch = 128;
  double rate = 0.1;  // the peak of the cycle; stochastic gradient descent with Nesterov's momentum
  double momentum = 0.9;
  double weight_decay = 5e-4;  // of convolution and readout weights only
  double average = 0.999;      // the weights that are kept are an exponential average over steps with this memory
  std::uint64_t seed = 1;
  std::size_t validation = 5000;  // held out of the training split; chooses the epoch that is kept
  Augmentation augmentation;
  Scaling scaling;
  bool bfloat16 = false;  // convolutions and products in bfloat16: twice the speed where the processor has it
  std::optional<Distillation> distillation;
  std::optional<data::Framing> framing;  // of recordings of events: how they became frames
};

// The settings as one line, numbers exact. Two runs with the same line (and data, and teacher) are the same run.
std::string describe(const Settings& settings);

}  // namespace syn::train
