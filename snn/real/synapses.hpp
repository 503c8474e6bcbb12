// One projection, ready to add: weights laid out by source, so that an input of 0 costs nothing and sums still receive
// their products in index order of the sources. Internal to snn/real.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "snn/real/loops.hpp"
#include "snn/real/model.hpp"

namespace syn::snn::real {

// What a projection reads: its source's output at t - delay, as events or whole; and, for delays of single neurons, the
// rows of its source's last steps, the one of step s at s % ring_rows.
struct Reading {
  Events events;
  const double* row;
  const double* ring;
  std::uint64_t step, ring_rows;
};

class Synapses {
 public:
  virtual ~Synapses() = default;
  virtual bool reads_events() const { return true; }  // else rows
  virtual std::size_t scratch() const { return 0; }   // doubles
  // sums: one a target neuron, overwritten. Returns how many products were added.
  virtual std::uint64_t sum(const Loops& loops, const Reading& reading, double* scratch, double* sums) const = 0;

  // What a population that has no other projection may do instead: keep sums that stand at `starts` between steps, and
  // have only what arrives added. nullopt: there is no such way.
  struct InPlace {
    std::vector<double> starts;   // one a target neuron
    std::uint32_t channels_last;  // sums are [position][channel], of so many channels; 0: as the neurons are
    bool marks;                   // `add` can tell what it touched
  };
  virtual std::optional<InPlace> in_place() const { return std::nullopt; }
  // touched: null, or marked as loops.hpp has it.
  virtual std::uint64_t add(const Loops& loops, const Reading& reading, double* sums, std::uint64_t* touched) const;

  virtual std::uint64_t resident_bytes() const = 0;
};

// Needs a checked model.
std::unique_ptr<const Synapses> synapses_for(const Model& model, const Projection& projection);

// A pool that keeps to what arrives: sums that are 0 are added to, and a bit is set for each that was reached.
class Pooling {
 public:
  virtual ~Pooling() = default;
  virtual std::uint64_t reach(const Loops& loops, Events events, double* sums, std::uint64_t* reached) const = 0;
  virtual double divisor() const = 0;  // of the average; 1: none
  virtual std::uint64_t resident_bytes() const = 0;
};
std::unique_ptr<const Pooling> pooling_for(const Model& model, const Projection& projection);

}  // namespace syn::snn::real
