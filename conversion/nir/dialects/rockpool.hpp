// Rockpool, as LIFTorch steps: i = beta (i + x), v = alpha v + i, exponential decays, spikes as many as the threshold
// goes into the potential, subtraction. CubaLIF and LI carry gains of 1 whatever r and w_in say (its export puts
// tau exp(-dt/tau)/dt into r and nothing into w_in); LIF has NIR's r dt/tau, as in the published trace.
#pragma once

#include "conversion/nir/dialect.hpp"

namespace syn::nir {
inline constexpr Rules kRockpool{
    .name = "rockpool",
    .sentence =
        "decay exp(-dt/tau), LIF's input r dt/tau, CubaLIF's and LI's 1; >= threshold, several spikes a step; "
        "subtraction",
    .integration = snn::real::Integration::unnormalised_exponential,
    .synapse_order = snn::real::InputOrder::before_decay,
    .leaky_order = snn::real::InputOrder::before_decay,
    .li_gain = Gain::one,
    .cuba_gain = Gain::one,
    .comparison = snn::real::Comparison::greater_or_equal,
    .reset = snn::real::Reset::subtract,
    .if_reset = snn::real::Reset::subtract,
    .most = snn::real::kManySpikes,
};
}  // namespace syn::nir
