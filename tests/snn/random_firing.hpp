// Neurons that fire where a kernel makes their sums.
#pragma once

#include <cstdint>
#include <vector>

#include "core/random.hpp"
#include "snn/kernels/reference.hpp"

namespace syn::snn::kernels {

// Neurons of short volleys, or of small ones, with different thresholds; `out` is what they must not leave behind, nor
// write behind.
struct RandomFiring {
  std::vector<std::int16_t> start;
  std::vector<std::uint16_t> multiplier, power;
  std::vector<float> reciprocal, half;
  std::vector<Count> out;
  std::size_t channels, neurons;
  Count ceiling;
  bool is_short;

  RandomFiring(Random& random, std::size_t of_position, std::size_t n, bool shortly = true)
      : out(n + kSlack, 777),
        channels(of_position),
        neurons(n),
        ceiling(static_cast<Count>(1 + random.below(100))),
        is_short(shortly) {
    const auto most = static_cast<std::uint64_t>(is_short ? kShortVolley : kSmallVolley) / (ceiling + 1u);
    for (std::size_t i = 0; i < channels + kPairSlack; ++i) {
      const auto theta = static_cast<std::uint32_t>(1 + random.below(most));
      const auto divisor = short_divisor(theta);
      const bool own = i < channels;
      start.push_back(own ? static_cast<std::int16_t>(random.below(65535)) : start[i - channels]);
      multiplier.push_back(own ? divisor.multiplier : multiplier[i - channels]);
      power.push_back(own ? divisor.power : power[i - channels]);
      reciprocal.push_back(own ? 1.0f / static_cast<float>(theta) : reciprocal[i - channels]);
      half.push_back(own ? 0.5f / static_cast<float>(theta) : half[i - channels]);
    }
  }
  // Without a start, and with one.
  Firing at(Count* counts) const { return {is_short, in_short(nullptr), volley(), counts}; }
  Firing with_start(Count* counts) const { return {is_short, in_short(start.data()), volley(), counts}; }
  std::vector<Count> counts_of(const std::vector<std::int32_t>& sums) const {
    std::vector<Count> counts = out;
    const Firing firing = at(nullptr);
    for (std::size_t i = 0; i < neurons; i += channels)
      reference::fire_outputs(firing, sums.data() + i, channels, counts.data() + i);
    return counts;
  }

 private:
  ShortVolley in_short(const std::int16_t* begin) const { return {begin, multiplier.data(), power.data(), ceiling}; }
  SmallVolley volley() const { return {reciprocal.data(), half.data(), static_cast<float>(ceiling) + 0.5f, channels}; }
};

}  // namespace syn::snn::kernels
