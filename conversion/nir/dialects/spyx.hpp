// Spyx: the potential of the step before fires, one step late, and is reset by subtraction after the update.
#pragma once

#include "conversion/nir/dialect.hpp"

namespace syn::nir {
inline constexpr Rules kSpyx{
    .name = "spyx",
    .sentence = "forward Euler; > threshold a step late; subtraction after the update; IF adds r x a step",
    .reset = snn::real::Reset::subtract,
    .if_reset = snn::real::Reset::subtract,
    .order = snn::real::Order::fire_update_reset,
};
}  // namespace syn::nir
