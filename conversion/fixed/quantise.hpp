// One population's wires and rule in integers: its units, how many bits of fraction it gets, and how far that is from
// float.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "conversion/fixed/fixed.hpp"
#include "conversion/fixed/rule.hpp"
#include "conversion/fixed/wiring.hpp"

namespace syn::fixed {

// What a wire's source hands on.
struct SourceFacts {
  std::int64_t greatest = 1;      // of one count
  std::int64_t zero = 0;          // which count means 0
  std::int64_t up = 1, down = 0;  // how far from that counts come, for which bounds are stated
  double half = 0;                // how far a count can be from what it stands for
};

struct Quantised {
  std::vector<snn::Connection> connections;  // of each wire, with its integers
  snn::Kind kind;                            // Leaky, or Readout with a membrane
  std::uint32_t greatest = 1;
  Place place;  // its unit, rest, bound, threshold, limits_bind; by float index
};

struct QuantiseOptions {
  std::uint32_t steps = 1, most_spikes = 15;
};

std::expected<Quantised, std::string> quantise(const Rule& rule, const Side& side, std::span<const Wire> wires,
                                               std::span<const SourceFacts> sources, const std::vector<double>& bias,
                                               const QuantiseOptions& options);

}  // namespace syn::fixed
