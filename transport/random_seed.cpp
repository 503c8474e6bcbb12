#include "transport/random_seed.hpp"

#include <sodium/core.h>
#include <sodium/randombytes.h>

#include "core/assert.hpp"

namespace syn {

std::uint64_t random_seed() {
  SYN_ASSERT(sodium_init() >= 0);
  std::uint64_t seed;
  randombytes_buf(&seed, sizeof seed);
  return seed;
}

}  // namespace syn
