// The linear terms of a population as integer projections: amplitudes folded in, one unit a target channel over all of
// them, weights quantised and laid out channel-last (rules 1, 2, 5, 6, 7; Flatten becomes a permutation, Concat one
// projection a part). Private to conversion/.
#pragma once

#include <functional>
#include <vector>

#include "conversion/ann/graph.hpp"
#include "conversion/rounding.hpp"
#include "core/error.hpp"
#include "snn/model.hpp"

namespace syn {

// A population that is read. Pixels may have a zero point: the count that stands for 0; empty: 0.
struct Reads {
  std::uint32_t index;
  const snn::Population& population;
  const std::vector<double>& zero;
};

// gain * node(factor * x + shift); empty vectors: 1, 0 and 1.
struct Term {
  const ann::Node* node;  // Conv or Gemm; null: the identity
  std::vector<Reads> parts;
  const std::vector<double>&factor, &shift;  // per channel of the parts, one part behind the other
  const std::vector<double>& gain;           // per channel of the target
};

struct Synapses {
  std::vector<snn::Projection> projections;  // `to` is 0
  std::vector<double> unit;                  // u_o
  std::vector<std::int32_t> bias;            // B_o, inside
  // What comes to the channel's bias at each neuron, where padding takes the place of inputs whose 0 is not a count of
  // 0; empty: nothing anywhere.
  std::vector<std::int32_t> border;
  std::uint64_t weight_count = 0;
};
// How weights are rounded: one by one (rule 1), or by what they do to sums over calibration images.
struct Rounding {
  // What a projection reads; it has no weights yet. Not given, or an empty sample: rule 1.
  std::function<Patches(std::uint32_t from, const snn::Connection& connection)> sample;
  bool refit = false;  // first moves the weights to where they undo the errors of the counts that they read
  // What a count of each channel will say, where that is known: its unit then goes into it a whole number of times.
  std::vector<double> count_value = {};
  std::uint32_t threads = 1;
};
// `shift`: per channel, or empty. `place` names the population for errors.
Expected<Synapses> make_synapses(std::span<const Term> terms, const std::vector<double>& shift, const snn::Shape& to,
                                 bool readout, const Rounding& rounding, const std::string& place);

struct PoolProjection {
  snn::Projection projection;
  std::uint32_t greatest = 1;
  std::vector<double> amplitude, zero;
};
Expected<PoolProjection> make_pool(const ann::Node& node, const Reads& reads, const snn::Shape& to);

}  // namespace syn
