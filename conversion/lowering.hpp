// The structure of a spiking network, before any number is known: which nodes of a folded graph become which
// population, and what projects into it. Private to conversion/. Deliberately not here: weights and thresholds
// (synapses.hpp, converter.hpp).
//
// While lowering walks the graph, a value is one of two things: a list of populations, one behind the other along the
// channels (a Concat has no neurons of its own); or a sum of linear terms that waits for its activation (what Conv,
// Gemm, Add and per-channel maps make). The activation turns the sum into a population; whatever else would read a sum
// is an error by name.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "conversion/ann/graph.hpp"
#include "conversion/ann/shapes.hpp"
#include "core/error.hpp"
#include "snn/model.hpp"

namespace syn {

// gain * node(factor * x + shift), x the parts' channels in order. Empty vectors: 1, 0 and 1.
struct LoweredTerm {
  std::optional<std::size_t> node;    // Conv or Gemm, an index in graph.nodes; none: the identity
  std::vector<std::size_t> parts;     // populations: 0 is the source, i is layer i - 1
  std::vector<double> factor, shift;  // per channel read
  std::vector<double> gain;           // per channel of the target
};
struct LoweredLayer {
  enum class Kind : std::uint8_t { spiking, pooled, readout };
  Kind kind = Kind::spiking;
  std::string name;
  snn::Shape shape;
  std::vector<LoweredTerm> terms;                            // spiking and readout
  std::vector<double> shift;                                 // per channel, added to the terms; empty: 0
  double highest = std::numeric_limits<double>::infinity();  // Clip(0, highest)
  const ann::QuantisedRelu* quantised = nullptr;             // its ceilings are known
  std::optional<std::size_t> pool;                           // pooled: the node; it reads terms[0].parts[0]
  std::string value;                                         // of the graph, that holds this population's activation
  std::vector<std::size_t> nodes;                            // that make it from `reads`, in order
  std::vector<std::string> reads;                            // values of populations and the input
};
struct Lowered {
  std::string source;  // name of the input population
  snn::Shape source_shape;
  std::vector<LoweredLayer> layers;  // in topological order; the last is the readout
  std::vector<std::string> remarks;
};

// `graph` is folded and outlives the result. `image` is the shape of the data, for a network that takes flat vectors.
// Refuses by name what has no place: a sum that no activation follows, LeakyRelu, ...
Expected<Lowered> lower(const ann::Graph& graph, const snn::Shape& image);

}  // namespace syn
