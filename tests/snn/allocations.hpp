// How often this executable has asked for memory, for tests that claim none is taken.
#pragma once

#include <cstdint>

namespace syn::snn::testing {

// False under a sanitizer, which owns the allocation functions itself: then nothing is counted.
bool counts_allocations();
std::uint64_t allocations();

}  // namespace syn::snn::testing
