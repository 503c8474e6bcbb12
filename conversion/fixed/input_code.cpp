#include <algorithm>
#include <cmath>

#include "conversion/fixed/fixed.hpp"

namespace syn::fixed {

InputCode code_for(std::span<const float> values) {
  double least = 0, most = 0, smallest = 0;
  for (const double x : values) {
    least = std::min(least, x);
    most = std::max(most, x);
    if (x != 0 && (smallest == 0 || std::abs(x) < smallest)) smallest = std::abs(x);
  }
  if (most == least) return {};  // silence
  // 1 where that will do: events are counted, and their counts may begin at 2.
  for (const double quantum : {1.0, smallest}) {
    const double zero = std::round(-least / quantum);
    if (std::round(most / quantum) + zero > 255) continue;
    const bool whole = std::ranges::all_of(values, [&](float x) {
      const double times = x / quantum;
      return std::abs(times - std::round(times)) < 1e-6 * std::max(1.0, std::abs(times));
    });
    if (!whole) continue;
    const auto count = [&](double x) { return static_cast<std::uint32_t>(std::round(x / quantum) + zero); };
    return {1 / quantum, static_cast<std::uint32_t>(zero), true, count(least), count(most)};
  }
  const double scale = 255 / (most - least);
  return {.scale = scale, .zero = static_cast<std::uint32_t>(std::round(-least * scale)), .exact = false};
}

}  // namespace syn::fixed
