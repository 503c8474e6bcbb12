// A model of the float profile becomes a NIR graph, as far as NIR can say it: its neurons and connections exactly; the
// rules by which they are stepped only as metadata, since NIR has no fields for them. Refused by name: kinds that NIR
// lacks (adaptive LIF, Izhikevich), refractory time, and initial states other than 0.
#pragma once

#include "conversion/nir/graph.hpp"
#include "core/error.hpp"
#include "snn/real/model.hpp"

namespace syn::nir {

// Read back and lowered with the model's dt and dialect, it runs as the model does. A delay of one step in a cycle is
// left out where NIR's own convention (check.hpp) puts it back; all others become Delay nodes.
Expected<Graph> raise(const snn::real::Model& model, const std::string& where);

}  // namespace syn::nir
