// Everything that is measured with one table of kernels, in the same rounds as the bounds that it is held against.
// Deliberately not here: what was asked for (figures.hpp), print (text.hpp).
#pragma once

#include <string>
#include <vector>

#include "bench/kernels/bounds.hpp"
#include "bench/kernels/fit.hpp"
#include "bench/kernels/layers.hpp"
#include "bench/kernels/small.hpp"

namespace syn::bench {

inline constexpr double kFitTo = 0.3;  // the greatest rate of spikes that is asked about

// What the cost of the main layer follows, from 0.1 to 30 % of binary spikes: ns = a + b * events.
struct CostByEvents {
  // What a call takes at 0.1 % when nothing is multiplied: copying, looking for events, firing, accounting.
  double update = 0;
  Line line;  // with a at most `update`
  std::vector<Point> points;
  // What an event takes that is added to potentials in memory (naive_path), and how far the points lie above
  // update + it * events, in shares of that.
  double naive_event = 0, above_naive = 0;
};

struct TableResult {
  std::string table;
  Bounds bounds;
  std::vector<LayerLine> main;    // the main layer over all its inputs
  std::vector<LayerLine> others;  // other layers
  std::vector<SmallLine> small;
  CostByEvents cost;
  Quartiles silent_step, silent_handing_on;  // ns (silent.hpp)
  std::size_t silent_neurons = 0;

  const LayerLine* main_at(const InputSpec& input) const;  // null: not measured
};

// Rates of binary spikes and of graded counts that the main layer is measured with.
std::vector<InputSpec> main_inputs();

CostByEvents cost_by_events(const std::vector<LayerLine>& main);

TableResult measure(const snn::kernels::Table& table, const CacheSizes& caches, const Pace& pace,
                    const Progress& progress = {});

// What a line is held against, in seconds: the least time that its bound allows, 0 where there is none, and its name.
struct Held {
  double seconds = 0;
  const char* bound = "-";
};
Held events_bound(const LayerLine& line, const Bounds& bounds, const CacheSizes& caches);
Held singles_bound(const LayerLine& line, const Bounds& bounds, const CacheSizes& caches);
Held dense_bound(const LayerLine& line, const Bounds& bounds);
// All synaptic operations at the rate at which 32-bit sums in L1 can be loaded, added to and stored. (The sums that one
// event reaches lie in three rows, which L1 holds whatever the size of all.)
Held scatter_bound(const LayerLine& line, const Bounds& bounds);

}  // namespace syn::bench
