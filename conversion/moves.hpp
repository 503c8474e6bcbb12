// Rewrites that keep the function and bring a graph closer to what lowering expects: nothing that does nothing, every
// activation directly behind what it rectifies, padding inside the convolution or pooling that follows. Private to
// conversion/. Deliberately not here: folding BatchNormalization (fold.cpp).
#pragma once

#include "conversion/graph_edit.hpp"

namespace syn {

// Tries its rules on node i; true if the graph changed. Needs a refresh()ed edit, and leaves it stale.
bool move_node(GraphEdit& edit, std::size_t i);

}  // namespace syn
