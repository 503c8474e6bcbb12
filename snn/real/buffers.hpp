// What an engine works in during a step, and the step of each population. Between steps only two things stand here that
// matter: sums of populations in place stand at their starts, and bitmaps tell which entries of rows beside them are
// not 0. Internal to snn/real.
#pragma once

#include <vector>

#include "core/compute.hpp"
#include "core/lines.hpp"
#include "snn/real/compiled.hpp"
#include "snn/real/engine.hpp"

namespace syn::snn::real {

class Buffers {
 public:
  explicit Buffers(const Compiled& compiled);

  // Delayed events, complete when a step begins.
  void list_delayed(const State& state);
  // One population's step; false if a number it was given or has come to is not finite. `in`: of an input, its row.
  bool step(State& state, std::uint32_t population, const float* in, Work& work);
  // This step's outputs, one number a neuron.
  void copy_output(const State& state, std::uint32_t population, double* to) const;

  std::uint64_t bytes() const;

 private:
  struct List {
    std::vector<std::uint32_t> index;
    std::vector<double> value;
    std::size_t count = 0;
    bool all = true;  // none that came to 0 was left out
    Events events() const { return {index.data(), value.data(), count}; }
  };

  std::size_t slot(const State& state, const CompiledPopulation& p, std::uint64_t delay) const;
  const double* row(const State& state, const CompiledPopulation& p, std::uint64_t delay) const;
  double* row(State& state, const CompiledPopulation& p);
  std::uint64_t* bits(State& state, const CompiledPopulation& p);
  const std::uint64_t* bits(const State& state, const CompiledPopulation& p, std::uint64_t delay) const;

  Reading reading(const State& state, const CompiledProjection& projection) const;
  double* input(const State& state, const CompiledPopulation& p, Work& work);
  void clear(State& state, const CompiledPopulation& p, const List& now);
  void keep(State& state, const CompiledPopulation& p, const List& now);
  void values_of(const CompiledPopulation& p, const double* row, List& list) const;
  bool feed(const float* in, std::size_t n, List& now) const;
  bool pool(State& state, const CompiledPopulation& p, List& now, Work& work);
  void sort(const CompiledPopulation& p, std::size_t fired, List& now);
  bool membrane(State& state, const CompiledPopulation& p, List& now, Work& work);

  const Compiled& compiled_;
  std::vector<List> lists_;
  LineVector<double> rows_, sums_, sum_, part_, scratch_;
  std::vector<std::uint64_t> bits_;
  std::vector<std::uint32_t> fired_, first_of_;  // channel-last; of each channel
  std::vector<double> spikes_;
};

}  // namespace syn::snn::real
