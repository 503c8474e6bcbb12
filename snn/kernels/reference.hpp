// The plain twins of the kernels: what every fast one must equal, bit for bit, and what runs where no vector unit does.
#pragma once

#include <algorithm>

#include "snn/kernels/kernels.hpp"

namespace syn::snn::kernels::reference {

inline std::size_t list_events(const Count* counts, std::size_t pairs, std::uint32_t first_offset, std::uint32_t stride,
                               std::uint32_t* values, std::uint32_t* offsets) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::uint32_t value = counts[2 * i] | std::uint32_t{counts[2 * i + 1]} << 16;
    values[n] = value;  // written in any case and kept only if not zero: a branch would be mispredicted half the time
    offsets[n] = first_offset + stride * static_cast<std::uint32_t>(i);
    n += value != 0;
  }
  return n;
}

inline void gather(const std::uint32_t* values, const std::uint32_t* offsets, std::span<const Segment> segments,
                   const std::int16_t* packed, std::size_t outputs, std::int32_t* sums) {
  for (const Segment& segment : segments) {
    for (std::uint32_t e = segment.begin; e < segment.end; ++e) {
      const std::int16_t* row = packed + (segment.base + offsets[e]);
      const auto low = static_cast<std::int32_t>(values[e] & 0xffff), high = static_cast<std::int32_t>(values[e] >> 16);
      for (std::size_t o = 0; o < outputs; ++o) sums[o] += low * row[2 * o] + high * row[2 * o + 1];
    }
  }
}

inline void fire_volley(const Volley& volley, const std::int32_t* sums, std::size_t n, Count* out) {
  for (std::size_t i = 0; i < n; ++i) {
    const std::int32_t theta = volley.threshold[i];
    const std::int32_t shifted = sums[i] + (theta >> 1);  // below 2^31 by the overflow rule
    out[i] = shifted < 0 ? Count{0} : static_cast<Count>(std::min(shifted, volley.limit[i]) / theta);
  }
}

inline void fire_step(const Step& step, const std::int32_t* sums, std::size_t n, std::int32_t* v, Count* out) {
  for (std::size_t i = 0; i < n; ++i) {
    std::int32_t potential = v[i] + sums[i];
    const bool fired = potential >= step.threshold[i];
    if (fired) potential -= step.threshold[i];
    v[i] = std::clamp(potential, step.v_min, step.v_max);
    out[i] = fired;
  }
}

inline Tally tally(const Count* counts, const std::uint32_t* key_low, const std::uint32_t* key_high, std::size_t n) {
  Tally tally;
  for (std::size_t i = 0; i < n; ++i) {
    tally.checksum += counts[i] * (std::uint64_t{key_high[i]} << 32 | key_low[i]);
    tally.spikes += counts[i];
    tally.events += counts[i] != 0;
  }
  return tally;
}

inline std::uint64_t sum_where(const Count* counts, const std::uint32_t* fan_out, std::size_t n) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += counts[i] != 0 ? fan_out[i] : 0;
  return sum;
}

inline Count greatest(const Count* counts, std::size_t n) {
  Count greatest = 0;
  for (std::size_t i = 0; i < n; ++i) greatest = std::max(greatest, counts[i]);
  return greatest;
}

inline constexpr Table kTable{"reference", list_events, gather, fire_volley, fire_step, tally, sum_where, greatest};

}  // namespace syn::snn::kernels::reference
