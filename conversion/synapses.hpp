// One Conv, Gemm or pooling of the float network as an integer projection: amplitudes folded in, weights quantised and
// laid out channel-last (rules 1, 2, 5, 6; Flatten becomes a permutation). Private to conversion/.
#pragma once

#include <vector>

#include "conversion/ann/graph.hpp"
#include "core/error.hpp"
#include "snn/model.hpp"

namespace syn {

// What a layer reads. Pixels may have a zero point: the count that stands for 0; empty: 0.
struct Reads {
  const snn::Population& population;
  const std::vector<double>& zero;
};

struct Synapses {
  snn::Connection connection;
  std::vector<double> unit;        // u_o
  std::vector<std::int32_t> bias;  // B_o
  std::uint64_t weight_count = 0;
};
Expected<Synapses> make_synapses(const ann::Node& node, const Reads& reads, const snn::Shape& to, bool readout);

struct PoolProjection {
  snn::Connection connection;
  std::uint32_t greatest = 1;
  std::vector<double> amplitude, zero;
};
Expected<PoolProjection> make_pool(const ann::Node& node, const Reads& reads, const snn::Shape& to);

}  // namespace syn
