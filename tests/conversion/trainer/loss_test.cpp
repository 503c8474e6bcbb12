#include "conversion/trainer/loss.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace syn::train;

namespace {

// The definition, in double and without a library: one row.
double by_hand(std::vector<double> student, std::vector<double> teacher, std::size_t label, double t, double alpha) {
  const auto soft = [](std::vector<double> scores, double temperature) {
    double sum = 0;
    for (double& s : scores) sum += s = std::exp(s / temperature);
    for (double& s : scores) s /= sum;
    return scores;
  };
  const auto p = soft(teacher, t), q = soft(student, t);
  double divergence = 0;
  for (std::size_t i = 0; i < p.size(); ++i) divergence += p[i] * std::log(p[i] / q[i]);
  return alpha * t * t * divergence - (1 - alpha) * std::log(soft(student, 1)[label]);
}

}  // namespace

TEST_CASE("the distillation loss is the one of the paper, averaged over the batch") {
  const auto student = torch::tensor({{1.0, 2.0, -1.0}, {0.5, 0.0, 3.0}}, torch::kFloat64);
  const auto teacher = torch::tensor({{0.0, 4.0, 1.0}, {-1.0, 2.0, 2.5}}, torch::kFloat64);
  const auto labels = torch::tensor({1, 0}, torch::kInt64);
  for (const auto& [t, alpha] : {std::pair{1.0, 0.5}, {4.0, 0.9}, {20.0, 1.0}, {2.0, 0.0}}) {
    const double expected =
        (by_hand({1, 2, -1}, {0, 4, 1}, 1, t, alpha) + by_hand({0.5, 0, 3}, {-1, 2, 2.5}, 0, t, alpha)) / 2;
    const double loss = distillation_loss(student, teacher, labels, {.temperature = t, .alpha = alpha}).item<double>();
    CHECK(loss == doctest::Approx(expected).epsilon(1e-12));
  }
}

TEST_CASE("a student that agrees with its teacher has nothing left to learn from it") {
  auto scores = torch::tensor({{1.0, 2.0, -1.0}}).requires_grad_();
  const auto loss =
      distillation_loss(scores, scores.detach(), torch::tensor({0}, torch::kInt64), {.temperature = 3, .alpha = 1});
  loss.backward();
  CHECK(loss.item<double>() == doctest::Approx(0).epsilon(1e-6));
  CHECK(scores.grad().abs().max().item<double>() < 1e-6);
}

TEST_CASE("alpha 0 is plain cross entropy, and its gradient too, whatever the teacher says") {
  auto a = torch::tensor({{1.0, 2.0, -1.0}}).requires_grad_();
  auto b = a.detach().clone().requires_grad_();
  const auto labels = torch::tensor({2}, torch::kInt64);
  distillation_loss(a, torch::tensor({{9.0, -9.0, 0.0}}), labels, {.temperature = 5, .alpha = 0}).backward();
  torch::cross_entropy_loss(b, labels).backward();
  CHECK(torch::equal(a.grad(), b.grad()));
}

TEST_CASE("the rate climbs to its peak in 15 % of the steps, falls to 0, and never leaves that range") {
  const std::int64_t steps = 1000;
  double greatest = 0;
  for (std::int64_t i = 0; i < steps; ++i) {
    const double rate = learning_rate(0.4, i, steps);
    CHECK(rate >= 0);
    if (i > 0 && i < 150) CHECK(rate > learning_rate(0.4, i - 1, steps));
    if (i >= 150) CHECK(rate < learning_rate(0.4, i - 1, steps));
    greatest = std::max(greatest, rate);
  }
  CHECK(greatest == doctest::Approx(0.4));
  CHECK(learning_rate(0.4, 149, steps) == doctest::Approx(0.4));
  CHECK(learning_rate(0.4, steps - 1, steps) == doctest::Approx(0));
  CHECK(learning_rate(0.4, 0, 1) == doctest::Approx(0.4));
}
