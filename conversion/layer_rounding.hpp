// The weights of all projections into a layer, refitted and rounded: one unit a channel serves them all. Private to
// conversion/. Deliberately not here: the algebra of it (rounding.hpp).
#pragma once

#include "conversion/real_projection.hpp"
#include "conversion/synapses.hpp"

namespace syn {

// The moments of what each projection reads: one for all its channels, or (depthwise) one a channel; none where there
// is no sample. Refits the weights if `rounding` says so, and brings the bias (per channel) to where the float
// network's mean sum stays.
std::vector<std::vector<Moments>> learn(std::span<RealProjection> projections, std::span<double> bias,
                                        const Rounding& rounding);

// Rounds all weights. Where there are moments, by what sums lose: the unit, too, may become smaller if that serves the
// sum, clipping the greatest weights; and the mean of what sums lose all the same goes into the bias. `one_unit`: all
// channels have the same. Returns what `projections` hold, in their layouts; zeros for identities.
std::vector<std::vector<std::int8_t>> round_weights(std::span<const RealProjection> projections,
                                                    std::span<const std::vector<Moments>> moments,
                                                    std::span<double> unit, bool one_unit, std::span<double> bias,
                                                    const Rounding& rounding);

}  // namespace syn
