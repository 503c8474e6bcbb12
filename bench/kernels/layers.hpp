// One layer with its neurons and one kind of input, run by the engine's own code: as it chooses, and with the choice
// between events (words), singles and dense made for it; and what is left of the time when nothing is multiplied.
// Deliberately not here: single kernels without weights (small.hpp), what the figures are held against (bounds.hpp).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/kernels/bounds.hpp"
#include "snn/kernels/kernels.hpp"
#include "snn/model.hpp"

namespace syn::bench {

struct LayerSpec {
  std::string name;
  snn::Shape from, to;
  snn::Connection connection;  // its weights are made here
  bool naive = false;          // also as Scatter, which is 3 x 3, stride 1, padding 1
};

struct InputSpec {
  std::uint32_t greatest = 1;  // counts are 0, or 1 to `greatest`, evenly
  double rate = 0.1;           // of counts that are not zero, 0..1
  bool operator==(const InputSpec&) const = default;
};
std::string name_of(const InputSpec& input);  // "binary 10 %"

// Convolution 14 x 14 x 32 -> 64, 3 x 3: the layer that the figures are about.
LayerSpec main_layer();
std::vector<LayerSpec> other_layers();

struct LayerLine {
  std::string layer;
  InputSpec input;
  // Of an input, on average.
  double events = 0;      // counts that are not zero
  double synops = 0;      // of them with weights that are not zero
  double macs = 0;        // all weights at all places, those in the border too
  double dense_macs = 0;  // of whole words, rows in the border and silent ones left out: what a dense kernel multiplies
  double word_macs = 0;   // of words that are not zero, whole words and padded outputs: what an event kernel multiplies
  double single_macs = 0;  // of single counts, padded outputs
  bool linear = false;     // convolution or dense: the only ones with a choice
  bool narrow = false;
  std::size_t weight_bytes = 0, single_weight_bytes = 0, sum_bytes = 0;  // packed; of all neurons
  // Nanoseconds from counts to counts, firing and accounting included. 0: there is no such path.
  Quartiles engine, events_path, singles_path, scattered_path, dense_path, naive_path;
  // The same along the three forced paths with a kernel that does nothing.
  Quartiles events_rest, singles_rest, dense_rest;

  double events_kernel() const;  // what the multiplying alone takes: the difference of the medians
  double singles_kernel() const;
  double dense_kernel() const;
  double best_path() const;  // of events, singles, scattered ones, dense and naive scatter
};

class LayerTimer {
 public:
  LayerTimer(const LayerSpec& layer, const InputSpec& input, const snn::kernels::Table& table);
  LayerTimer(LayerTimer&&) noexcept;
  ~LayerTimer();
  std::vector<Timed*> timed();
  const Timed& engine() const;  // of them: the engine as it chooses
  LayerLine line() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace syn::bench
