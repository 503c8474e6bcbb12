// What each primitive makes of a shape. Room-internal; check.hpp is the door.
#pragma once

#include <optional>

#include "conversion/nir/check.hpp"

namespace syn::nir {

// The input shape that the node states by itself, if it does.
std::optional<Shape> stated_input(const Node& node);
// The output for this input, or why there is none ("its input is 3 x 4, its weight takes 12").
std::expected<Shape, std::string> output_shape(const Node& node, const Shape& in);

}  // namespace syn::nir
