// Leaky populations made ready to run: their constants laid out for the kernel, their variables in the state, and the
// leaks of silent steps, which are postponed until the population is touched again. Internal to snn/.
// Deliberately not here: the arithmetic of a step (kernels/), when a step is silent (run.cpp).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "snn/kernels/kernels.hpp"
#include "snn/model.hpp"

namespace syn::snn {

class LeakyNeurons {
 public:
  explicit LeakyNeurons(const Population& population);  // one that has a membrane

  // What follows the potentials in the population's state: current, adaptation, steps left of being held.
  std::size_t variables() const { return 1 + current_ + adapts_ + held_; }
  bool biased() const { return biased_; }
  // Whether a silent step changes anything of neurons at rest.
  bool leaks() const { return !keep_.empty() || adapts_ || held_; }
  std::uint64_t resident_bytes() const;

  // Fills the state as it is before step 0; whether it is at rest.
  bool start(std::span<std::int32_t> state) const;
  // One step of `n` neurons of band `y`, from its neuron `at` on.
  kernels::LeakyStepped step(const kernels::Table& kernels, std::size_t y, std::size_t at, std::size_t n,
                             const std::int32_t* sums, std::span<std::int32_t> state, Count* out) const;
  // `times` silent steps of a population at rest: the same single leaks that it would have run. Returns how many.
  std::uint64_t rest(const kernels::Table& kernels, std::uint32_t times, std::span<std::int32_t> state) const;

 private:
  // One value a neuron of a band, or of the population.
  struct Constants {
    std::vector<std::int32_t> values;
    bool per_band = true;
    // Of the population's neuron `first + at`, `first` the first one of a band.
    const std::int32_t* at(std::size_t first, std::size_t at) const {
      return values.empty() ? nullptr : values.data() + (per_band ? 0 : first) + at;
    }
    bool empty() const { return values.empty(); }
  };
  Constants laid_out(const std::vector<std::int32_t>& values) const;
  kernels::LeakyState band(std::span<std::int32_t> state, std::size_t at) const;

  Shape shape_;
  std::size_t neurons_ = 0, row_ = 0;  // of all, of one band
  bool current_ = false, adapts_ = false, held_ = false, biased_ = false;
  Constants keep_, current_keep_, bias_, threshold_, reset_, adaptation_keep_, jump_, start_;
  kernels::LeakyStep step_{};  // without its pointers
};

}  // namespace syn::snn
