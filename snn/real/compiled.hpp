// A model made ready to run: which populations hand on events and which whole rows, where each keeps what in a State
// and in the Buffers of an engine, and what is read of whom. Internal to snn/real.
//
// Rows of numbers are the general case. What is mostly zero is never written as a row unless somebody reads it as one:
// inputs, integrate-and-fire in one pass, pools and flattenings hand on lists of events; of steps that a delay still
// needs they keep bitmaps, and rows where a spike can be other than 1.
#pragma once

#include <memory>
#include <vector>

#include "snn/real/neurons/steps.hpp"
#include "snn/real/synapses.hpp"

namespace syn::snn::real {

enum class Way : std::uint8_t {
  fed,       // an input: events of what it is given
  passed,    // a relay behind an Identity: its source's events
  pooled,    // a relay behind a Pool: events
  membrane,  // integrate-and-fire in one pass: events
  stepped,   // any other kind of neurons: a row
  relayed,   // any other relay: a row
};
constexpr bool hands_on_events(Way way) {
  return way < Way::stepped;
}

struct CompiledProjection {
  std::uint32_t from, delay;
  std::int64_t list = -1;  // index into Compiled::lists; -1: reads rows
  std::unique_ptr<const Synapses> synapses;
};

struct CompiledPopulation {
  Way way = Way::stepped;
  std::size_t neurons = 0;
  std::int64_t input = -1;  // index into Window::in
  std::unique_ptr<const Steps> steps;
  std::unique_ptr<const Pooling> pooling;
  std::vector<CompiledProjection> projections;  // into it, in model order

  // Outputs: ring_rows steps of them, in the State; if only this step's are ever read (1), in the Buffers.
  std::uint64_t ring_rows = 1;
  bool keeps_rows = false, keeps_bits = false;
  bool graded = false;                       // of events: values may be other than 1
  bool listed = false;                       // has a list of this step's events
  std::size_t row = 0, bits = 0, words = 0;  // where; words of one bitmap

  // In State::values. Named ones come first.
  std::size_t variables = 0, variable_count = 0, named = 0;

  // One pass with sums of its own, which stand at `starts` between steps.
  bool in_place = false, starts_alike = false;
  bool marks = false;  // only what was reached, or would fire again, is stepped
  std::vector<double> starts;
  std::size_t sums = 0, awake = 0;  // in the Buffers; in State::awake
  // Channel-last, where the model is channel-first: neuron i's place in the model, channels, and positions of one.
  // Empty: as in the model.
  std::vector<std::uint32_t> place_of;
  std::uint32_t channels = 0;
  Divisor positions;
};

struct Compiled {
  Model model;
  const Loops* loops = nullptr;
  std::vector<CompiledPopulation> populations;
  std::vector<std::uint32_t> order;
  // Events of a step: first one list a population (of this step), then one for each delay with which somebody reads
  // one.
  struct List {
    std::uint32_t population, delay;
  };
  std::vector<List> lists;
  std::size_t state_values = 0, state_bits = 0, state_awake = 0;
  std::size_t buffer_rows = 0, buffer_bits = 0, buffer_sums = 0;

  Compiled(Model checked, const Loops& loops);  // checked: by check()
  std::uint64_t resident_bytes() const;

 private:
  void compile(std::size_t index, std::uint32_t longest_delay);
  void place(CompiledPopulation& p);
  std::int64_t list_of(std::uint32_t population, std::uint32_t delay);
};

}  // namespace syn::snn::real
