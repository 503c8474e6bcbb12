// SpikingJelly, as its nir_exchange builds it: IFNode and LIFNode by forward Euler, firing at the threshold itself
// (its Heaviside step is 1 at 0), hard reset. IF has no dt: its import insists on r = 1/dt.
#pragma once

#include "conversion/nir/dialect.hpp"

namespace syn::nir {
inline constexpr Rules kSpikingjelly{
    .name = "spikingjelly",
    .sentence = "forward Euler; >= threshold; reset to v_reset in the same step; IF needs r = 1/dt",
    .charge = Charge::r_dt_is_1,
    .comparison = snn::real::Comparison::greater_or_equal,
};
}  // namespace syn::nir
