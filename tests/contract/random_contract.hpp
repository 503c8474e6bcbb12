// What every Random owes its users (real_random_test.cpp, sim_random_test.cpp): `make()` returns an owner, dereferenced
// with *, of a Random.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <set>

#include "core/random.hpp"

namespace syn::contract {

template <class Make>
void random_contract(Make make) {
  auto owner = make();
  Random& random = *owner;

  SUBCASE("numbers do not repeat and have no stuck bit") {
    std::set<std::uint64_t> seen;
    std::uint64_t ones = 0, zeros = 0;
    for (int i = 0; i < 1000; ++i) {
      const std::uint64_t value = random.u64();
      seen.insert(value);
      ones |= value;
      zeros |= ~value;
    }
    CHECK(seen.size() == 1000);
    CHECK(ones == ~std::uint64_t{0});
    CHECK(zeros == ~std::uint64_t{0});
  }

  SUBCASE("below stays below and reaches everything evenly") {
    std::array<int, 6> faces{};
    for (int i = 0; i < 6000; ++i) ++faces[random.below(6)];
    for (const int count : faces) CHECK((count > 800 && count < 1200));  // six standard deviations
    CHECK(random.below(1) == 0);
  }

  SUBCASE("chance keeps to its probability") {
    int hits = 0;
    for (int i = 0; i < 10000; ++i) {
      CHECK_FALSE(random.chance(0.0));
      CHECK(random.chance(1.0));
      hits += random.chance(0.25) ? 1 : 0;
    }
    CHECK((hits > 2200 && hits < 2800));
  }
}

}  // namespace syn::contract
