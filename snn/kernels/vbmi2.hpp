// Lists of single bytes by AVX-512's compression of 16-bit lanes, which Highway 1.0.3 does not have: for processors
// that say so. Internal to kernels/.
#pragma once

#include "snn/kernels/kernels.hpp"

namespace syn::snn::kernels::vbmi2 {

void list_singles(std::span<const CountRow> rows, const CountPixels& pixels, const SingleList& list);

}  // namespace syn::snn::kernels::vbmi2
