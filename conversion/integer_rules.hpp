// The arithmetic of design.md section 4, "Integer rules" 1 to 5: from real weights and amplitudes to int8 weights,
// units, biases and thresholds. Only + - * / and floor on doubles, in a fixed order, so that every machine gets the
// same integers. Deliberately not here: where ceilings come from (calibrate.hpp), and running anything.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "conversion/ann/graph.hpp"
#include "snn/model.hpp"

namespace syn {

// Rule 1. `folded` is [input][output] of w' = w * a. u_o = max |w'| / 127; W = clamp(floor(w' / u_o + 1/2), -127, 127).
// A channel without any weight takes its unit from its bias, so that the bias is still told apart from zero.
struct QuantisedWeights {
  std::vector<double> unit;          // one a channel; all the same for a readout
  std::vector<std::int8_t> weights;  // [input][output]
};
QuantisedWeights quantise_weights(std::span<const double> folded, std::span<const double> bias, bool one_unit);

// Rule 2. Nothing if the bias is beyond 2^30 units.
std::optional<std::int32_t> quantise_bias(double bias, double unit);

// Rule 3. theta = max(1, floor(A / (C u) + 1/2)). Nothing if beyond 2^30.
std::optional<std::int32_t> threshold_for(double ceiling, std::uint32_t levels, double unit);

// Rule 4. `sum` includes the bias.
constexpr std::int64_t count_of(std::int64_t sum, std::int64_t threshold, std::int64_t levels) {
  const std::int64_t lifted = sum + (threshold >> 1);
  if (lifted < 0) return 0;
  const std::int64_t count = lifted / threshold;
  return count < levels ? count : levels;
}

// Rule 5. Divisors of every target position, row by row; their least common multiple L; multipliers L / n (empty: all
// 1).
struct PoolSums {
  std::uint32_t lcm = 1;
  std::vector<std::uint16_t> multiplier;
  std::uint64_t greatest = 0;  // of a window's sum, per count of 1 at the source
};
// Nothing if a multiplier is beyond 16 bits.
std::optional<PoolSums> pool_sums(const ann::AveragePool& pool, const snn::Shape& from, const snn::Shape& to);

}  // namespace syn
