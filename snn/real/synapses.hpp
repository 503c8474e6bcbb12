// One projection, ready to add: weights laid out by source, so that an input of 0 costs nothing and sums still receive
// their products in index order of the sources. Internal to snn/real.
#pragma once

#include <memory>

#include "snn/real/loops.hpp"
#include "snn/real/model.hpp"

namespace syn::snn::real {

// What a projection reads: its source's output at t - delay, whole and as events; and, for delays of single neurons,
// the ring of rows it lies in.
struct Reading {
  const double* row;
  Events events;
  const double* ring;
  std::uint64_t step, ring_rows;
};

class Synapses {
 public:
  virtual ~Synapses() = default;
  virtual bool reads_events() const { return true; }
  virtual std::size_t scratch() const { return 0; }  // doubles
  // sums: one a target neuron, overwritten. Returns how many products were added.
  virtual std::uint64_t sum(const Loops& loops, const Reading& reading, double* scratch, double* sums) const = 0;
  virtual std::uint64_t resident_bytes() const = 0;
};

// Needs a checked model.
std::unique_ptr<const Synapses> synapses_for(const Model& model, const Projection& projection);

}  // namespace syn::snn::real
