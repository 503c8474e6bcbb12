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

// Rule 1, in three steps: the greatest |w'| of every channel over all weighted projections into it; the units u_o =
// max |w'| / 127; the weights W = clamp(floor(w' / u_o + 1/2), -127, 127). `folded` is [input][output] of w' = w * a.
void widen(std::span<double> greatest, std::span<const double> folded);
// What the identities that reach a channel (rule 7) ask of its unit.
struct Identity {
  double amplitude = 0;  // the greatest |a_i|, times what a map before or behind it says
  double reach = 0;      // the greatest |a_i| g_i: the sum it can add, in network units
};
// Where only identities reach a channel, its unit gives their multipliers 17 bits; nowhere do they get more than 24, or
// sums beyond 2^28. A channel that nothing reaches takes its unit from its bias, so that the bias is still told apart
// from zero. `one_unit`: the greatest for all, as a readout needs it.
std::vector<double> units_of(std::span<const double> greatest, std::span<const Identity> identities,
                             std::span<const double> bias, bool one_unit);
std::vector<std::int8_t> quantise_weights(std::span<const double> folded, std::span<const double> unit);

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
