// Narrow sums by AVX-512's dot products of bytes, which Highway 1.0.3 does not have: for processors that say so.
// Internal to kernels/.
#pragma once

#include "snn/kernels/kernels.hpp"

namespace syn::snn::kernels::vnni {

void add_events(const Band& band, std::int32_t* sums);
void add_dense(const Band& band, std::int32_t* sums);

}  // namespace syn::snn::kernels::vnni
