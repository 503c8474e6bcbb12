#include "conversion/trainer/loss.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace syn::train {

torch::Tensor distillation_loss(const torch::Tensor& student_logits, const torch::Tensor& teacher_logits,
                                const torch::Tensor& labels, const Distillation& settings) {
  const double t = settings.temperature;
  const torch::Tensor student = torch::log_softmax(student_logits / t, 1);
  const torch::Tensor teacher = torch::log_softmax(teacher_logits / t, 1);
  const torch::Tensor divergence = torch::kl_div(student, teacher, at::Reduction::Sum, /*log_target=*/true);
  return divergence * (settings.alpha * t * t / static_cast<double>(student_logits.size(0))) +
         torch::cross_entropy_loss(student_logits, labels) * (1 - settings.alpha);
}

torch::Tensor stream_loss(const torch::Tensor& potentials, const torch::Tensor& labels) {
  const std::int64_t steps = potentials.size(0), batch = potentials.size(1);
  const torch::Tensor each =
      torch::cross_entropy_loss(potentials.flatten(0, 1), labels.repeat({steps}), {}, at::Reduction::None);
  const torch::Tensor weights = torch::arange(1, steps + 1, torch::kFloat32);
  return (each.view({steps, batch}).mean(1) * weights).sum() / weights.sum();
}

double learning_rate(double peak, std::int64_t step, std::int64_t steps) {
  const double warm_up = std::max(1.0, 0.15 * static_cast<double>(steps));
  const double at = static_cast<double>(step) + 1;
  if (at <= warm_up) return peak * at / warm_up;
  const double done = (at - warm_up) / std::max(1.0, static_cast<double>(steps) - warm_up);
  return peak * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, done)));
}

}  // namespace syn::train
