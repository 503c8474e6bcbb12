// How what a network hands on becomes an answer, as pure functions. The greatest wins, the lowest index on a tie.
// Rows are steps x classes.
// Deliberately not here: the readout of converted models (metrics.hpp has `winner` for int32 potentials).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/types.hpp"

namespace syn::snn::coding {

struct Decision {
  std::uint32_t winner = 0;
  std::uint32_t step = 0;  // the step after which it stood
  bool operator==(const Decision&) const = default;
};

// By the potentials of the last step.
Decision by_potential(std::span<const double> rows, std::uint32_t classes);
// By the spikes of all steps.
Decision by_count(std::span<const Count> rows, std::uint32_t classes);
// By who spikes first; in one step, who spikes most, then the lowest index. Nothing if nobody spikes.
std::optional<Decision> by_first_spike(std::span<const Count> rows, std::uint32_t classes);

// Anytime: the first step after which the best score is `margin` ahead of the second, and was the best for `held` steps
// in a row (this one included); at the latest the last step. Scores are cumulative: potentials, or counts so far.
struct Margin {
  double margin = 1;
  std::uint32_t held = 1;
};
Decision by_margin(const Margin& options, std::span<const double> rows, std::uint32_t classes);

// Counts so far, for by_margin.
std::vector<double> cumulative(std::span<const Count> rows, std::uint32_t classes);

}  // namespace syn::snn::coding
