// The two halves of lowering one node: its neurons, or its connection. Room-internal; lowering.hpp is the door.
#pragma once

#include "conversion/nir/check.hpp"
#include "conversion/nir/lowering.hpp"

namespace syn::nir {

// A population of this kind, for places that become one by themselves: Input, Threshold, neurons; nullopt for others.
// An error's text says what the dialect refuses.
std::expected<std::optional<snn::real::Neurons>, std::string> neurons_of(const Shapes::Place& place,
                                                                         const LowerOptions& options);

// What a linear place does between two populations.

struct Wire {
  snn::real::Connection connection;
  std::uint32_t delay = 0;
  bool passes = false;  // hands on what it gets, neuron by neuron
  bool grid = false;    // its shapes matter, not only how many neurons there are
};
std::expected<Wire, std::string> wire_of(const Shapes::Place& place, double dt);

}  // namespace syn::nir
