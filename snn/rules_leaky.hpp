// The part of the rules that is about what leaks and what comes late (rules.hpp). Internal to snn/.
#pragma once

#include <span>
#include <string>

#include "snn/model.hpp"

namespace syn::snn {

inline constexpr std::uint64_t kMostDelayed = 1 << 26;  // counts of all delay lines together

// What is wrong with a Leaky population or a Readout with a membrane, sums aside; empty: nothing.
std::string leaky_problem(const Model& model, const Population& population);
// Per channel, the largest positive and negative sum of its projections in a row.
std::string leaky_overflow(const Population& population, std::span<const std::int64_t> positive,
                           std::span<const std::int64_t> negative);
std::string delay_problem(const Model& model, const Projection& projection);

}  // namespace syn::snn
