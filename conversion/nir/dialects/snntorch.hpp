// snnTorch, as snntorch/import_nir.py builds it: Leaky and Synaptic with beta = 1 - dt/tau and reset_mechanism "zero"
// without delay; IF is Leaky with beta 1 and its default reset, which subtracts. It keeps potentials in units of
// r dt/tau; here they are NIR's. Its import divides the threshold of CubaLIF by w_in on top of w_in's own effect, which
// its export does not undo; that is not followed.
#pragma once

#include "conversion/nir/dialect.hpp"

namespace syn::nir {
inline constexpr Rules kSnntorch{
    .name = "snntorch",
    .sentence = "forward Euler; > threshold; reset to v_reset in the same step, IF by subtraction and adds r x a step",
    .if_reset = snn::real::Reset::subtract,
};
}  // namespace syn::nir
