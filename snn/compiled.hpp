// A model made ready to run: one stage a population, with everything that can be known before the first spike.
// Internal to snn/ (engine.cpp runs it).
#pragma once

#include <algorithm>
#include <limits>
#include <optional>

#include "snn/channelwise.hpp"
#include "snn/layers.hpp"
#include "snn/leaky.hpp"
#include "snn/linear.hpp"
#include "snn/model.hpp"

namespace syn::snn {

struct Input {  // one projection into a stage
  std::uint32_t from = 0, delay = 0;
  const Connection* connection = nullptr;
  int linear = -1;                       // index in Compiled::linears, or -1
  int channelwise = -1;                  // index in Compiled::channelwise, or -1; both -1: pooling
  std::size_t copy_at = 0, rows_at = 0;  // its regions of the scratch, while its stage runs
};

struct Stage {  // one population
  const Population* population = nullptr;
  std::vector<Input> inputs;
  int source = -1;              // index in Window::in
  bool pixels = false;          // a source that is coded here, not another shard's counts
  bool padded = false;          // a source whose border reads something else than zero
  int output = -1;              // index in Window::out
  int state = -1;               // index in State::values
  std::uint64_t products = 0;   // multiply-adds of a row, were no count zero
  std::size_t splits = 1;       // into how many parts it can be computed: bands, or tiles of outputs
  bool splits_outputs = false;  // the latter
  int line = -1;                // index in State::lines
  std::size_t line_rows = 0;
  std::size_t neurons = 0;
  std::size_t band = 0;           // neurons of one row of positions
  std::size_t bands_at_once = 1;  // for so many there is memory for sums
  std::size_t counts_at = 0;      // of a block of one row: where its counts are
  // What sums begin with, of every band, or of one where they are alike: the neurons' bias, and half a threshold where
  // counts are rounded.
  LineVector<std::int32_t> bias;
  std::size_t bias_stride = 0;                // from one band's to the next one's
  bool biased = false;                        // some neuron's bias is not zero
  LineVector<std::int32_t> threshold, limit;  // of one band
  LineVector<float> reciprocal;
  std::optional<LeakyNeurons> leaky;
  LineVector<float> half;  // empty: thresholds are too great for small volleys
  // kernels::ShortVolley's; empty: thresholds are too great for it, or (short_start) biases.
  LineVector<std::int16_t> short_start;
  LineVector<std::uint16_t> short_multiplier, short_power;
  // Keys of the checksum: of blocks, where counts are small and this is no slice; else of every neuron. All empty:
  // takes no part in it.
  std::vector<std::uint64_t> block_keys;
  std::vector<std::uint32_t> key_low, key_high;
  kernels::Spikes spikes = kernels::Spikes::counts;
  LineVector<std::uint16_t> small_fan_out;  // of every neuron, or
  std::vector<std::uint32_t> fan_out;       // where one is not small
  bool has_small_keys() const { return !block_keys.empty(); }
  bool has_keys() const { return has_small_keys() || !key_low.empty(); }
  // From neuron `first` on; has_small_keys().
  kernels::PlaceKeys keys(std::size_t first) const;
  bool has_fan_out() const { return !small_fan_out.empty() || !fan_out.empty(); }
};

// What the linear projections into one stage take: copies (bytes) and rows of all of them, events, single ones,
// starts and scattered sums of one.
struct ListRoom {
  std::size_t events = 0, singles = 0, starts = 0, scattered = 0, copies = 0, rows = 0;

  void widen(const ListRoom& other) {
    events = std::max(events, other.events);
    singles = std::max(singles, other.singles);
    starts = std::max(starts, other.starts);
    scattered = std::max(scattered, other.scattered);
    copies = std::max(copies, other.copies);
    rows = std::max(rows, other.rows);
  }
};

struct Compiled {
  Compiled(Model m, const kernels::Table& kernels);  // must obey rules.hpp
  Compiled(const Compiled&) = delete;

  Model model;
  std::vector<Linear> linears;
  std::vector<Channelwise> channelwise;
  std::vector<Stage> stages;
  std::size_t sources = 0, outputs = 0;
  int readout = -1;
  std::vector<std::size_t> state_sizes;
  std::size_t lines = 0;
  // Rows that may be run layer by layer: no more than the shortest delay that leads back.
  std::size_t most_rows = std::numeric_limits<std::size_t>::max();
  // What a call needs, in elements: counts of all computed populations for one row, and the largest stage's regions.
  std::size_t counts = 0, band = 0;
  ListRoom room, room_at_most;  // the latter on any machine

  std::uint64_t resident_bytes() const;  // at most: the same on every machine

 private:
  void add_inputs(Stage& stage, std::uint32_t index, const kernels::Table& kernels);
  void add_neurons(Stage& stage);
  void add_firing(Stage& stage, const IntegrateAndFire& fire);
  void add_short_volley(Stage& stage, const IntegrateAndFire& fire);
  void add_keys(Stage& stage);
  void add_state(Stage& stage);
  void add_splits(Stage& stage);
};

}  // namespace syn::snn
