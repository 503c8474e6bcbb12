// One population's neurons, ready to step: parameters combined with dt once, then one call a step.
// State is variables x neurons doubles: the potential first, then what the kind adds (current, adaptation, recovery),
// then what its firing rule adds (spikes that still have to reset, refractory steps left).
// Deliberately not here: where the input sum comes from (synapses.hpp), delays and outputs (engine.hpp).
#pragma once

#include <memory>
#include <span>

#include "snn/real/loops.hpp"
#include "snn/real/model.hpp"

namespace syn::snn::real {

std::size_t variables_of(const Neurons& neurons);
// How many of them have a name of their own: 0 to 2.
std::size_t named_variables_of(const Neurons& neurons);

class Steps {
 public:
  virtual ~Steps() = default;
  virtual void start(std::span<double> state) const = 0;
  virtual std::uint64_t resident_bytes() const = 0;  // of parameters and starting values
  // in, out: one number a neuron.
  virtual void step(const Loops& loops, const double* in, double* state, double* out) const = 0;
  // Integrate-and-fire that loops.membranes can step in one pass; null: step() it.
  virtual const Membranes* membranes() const { return nullptr; }
};

// For every kind but Input and Relay, which have no dynamics: nullptr.
std::unique_ptr<const Steps> steps_for(const Neurons& neurons, double dt, std::size_t count);

}  // namespace syn::snn::real
