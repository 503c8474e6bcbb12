#include <doctest/doctest.h>

#include <memory>

#include "tests/contract/random_contract.hpp"
#include "transport/random_seed.hpp"

using namespace syn;

TEST_CASE("randomness seeded by the operating system keeps the contract") {
  contract::random_contract([] { return std::make_unique<SeededRandom>(seeded_random()); });
}
TEST_CASE("two starts have two seeds") {
  CHECK(random_seed() != random_seed());
}
