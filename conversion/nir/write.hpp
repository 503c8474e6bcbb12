// Writes NIR files field by field as the Python package `nir` 1.x does, so that it and everything built on it reads
// them. Its reader insists on more than NIR's text does: parameters of one shape for a population, the `input_shape` of
// convolutions, the `input_type` of Flatten; these are filled in from the shapes of check().
#pragma once

#include "conversion/nir/graph.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::nir {

inline constexpr const char* kVersion = "1.0.6";  // written for a graph without one

// The graph with all of that filled in. Doing it twice changes nothing. Fails as check() does.
Expected<Graph> completed(const Graph& graph);

// read() gives back completed(graph).
Expected<Bytes> write(const Graph& graph);

}  // namespace syn::nir
