// Narrow sums by AVX-512's dot products of bytes, which Highway 1.0.3 does not have, and tallies by those of words, which
// take 1 to 2 % off an inference: for processors that say so.
// Internal to kernels/.
#pragma once

#include "snn/kernels/kernels.hpp"

namespace syn::snn::kernels::vnni {

void add_events(const Band& band, std::int32_t* sums);
void add_dense(const Band& band, std::int32_t* sums);
Tally tally_small(const Count* counts, const PlaceKeys& keys, const std::uint16_t* fan_out, std::size_t n);

}  // namespace syn::snn::kernels::vnni
