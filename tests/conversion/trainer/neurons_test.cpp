#include "conversion/trainer/neurons.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "conversion/trainer/neuron_loops.hpp"
#include "core/random.hpp"

using namespace syn;
using namespace syn::train;

namespace {

std::vector<float> random_input(std::size_t n, std::uint64_t seed) {
  SeededRandom random(seed);
  std::vector<float> out(n);
  for (float& x : out) x = static_cast<float>(random.below(2001)) / 1000.0f - 0.9f;
  return out;
}

}  // namespace

TEST_CASE("a neuron fires above its threshold, keeps what is left, and remembers its peak") {
  const std::vector<float> in{0.5f, 0.5f, 0.25f, 3.0f, -5.0f, 1.0f};  // six steps of one neuron
  std::vector<float> spikes(6), peak(6);
  integrate_and_fire_forward(in.data(), spikes.data(), peak.data(), 6, 1, 0, 1, 1.0f);
  CHECK(peak == std::vector<float>{0.5f, 1.0f, 1.25f, 3.25f, -2.75f, -1.75f});  // exactly at it is not above it
  CHECK(spikes == std::vector<float>{0, 0, 1, 1, 0, 0});
}

TEST_CASE("neurons do not see each other, wherever threads and blocks divide them") {
  const std::size_t steps = 5, neurons = 2500;
  const auto in = random_input(steps * neurons, 1);
  std::vector<float> spikes(in.size()), peak(in.size()), parts(in.size()), parts_peak(in.size());
  integrate_and_fire_forward(in.data(), spikes.data(), peak.data(), steps, neurons, 0, neurons, 1.0f);
  for (const auto& [begin, end] : {std::pair<std::size_t, std::size_t>{0, 7}, {7, 1500}, {1500, neurons}})
    integrate_and_fire_forward(in.data(), parts.data(), parts_peak.data(), steps, neurons, begin, end, 1.0f);
  CHECK(spikes == parts);
  CHECK(peak == parts_peak);
  for (const std::size_t n : {std::size_t{0}, std::size_t{1023}, std::size_t{1024}, neurons - 1}) {
    float v = 0;
    for (std::size_t t = 0; t < steps; ++t) {
      v += in[t * neurons + n];
      CHECK(spikes[t * neurons + n] == (v > 1 ? 1.0f : 0.0f));
      v -= spikes[t * neurons + n];
    }
  }
}

TEST_CASE("the gradient of an input is that of its spike and all later ones, through arctan's slope at their peaks") {
  const std::size_t steps = 4, neurons = 3;
  const auto in = random_input(steps * neurons, 2);
  auto x = torch::from_blob(const_cast<float*>(in.data()), {4, 3}, torch::kFloat32).clone().requires_grad_();
  const auto weights =
      torch::tensor({{1.0f, -2.0f, 0.5f}, {3.0f, 0.25f, 1.0f}, {-1.0f, 1.0f, 2.0f}, {0.5f, 4.0f, -3.0f}});
  const auto spikes = integrate_and_fire(x, 4);
  (spikes * weights).sum().backward();
  for (std::size_t n = 0; n < neurons; ++n) {
    double v = 0, peaks[steps];
    for (std::size_t t = 0; t < steps; ++t) {
      peaks[t] = v += in[t * neurons + n];
      if (v > 1) v -= 1;
    }
    double later = 0;
    for (std::size_t t = steps; t-- > 0;) {
      const auto at = [&](const torch::Tensor& m) {
        return m[static_cast<std::int64_t>(t)][static_cast<std::int64_t>(n)].item<double>();
      };
      later += at(weights) / (1 + std::pow(std::numbers::pi * (peaks[t] - 1), 2));
      CHECK(at(x.grad()) == doctest::Approx(later).epsilon(1e-4));
    }
  }
}

TEST_CASE("the memory layout of what comes in, or of its gradient, changes nothing but itself") {
  torch::manual_seed(3);
  const auto plain = torch::randn({4 * 2, 3, 5, 5});
  auto a = plain.clone().requires_grad_();
  auto b = plain.contiguous(torch::MemoryFormat::ChannelsLast).detach().requires_grad_();
  const auto of_a = integrate_and_fire(a, 4), of_b = integrate_and_fire(b, 4);
  CHECK(torch::equal(of_a, of_b));
  const auto gradient = torch::randn({4 * 2, 3, 5, 5});
  of_a.backward(gradient);
  of_b.backward(gradient);  // channel-first, against the layout of the spikes
  CHECK(torch::equal(a.grad(), b.grad()));
}
