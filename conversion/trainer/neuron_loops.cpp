#include "conversion/trainer/neuron_loops.hpp"

#include <algorithm>
#include <numbers>

namespace syn::train {
namespace {

constexpr std::size_t kBlock = 1024;  // potentials of a block stay in the first cache over all steps

template <class Block>
void in_blocks(std::size_t begin, std::size_t end, Block block) {
  for (std::size_t at = begin; at < end; at += kBlock) block(at, std::min(kBlock, end - at));
}

}  // namespace

void integrate_and_fire_forward(const float* in, float* spikes, float* peak, std::size_t steps, std::size_t neurons,
                                std::size_t begin, std::size_t end, float threshold) {
  in_blocks(begin, end, [=](std::size_t at, std::size_t n) {
    float v[kBlock] = {};
    for (std::size_t t = 0; t < steps; ++t) {
      const float* __restrict x = in + t * neurons + at;
      float* __restrict s = spikes + t * neurons + at;
      float* __restrict p = peak + t * neurons + at;
      for (std::size_t i = 0; i < n; ++i) {
        const float up = v[i] + x[i];
        const float fired = up > threshold ? 1.0f : 0.0f;
        p[i] = up;
        s[i] = fired;
        v[i] = up - fired * threshold;
      }
    }
  });
}

void integrate_and_fire_backward(const float* spike_gradient, const float* peak, float* in_gradient, std::size_t steps,
                                 std::size_t neurons, std::size_t begin, std::size_t end, float threshold) {
  const float steepness = std::numbers::pi_v<float> / threshold;
  in_blocks(begin, end, [=](std::size_t at, std::size_t n) {
    float later[kBlock] = {};  // what the potential after this step is worth
    for (std::size_t t = steps; t-- > 0;) {
      const float* __restrict g = spike_gradient + t * neurons + at;
      const float* __restrict p = peak + t * neurons + at;
      float* __restrict out = in_gradient + t * neurons + at;
      for (std::size_t i = 0; i < n; ++i) {
        const float away = steepness * (p[i] - threshold);
        later[i] += g[i] / (1 + away * away);
        out[i] = later[i];
      }
    }
  });
}

}  // namespace syn::train
