// Nengo, as NIR's authors build it: nengo.LIF without refractory time (exponential Euler), an IF that adds its input,
// Lowpass for LI. Not followed: nengo.LIF's clamp of the potential at 0 from below.
#pragma once

#include "conversion/nir/dialect.hpp"

namespace syn::nir {
inline constexpr Rules kNengo{
    .name = "nengo",
    .sentence = "exponential Euler; > threshold; reset to v_reset in the same step; IF adds r x a step",
    .integration = snn::real::Integration::exponential_euler,
};
}  // namespace syn::nir
