// The probes of the reference table: loops without vectors of ours, for whatever the compiler makes of them.
#pragma once

#include "bench/kernels/probes.hpp"

namespace syn::bench::plain {

Probes probes();
void scatter(const Scatter& layer, const std::uint16_t* counts, std::int32_t* sums);

}  // namespace syn::bench::plain
