// Judges a graph and lays it out: subgraphs dissolved, every node with its shapes, every edge with the step it reads.
// Refused by name: edges from or to nowhere, nodes that nothing feeds, shapes that do not meet, parameters that do not
// spread over their population, sizes below one or above 2^24, and cycles that neither a neuron nor a Delay is in.
//
// NIR has no order of evaluation. Ours: depth first from the inputs, names in ascending order; an edge back to a node
// that is still open closes a cycle and carries the previous step's value. A Delay above zero opens its cycle itself.
#pragma once

#include <cstddef>
#include <vector>

#include "conversion/nir/graph.hpp"
#include "core/error.hpp"

namespace syn::nir {

struct Shapes {
  struct Place {
    std::string name;            // "rnn/lif" for the node `lif` of the subgraph `rnn`
    const Node* node = nullptr;  // in the graph given to check(), never a subgraph
    Shape in, out;
  };
  struct Link {
    std::size_t from = 0, to = 0;  // places
    bool back = false;             // reads the previous step
  };
  std::vector<Place> places;  // in order of evaluation; Inputs and Outputs of subgraphs pass on what they get
  std::vector<Link> links;    // each once
  std::vector<std::size_t> inputs, outputs;  // of the whole graph, in order of their names
};

// Valid as long as `graph` lives and does not change.
Expected<Shapes> check(const Graph& graph, const std::string& where = "the NIR graph");

std::int64_t elements(const Shape& shape);
std::string to_text(const Shape& shape);  // "2 x 34 x 34"
Shape shape_of(const Tensor& tensor);
bool neuron(const Node& node);  // has state: I, IF, LI, LIF, CubaLI, CubaLIF
// A Delay of which every element is above zero.
bool delays(const Node& node);

// The values of a parameter for each element of a population, spread as NumPy does (one number; equal axes from the
// last; axes of one). Only for pairs that check() took.
std::vector<double> spread(const Tensor& parameter, const Shape& population);

}  // namespace syn::nir
