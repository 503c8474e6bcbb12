// The random recurrent network that bench_real times and bench/spiking_peers gives to Brian2, too: neurons fire by a
// constant drive just above the threshold, synapses are balanced.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/random.hpp"
#include "snn/real/model.hpp"

namespace syn::bench {

inline double uniform(Random& random, double low, double high) {
  return low + (high - low) * static_cast<double>(random.u64() >> 11) * 0x1p-53;
}
inline std::vector<float> weights(Random& random, std::size_t n, double size) {
  std::vector<float> w(n);
  for (float& x : w) x = static_cast<float>(uniform(random, -size, size));
  return w;
}

inline constexpr double kDrive = 1.047, kTau = 20e-3, kDt = 1e-4;
inline constexpr std::uint32_t kDelay = 15;  // steps

// 1,000 LIF neurons, about 100,000 synapses, about 16 spikes/s in steps of 0.1 ms. No outputs: writing 10,000 x 1,000
// numbers would be most of the time.
inline snn::real::Model recurrent() {
  using namespace snn::real;
  SeededRandom random(1);
  constexpr std::uint32_t kNeurons = 1000, kFanIn = 100;
  Model model{.name = "recurrent", .dt = kDt};
  Lif lif{.membrane = {.tau = {kTau}, .integration = Integration::exponential_euler}, .firing = {.threshold = {1}}};
  lif.v0.clear();
  for (std::uint32_t i = 0; i < kNeurons; ++i) lif.v0.push_back(uniform(random, 0, 1));
  model.populations = {{"lif", {kNeurons}, lif}};
  Sparse synapses{.row = {0}, .bias = std::vector<float>(kNeurons, static_cast<float>(kDrive))};
  for (std::uint32_t i = 0; i < kNeurons; ++i) {
    for (std::uint32_t source = 0; source < kNeurons; ++source)
      if (random.below(kNeurons) < kFanIn) synapses.source.push_back(source);
    synapses.row.push_back(static_cast<std::uint32_t>(synapses.source.size()));
  }
  synapses.weights = weights(random, synapses.source.size(), 0.2);
  model.projections = {{0, 0, kDelay, synapses}};
  return model;
}

}  // namespace syn::bench
