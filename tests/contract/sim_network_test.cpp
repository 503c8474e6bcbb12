#include <doctest/doctest.h>

#include "tests/contract/network_contract.hpp"
#include "tests/contract/sim_pair.hpp"

TEST_CASE("simulated links keep the contract of networks") {
  syn::contract::network_contract(syn::testing::pair);
}
