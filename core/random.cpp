#include "core/random.hpp"

#include "core/assert.hpp"

namespace syn {

std::uint64_t Random::below(std::uint64_t n) {
  SYN_ASSERT(n > 0);
  __extension__ using Wide = unsigned __int128;
  for (;;) {
    const Wide product = static_cast<Wide>(u64()) * n;
    if (static_cast<std::uint64_t>(product) >= (0 - n) % n) return static_cast<std::uint64_t>(product >> 64);
  }
}

bool Random::chance(double p) {
  return static_cast<double>(u64() >> 11) * 0x1p-53 < p;
}

}  // namespace syn
