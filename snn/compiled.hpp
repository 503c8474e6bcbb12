// A model made ready to run: one stage a population, with everything that can be known before the first spike.
// Internal to snn/ (engine.cpp runs it).
#pragma once

#include "snn/layers.hpp"
#include "snn/model.hpp"

namespace syn::snn {

struct Input {  // one projection into a stage
  std::uint32_t from = 0;
  const Connection* connection = nullptr;
  int linear = -1;                                        // index in Compiled::linears; -1: pooling
  std::size_t events_at = 0, starts_at = 0, copy_at = 0;  // its regions of the scratch, while its stage runs
};

struct Stage {  // one population
  const Population* population = nullptr;
  std::vector<Input> inputs;
  int source = -1;      // index in Window::in
  bool pixels = false;  // a source that is coded here, not another shard's counts
  int output = -1;      // index in Window::out
  int state = -1;       // index in State::values
  std::size_t neurons = 0;
  std::size_t band = 0;                              // neurons of one row of positions
  std::size_t counts_at = 0;                         // of a block of one row: where its counts are
  std::vector<std::int32_t> bias, threshold, limit;  // of one band
  std::vector<float> reciprocal;
  std::vector<std::uint32_t> key_low, key_high;  // of every neuron; empty: takes no part in the checksum
  std::vector<std::uint32_t> fan_out;            // of every neuron
};

struct Compiled {
  explicit Compiled(Model m);  // must obey rules.hpp
  Compiled(const Compiled&) = delete;

  Model model;
  std::vector<Linear> linears;
  std::vector<Stage> stages;
  std::size_t sources = 0, outputs = 0;
  int readout = -1;
  std::vector<std::size_t> state_sizes;
  // What a call needs, in elements: counts of all computed populations for one row, and the largest stage's regions.
  std::size_t counts = 0, events = 0, starts = 0, copies = 0, band = 0;

  std::uint64_t resident_bytes() const;

 private:
  void add_inputs(Stage& stage, std::uint32_t index);
  void add_neurons(Stage& stage);
  void add_keys(Stage& stage);
  void add_state(Stage& stage);
};

}  // namespace syn::snn
