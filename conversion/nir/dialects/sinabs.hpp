// sinabs, as sinabs/nir.py builds it: exponential decay, input not normalised by it, spikes as many as the threshold
// goes into the potential, subtraction. r is overlooked. Its tau counts steps: with --dt 1 a file of its own export is
// read as it was written; a file in seconds wants its dt. It has no CubaLIF; ours then
// is the same with r. Not followed: the clamp of IF's potential at -threshold.
#pragma once

#include "conversion/nir/dialect.hpp"

namespace syn::nir {
inline constexpr Rules kSinabs{
    .name = "sinabs",
    .sentence = "decay exp(-dt/tau), input dt/tau; >= threshold, several spikes a step; subtraction; r is taken as 1",
    .integration = snn::real::Integration::unnormalised_exponential,
    .synapse_order = snn::real::InputOrder::before_decay,
    .charge = Charge::one,
    .lif_gain = Gain::r_is_one,
    .li_gain = Gain::r_is_one,
    .comparison = snn::real::Comparison::greater_or_equal,
    .reset = snn::real::Reset::subtract,
    .if_reset = snn::real::Reset::subtract,
    .most = snn::real::kManySpikes,
};
}  // namespace syn::nir
