// NIR's own equations, stepped by forward Euler; a spike sets v_reset in its step.
#pragma once

#include "conversion/nir/dialect.hpp"

namespace syn::nir {
inline constexpr Rules kNirEuler{
    .name = "nir-euler",
    .sentence = "NIR's equations by forward Euler; > threshold; reset to v_reset in the same step; IF adds r dt x",
    .charge = Charge::r_dt,
};
}  // namespace syn::nir
