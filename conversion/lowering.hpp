// The structure of a spiking network, before any number is known: which nodes of a folded graph become which
// population. Private to conversion/. Deliberately not here: weights and thresholds (convert.cpp).
#pragma once

#include <string>
#include <vector>

#include "conversion/ann/graph.hpp"
#include "conversion/ann/shapes.hpp"
#include "core/error.hpp"
#include "snn/model.hpp"

namespace syn {

struct LoweredLayer {
  enum class Kind : std::uint8_t { spiking, pooled, readout };
  Kind kind = Kind::spiking;
  std::string name;
  std::size_t from = 0;  // population that it reads: 0 is the source, i is layer i - 1
  snn::Shape shape;
  std::size_t synapse = 0;         // index of the Conv, Gemm or pooling in graph.nodes
  std::vector<std::size_t> nodes;  // indices of all nodes from the read population's value to this one's, in order
  std::string value;               // of the graph, that holds this population's activation
};
struct Lowered {
  std::string source;  // name of the input population
  snn::Shape source_shape;
  std::vector<LoweredLayer> layers;  // in topological order; the last is the readout
  std::vector<std::string> remarks;
};

// `graph` is folded. `image` is the shape of the data, for a network that takes flat vectors. Refuses by name what has
// no place yet: a Conv or Gemm that no Relu follows, groups, dilated pooling.
Expected<Lowered> lower(const ann::Graph& graph, const snn::Shape& image);

}  // namespace syn
