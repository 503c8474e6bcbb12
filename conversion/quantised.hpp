// Recognises clip-floor-shift activations: theta * clip(floor(x L / theta + 1/2) / L, 0, 1), which files spell as Div,
// Mul, Add, Floor, Clip in several orders. Private to conversion/. Deliberately not here: converting them.
#pragma once

#include "conversion/graph_edit.hpp"

namespace syn {

// Replaces every chain around a Floor that computes a QuantisedRelu by that node. What is spelled otherwise stays, and
// lowering refuses the Floor by name.
Expected<> recognise_quantised(GraphEdit& edit);

}  // namespace syn
