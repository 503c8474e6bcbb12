// Where production's Random starts: a seed from the operating system (libsodium). Simulations state theirs.
#pragma once

#include "core/random.hpp"

namespace syn {

std::uint64_t random_seed();
inline SeededRandom seeded_random() {
  return SeededRandom(random_seed());
}

}  // namespace syn
