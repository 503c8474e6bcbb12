// Narrow sums by ARM's dot product of bytes (ARMv8.2 on: Raspberry Pi 5), which the baseline does not have.
// Internal to kernels/.
#pragma once

#include "snn/kernels/kernels.hpp"

namespace syn::snn::kernels::neon_dot {

bool is_here();  // whether this processor has it
void add_events(const Band& band, std::int32_t* sums);
void add_dense(const Band& band, std::int32_t* sums);

}  // namespace syn::snn::kernels::neon_dot
