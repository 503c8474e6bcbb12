// Random float networks of what integers have: every kind and rule, delays, recurrence, grids, pooling, relays.
#pragma once

#include "core/random.hpp"
#include "core/text.hpp"
#include "snn/real/model.hpp"

namespace syn::fixed::testing {

namespace real = snn::real;

class Nets {
 public:
  explicit Nets(Random& random) : random_(random) {}

  real::Model make() {
    real::Model m{.name = "random", .dt = 1e-3};
    const std::uint32_t side = 3 + pick(3), channels = 1 + pick(3);
    const bool grid = random_.chance(0.5);
    m.populations.push_back(
        {"in", grid ? real::Shape{channels, side, side} : real::Shape{channels * 4}, real::Input{}});
    m.inputs = {{"in", 0}};
    if (random_.chance(0.3)) {
      m.populations.push_back({"other", {5}, real::Input{}});
      m.inputs.push_back({"other", 1});
    }
    std::uint32_t at = 0;
    if (grid) {
      at = convolution(m, at, 2 + pick(4));
      if (random_.chance(0.5)) at = pool(m, at);
      if (random_.chance(0.5)) at = convolution(m, at, 2 + pick(4));
    }
    const std::uint32_t hidden = flat(m, at, 4 + pick(12));
    if (m.inputs.size() > 1) dense(m, 1, hidden, pick(3));
    if (random_.chance(0.7)) dense(m, hidden, hidden, 1 + pick(3));
    const std::uint32_t last = flat(m, hidden, 3 + pick(5));
    if (random_.chance(0.3)) dense(m, last, hidden, 1 + pick(2));
    if (random_.chance(0.3)) delays(m, hidden, last);
    m.outputs = {{"spikes", last}};
    if (random_.chance(0.5)) {
      const std::uint32_t n = 3;
      const std::uint32_t out = add(m, {n},
                                    random_.chance(0.5) ? real::Neurons(real::Li{.membrane = membrane(n)})
                                                        : real::CubaLi{.synapse = synapse(n), .membrane = membrane(n)});
      dense(m, last, out, 0);
      m.outputs.push_back({"numbers", out});
    }
    return m;
  }

  // Spikes, counts, or any numbers.
  std::vector<std::vector<float>> inputs(const real::Model& m, std::uint32_t steps) {
    const auto kind = pick(3);
    std::vector<std::vector<float>> all;
    for (const auto& port : m.inputs) {
      auto& values = all.emplace_back(steps * real::neurons_of(m.populations[port.population].shape));
      for (float& x : values)
        if (random_.chance(0.3)) x = static_cast<float>(kind == 0 ? 1 : kind == 1 ? 1 + pick(3) : uniform(-1, 2));
    }
    return all;
  }

