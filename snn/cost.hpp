// What a population is expected to cost, from what calibration measured: for the planner.
// Deliberately not here: time (a device profile turns Work into it), wires (cut.hpp says what would cross them).
#pragma once

#include <vector>

#include "core/compute.hpp"
#include "snn/model.hpp"

namespace syn::snn {

struct Cost {
  Work work;                // per inference
  std::uint64_t bytes = 0;  // resident: packed weights, tables, the state of one inference, counts
  bool operator==(const Cost&) const = default;
};

// One per population, its incoming projections included; Sources cost nothing. Without calibration figures (all means
// zero) half of the neurons are taken to fire in every row.
std::vector<Cost> costs(const Model& model);

// The share of a slice of `channels` of a population's `total`.
Cost share_of(const Cost& cost, std::uint32_t channels, std::uint32_t total);

// Of each neuron of a population: how many target neurons its count reaches through a non-zero weight, over all
// projections from it. Pooling has no weights and does not count.
std::vector<std::uint32_t> fan_out(const Model& model, std::uint32_t population);

}  // namespace syn::snn
