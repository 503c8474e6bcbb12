#include "core/random.hpp"

#include <doctest/doctest.h>

#include <array>
#include <set>

namespace syn {

TEST_CASE("one seed gives one sequence, and another seed another") {
  SeededRandom a(1), b(1), c(2);
  int equal = 0;
  for (int i = 0; i < 100; ++i) {
    const auto value = a.u64();
    CHECK(value == b.u64());
    equal += value == c.u64();
  }
  CHECK(equal == 0);
}

TEST_CASE("hash64 is the published finaliser, so that digests stay what they were") {
  CHECK(hash64(std::uint64_t{0}) == 0xe220a8397b1dcdaf);                   // SplitMix64's first number from seed 0
  CHECK(hash64(std::uint64_t{0x9e3779b97f4a7c15}) == 0x6e789e6aa1b965f4);  // and its second
  static_assert(hash64(std::string_view("conv1")) != hash64(std::string_view("conv2")));
}

TEST_CASE("below stays below and meets every value about equally often") {
  SeededRandom random(3);
  std::array<int, 7> seen{};
  for (int i = 0; i < 70'000; ++i) ++seen.at(random.below(7));
  for (const int n : seen) CHECK(n == doctest::Approx(10'000).epsilon(0.05));
  CHECK(random.below(1) == 0);
  for (int i = 0; i < 1000; ++i) CHECK(random.below(0x8000000000000001) <= 0x8000000000000000);
}

TEST_CASE("chance(p) is never at 0, always at 1, and about p between") {
  SeededRandom random(4);
  int hits = 0;
  for (int i = 0; i < 100'000; ++i) {
    CHECK_FALSE(random.chance(0));
    CHECK(random.chance(1));
    hits += random.chance(0.2);
  }
  CHECK(hits == doctest::Approx(20'000).epsilon(0.05));
}

TEST_CASE("a split stream depends on its label and the seed alone, not on what was drawn") {
  SeededRandom drawn(5);
  (void)drawn.u64();
  CHECK(drawn.split("network").u64() == SeededRandom(5).split("network").u64());
  CHECK(SeededRandom(5).split("network").u64() != SeededRandom(5).split("faults").u64());
}

}  // namespace syn
