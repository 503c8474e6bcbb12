// What training minimises, and how fast it moves. This room's own header.
#pragma once

#include "conversion/trainer/settings.hpp"
#include "conversion/trainer/torch.hpp"

namespace syn::train {

// alpha T^2 KL(teacher at T || student at T) + (1 - alpha) CE(labels, student), averaged over the batch. T^2 keeps the
// teacher's gradients at the labels' magnitude whatever the temperature.
// Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network (2015), section 2.
torch::Tensor distillation_loss(const torch::Tensor& student_logits, const torch::Tensor& teacher_logits,
                                const torch::Tensor& labels, const Distillation& settings);

// Cross entropy of a stream's potentials [steps, batch, classes], averaged over its steps with weights that grow
// linearly: the last answer counts most, and those before it are asked to come early (as in Deng et al. 2022, "Temporal
// efficient training", which weights all steps alike).
torch::Tensor stream_loss(const torch::Tensor& potentials, const torch::Tensor& labels);

// One cycle (Smith and Topin 2018): linear up to `peak` over the first 15 % of all steps, then half a cosine down to 0.
double learning_rate(double peak, std::int64_t step, std::int64_t steps);

}  // namespace syn::train
