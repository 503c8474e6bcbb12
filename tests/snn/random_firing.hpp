// Neurons that fire where a kernel makes their sums.
#pragma once

#include <cstdint>
#include <vector>

#include "core/random.hpp"
#include "snn/kernels/reference.hpp"

namespace syn::snn::kernels {

// Neurons of short volleys with different thresholds; `out` is what they must not leave behind, nor write behind.
struct RandomFiring {
  std::vector<std::int16_t> start;
  std::vector<std::uint16_t> multiplier, power;
  std::vector<Count> out;
  ShortVolley volley{};  // without a start
  std::size_t channels, neurons;

  RandomFiring(Random& random, std::size_t of_position, std::size_t n)
      : out(n + kSlack, 777), channels(of_position), neurons(n) {
    const auto ceiling = static_cast<Count>(1 + random.below(100));
    for (std::size_t i = 0; i < channels + kPairSlack; ++i) {
      const auto theta = kShortDivisor + random.below(kShortVolley / (ceiling + 1u) - kShortDivisor + 1);
      const auto divisor = short_divisor(static_cast<std::uint32_t>(theta));
      const bool own = i < channels;
      start.push_back(own ? static_cast<std::int16_t>(random.below(65535)) : start[i - channels]);
      multiplier.push_back(own ? divisor.multiplier : multiplier[i - channels]);
      power.push_back(own ? divisor.power : power[i - channels]);
    }
    volley = {nullptr, multiplier.data(), power.data(), ceiling};
  }
  ShortVolley with_start() const { return {start.data(), multiplier.data(), power.data(), volley.ceiling}; }
  std::vector<Count> counts_of(const std::vector<std::int32_t>& sums) const {
    std::vector<Count> counts = out;
    for (std::size_t i = 0; i < neurons; ++i) counts[i] = reference::short_count(volley, sums[i], i % channels);
    return counts;
  }
};

}  // namespace syn::snn::kernels
