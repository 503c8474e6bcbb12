// Neurons that fire where a kernel makes their sums.
#pragma once

#include <cstdint>
#include <vector>

#include "core/random.hpp"
#include "snn/kernels/reference.hpp"

namespace syn::snn::kernels {

// Neurons of small volleys with different thresholds; `out` is what they must not leave behind, nor write behind.
struct RandomFiring {
  std::vector<float> reciprocal, half;
  std::vector<Count> out;
  SmallVolley volley{};
  std::size_t neurons;

  RandomFiring(Random& random, std::size_t channels, std::size_t n) : out(n + kSlack, 777), neurons(n) {
    const auto ceiling = 1 + random.below(100);
    for (std::size_t i = 0; i < n; ++i) {  // of a whole band, as the engine keeps them
      const auto theta = static_cast<std::int32_t>(i < channels ? 1 + random.below(kSmallVolley / (ceiling + 1)) : 0);
      reciprocal.push_back(i < channels ? 1.0f / static_cast<float>(theta) : reciprocal[i - channels]);
      half.push_back(i < channels ? (static_cast<float>(theta >> 1) + 0.5f) / static_cast<float>(theta)
                                  : half[i - channels]);
    }
    volley = {reciprocal.data(), half.data(), static_cast<float>(ceiling) + 0.5f, channels};
  }
  std::vector<Count> counts_of(const std::vector<std::int32_t>& sums) const {
    std::vector<Count> counts = out;
    reference::fire_small_volley(volley, sums.data(), neurons, counts.data());
    return counts;
  }
};

}  // namespace syn::snn::kernels