 private:
  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_.below(below)); }
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(random_.u64() >> 11) * 0x1p-53;
  }
  real::Parameter some(std::uint32_t n, double low, double high) {
    real::Parameter p(n);
    const double one = uniform(low, high);
    for (double& x : p) x = n > 1 ? uniform(low, high) : one;
    return p;
  }
  std::uint32_t count(std::uint32_t n) { return random_.chance(0.5) ? 1 : n; }
  real::Integration integration() { return static_cast<real::Integration>(pick(3)); }
  real::Membrane membrane(std::uint32_t n) {
    return {.tau = some(count(n), 2e-3, random_.chance(0.3) ? 0.3 : 0.02),
            .r = some(1, 0.5, 2),
            .v_leak = random_.chance(0.3) ? some(count(n), -0.3, 0.3) : real::Parameter{0},
            .integration = integration(),
            .order = static_cast<real::InputOrder>(pick(2))};
  }
  real::Synapse synapse(std::uint32_t n) {
    real::Synapse s{.tau = some(count(n), 2e-3, 0.01),
                    .w_in = {1},
                    .integration = integration(),
                    .order = static_cast<real::InputOrder>(pick(2)),
                    .read = static_cast<real::CurrentRead>(pick(3))};
    if (s.read == real::CurrentRead::undecayed) s.order = real::InputOrder::before_decay;
    return s;
  }
  real::Firing firing(std::uint32_t n) {
    real::Firing f{.threshold = some(count(n), 0.4, 1.2),
                   .v_reset = random_.chance(0.5) ? real::Parameter{0} : some(count(n), -0.5, 0.2),
                   .comparison = static_cast<real::Comparison>(pick(2)),
                   .reset = static_cast<real::Reset>(pick(2)),
                   .refractory = pick(3)};
    return f;
  }
  real::Neurons neurons(std::uint32_t n) {
    switch (pick(5)) {
      case 0:
        return real::If{.r = {uniform(300, 900)}, .firing = firing(n)};
      case 1:
        return real::AdaptiveLif{.membrane = membrane(n),
                                 .firing = firing(n),
                                 .tau_adaptation = some(count(n), 5e-3, 0.05),
                                 .adaptation = {uniform(0.1, 0.5)},
                                 .jump = {uniform(0.1, 1)}};
      case 2:
        return real::CubaLif{.synapse = synapse(n), .membrane = membrane(n), .firing = firing(n)};
      case 3: {
        real::Lif lif{.membrane = membrane(n), .firing = firing(n)};
        if (lif.firing.reset == real::Reset::subtract && random_.chance(0.5)) {
          lif.firing.most = 3;
          lif.membrane.v_leak = {0};
        }
        return lif;
      }
      default:
        return real::Lif{.membrane = membrane(n), .firing = firing(n)};
    }
  }
  std::uint32_t add(real::Model& m, real::Shape shape, real::Neurons kind) {
    m.populations.push_back({text::cat("p", m.populations.size()), std::move(shape), std::move(kind)});
    return static_cast<std::uint32_t>(m.populations.size() - 1);
  }
  std::vector<float> weights(std::size_t n, std::size_t fan_in) {
    std::vector<float> w(n);
    const double size = 3 / std::sqrt(static_cast<double>(fan_in));
    for (float& x : w) x = static_cast<float>(uniform(-size, 1.6 * size));
    return w;
  }
  void dense(real::Model& m, std::uint32_t from, std::uint32_t to, std::uint32_t delay) {
    const std::size_t n = real::neurons_of(m.populations[from].shape), k = real::neurons_of(m.populations[to].shape);
    real::Dense d{.weights = weights(n * k, n), .bias = {}};
    if (random_.chance(0.4)) d.bias = weights(k, 100);
    m.projections.push_back({from, to, delay, std::move(d)});
  }
  void delays(real::Model& m, std::uint32_t from, std::uint32_t to) {
    const std::uint32_t n = static_cast<std::uint32_t>(real::neurons_of(m.populations[from].shape));
    const std::uint32_t relay = add(m, {n}, real::Relay{});
    real::Delays d;
    for (std::uint32_t i = 0; i < n; ++i) d.steps.push_back(pick(4));
    m.projections.push_back({from, relay, pick(2), std::move(d)});
    dense(m, relay, to, 0);
  }
  std::uint32_t flat(real::Model& m, std::uint32_t from, std::uint32_t n) {
    std::uint32_t source = from;
    if (random_.chance(0.3)) {  // a relay that scales, and flattens
      const auto all = static_cast<std::uint32_t>(real::neurons_of(m.populations[from].shape));
      source = add(m, {all}, real::Relay{});
      m.projections.push_back({from, source, 0, real::Scale{weights(all, 4)}});
    }
    const std::uint32_t to = add(m, {n}, neurons(n));
    dense(m, source, to, random_.chance(0.2) ? 1 + pick(4) : 0);
    return to;
  }
  std::uint32_t convolution(real::Model& m, std::uint32_t from, std::uint32_t channels) {
    const real::Shape in = m.populations[from].shape;
    real::Conv conv{.kernel = {std::min(in[1], 3u), std::min(in[2], 3u)}, .weights = {}};
    if (conv.kernel[0] == 3 && random_.chance(0.5)) conv.pad_begin = conv.pad_end = {1, 1};
    if (random_.chance(0.3)) conv.groups = in[0], channels = in[0] * (1 + pick(2));
    const auto places = [&](std::uint32_t side, int axis) {
      return side + conv.pad_begin[axis] + conv.pad_end[axis] - conv.kernel[axis] + 1;
    };
    const std::uint32_t height = places(in[1], 0), width = places(in[2], 1);
    const std::size_t area = std::size_t{conv.kernel[0]} * conv.kernel[1];
    conv.weights = weights(channels * in[0] / conv.groups * area, area * in[0] / conv.groups);
    if (random_.chance(0.4)) conv.bias = weights(channels, 100);
    const std::uint32_t to = add(m, {channels, height, width}, neurons(1));
    m.projections.push_back({from, to, random_.chance(0.2) ? 2u : 0u, std::move(conv)});
    return to;
  }
  std::uint32_t pool(real::Model& m, std::uint32_t from) {
    const real::Shape in = m.populations[from].shape;
    const std::uint32_t kernel = in[1] >= 2 && in[2] >= 2 ? 2 : 1;
    real::Pool window{.kernel = {kernel, kernel}, .stride = {kernel, kernel}, .average = pick(2)};
    const std::uint32_t to = add(m, {in[0], in[1] / kernel, in[2] / kernel}, real::Relay{});
    m.projections.push_back({from, to, random_.chance(0.2) ? 1u : 0u, window});
    return to;
  }

  Random& random_;
};

}  // namespace syn::fixed::testing
