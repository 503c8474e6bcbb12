// How far an integer model is from the float one that it was made of, on somebody's data: both run side by side.
// Besides, every population of neurons runs by itself, given float's spikes: what it does differently then is its own
// rounding, and its potential must keep within its stated bound until it first fires otherwise. Deliberately not here:
// tables and pages of it (cli/).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "conversion/fixed/fixed.hpp"

namespace syn::fixed {

struct Trains {  // two sets of spike trains
  std::uint64_t in_float = 0, in_integers = 0;
  std::uint64_t coincident = 0;   // same neuron, same step
  std::uint64_t count_error = 0;  // sum over samples and neurons of |number of spikes - number of spikes|
  std::optional<std::uint64_t> first_divergence;  // the earliest step of any sample in which a neuron differs

  // 1: the same trains; 0: no spike in common. Twice the coincident over all.
  double coincidence() const {
    const std::uint64_t all = in_float + in_integers;
    return all == 0 ? 1 : 2.0 * static_cast<double>(coincident) / static_cast<double>(all);
  }
};

struct PopulationDistance {
  std::uint32_t place = 0;  // index in Fixed::places
  Trains whole;             // in the whole network
  Trains alone;             // given float's spikes
  // Of the population alone, until each neuron first fires otherwise, in float's unit. Absent: float records peaks.
  std::optional<double> potential_error;
  double bound_share = 0;  // the greatest share of its bound that any neuron's error took; above 1 would be a bug
  double bound = 0;        // the greatest of its neurons'
};

struct OutputDistance {
  std::uint32_t port = 0;  // index in the float model's outputs
  Trains trains;           // where it spikes
  double value_error = 0;  // where it hands on numbers: the greatest difference after the last step
  std::uint64_t samples = 0,
                agreeing = 0;  // by class: most spikes, or the greatest last value; the lowest index on a tie
};

struct Distance {
  std::uint64_t samples = 0, steps = 0, clipped = 0;  // of a sample; input numbers beyond their code
  std::vector<PopulationDistance> populations;
  std::vector<OutputDistance> outputs;
  std::uint64_t integer_digest = 0;  // of all counts of the integer runs
};

class Comparison {
 public:
  // `fixed` must have come from to_integer(model, ...), and outlive this.
  static Expected<Comparison> make(const snn::real::Model& model, const Fixed& fixed);
  // One sample: for each input steps x neurons, `steps` at most the model's.
  Expected<> add(std::span<const std::span<const float>> inputs, std::uint32_t steps);
  const Distance& distance() const;

  Comparison(Comparison&&) noexcept;
  Comparison& operator=(Comparison&&) noexcept;
  ~Comparison();

 private:
  struct Impl;
  explicit Comparison(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace syn::fixed
