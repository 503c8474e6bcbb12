#include "snn/metrics.hpp"

#include <doctest/doctest.h>

#include <set>

namespace syn::snn {

TEST_CASE("digits of keys are distinct primes above every small count, so that no two errors of a lane cancel") {
  std::set<int> seen;
  for (const int digit : kPlaceFactors.digit) {
    CHECK(digit >= static_cast<int>(kLeastDigit));
    bool prime = true;
    for (int d = 2; d < 182; ++d) prime = prime && digit % d != 0;  // 182^2 > 2^15
    CHECK(prime);
    CHECK(seen.insert(digit).second);
  }
}

TEST_CASE("keys are odd and distinct, and those of one lane and block differ by their digit alone") {
  constexpr std::uint64_t kPopulation = 77;
  std::set<std::uint64_t> seen;
  for (std::uint64_t neuron = 0; neuron < 20 * kKeyBlock; ++neuron) {
    const std::uint64_t key = count_key(kPopulation, neuron), next = count_key(kPopulation, neuron ^ 1);
    CHECK(key % 2 == 1);
    CHECK(seen.insert(key).second);
    const auto digit = [](std::uint64_t i) { return static_cast<std::uint64_t>(kPlaceFactors.digit[i % kKeyBlock]); };
    CHECK(key * digit(neuron ^ 1) == next * digit(neuron));
  }
}

}  // namespace syn::snn
