// A trained network as the graph that ONNX files, the float reference and conversion know. This room's own header.
#pragma once

#include "conversion/ann/graph.hpp"
#include "conversion/trainer/network.hpp"

namespace syn::train {

// Dropout leaves no node. Values are named after the nodes that make them; the input is "image", the output "scores".
ann::Graph to_graph(const Network& network, const std::string& name);

}  // namespace syn::train
