// Narrow sums and tallies by AVX-512's dot products, which Highway 1.0.3 does not have: for processors that say so.
// Internal to kernels/.
#pragma once

#include "snn/kernels/kernels.hpp"

namespace syn::snn::kernels::vnni {

void add_events(const Band& band, std::int32_t* sums);
void add_dense(const Band& band, std::int32_t* sums);
// Table::tally_small, added to `tally`: of whole turns, keys.first and n multiples of kTallyTurn.
void tally_turns(const Count* counts, const PlaceKeys& keys, const std::uint16_t* fan_out, Spikes spikes, std::size_t n,
                 Tally& tally);

}  // namespace syn::snn::kernels::vnni
