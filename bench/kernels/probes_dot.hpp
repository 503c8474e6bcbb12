// The probes of instructions that Highway does not have: four bytes multiplied and added up in 32 bits. Their own file
// for the reason that snn/kernels/vnni.cpp is one. Use only where the processor has them.
#pragma once

#include "bench/kernels/probes.hpp"

namespace syn::bench::dot {

void use(Probes& probes);  // for `narrow`

}  // namespace syn::bench::dot
