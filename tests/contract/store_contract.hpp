// What every Store owes its users (real_store_test.cpp, sim_store_test.cpp). `make()` returns an owner, dereferenced
// with *, of
//
//   struct World {
//     Store& store();
//     void restart();                    // the node ends and starts again on the same disk; store() is a new one
//     bool run_until(std::move_only_function<bool()> done, Duration limit);  // false: not within `limit`
//   };
#pragma once

#include <doctest/doctest.h>

#include "core/store.hpp"

namespace syn::contract {

template <class Make>
void store_contract(Make make) {
  constexpr Duration kLimit = std::chrono::seconds(20);
  auto owner = make();
  auto& world = *owner;
  int durable = 0;
  const auto done = [&] {
    return [&](Expected<> result) {
      CHECK_MESSAGE(result.has_value(), (result ? "" : result.error().what));
      ++durable;
    };
  };
  const auto wait_for = [&](int n) { return world.run_until([&, n] { return durable == n; }, kLimit); };

  SUBCASE("what was never written is absent") {
    CHECK(world.store().load("term").value() == std::nullopt);
    CHECK(world.store().records("history").value().empty());
  }

  SUBCASE("a value is the last one written, over restarts; done is never inline") {
    world.store().replace("term", {1, 2, 3}, done());
    CHECK(durable == 0);
    REQUIRE(wait_for(1));
    CHECK(world.store().load("term").value() == Bytes{1, 2, 3});
    world.store().replace("term", {}, done());
    world.store().replace("term", {9}, done());
    world.store().replace("other.name-1_", Bytes(100'000, 5), done());
    REQUIRE(wait_for(4));
    world.restart();
    CHECK(world.store().load("term").value() == Bytes{9});
    CHECK(world.store().load("other.name-1_").value() == Bytes(100'000, 5));
    world.store().replace("term", {}, done());
    REQUIRE(wait_for(5));
    CHECK(world.store().load("term").value() == Bytes{});
  }

  SUBCASE("records come back in order, over restarts, empty ones too") {
    std::vector<Bytes> expected;
    for (std::uint8_t i = 0; i < 20; ++i) {
      expected.emplace_back(i * 7u, i);
      world.store().append("history", expected.back(), done());
      if (i == 9) {
        REQUIRE(wait_for(10));
        world.restart();
      }
    }
    REQUIRE(wait_for(20));
    CHECK(world.store().records("history").value() == expected);
    world.restart();
    CHECK(world.store().records("history").value() == expected);
    CHECK(world.store().records("histor").value().empty());
  }

  SUBCASE("values and records of one name are two things") {
    world.store().replace("x", {1}, done());
    world.store().append("x", {2}, done());
    REQUIRE(wait_for(2));
    CHECK(world.store().load("x").value() == Bytes{1});
    CHECK(world.store().records("x").value() == std::vector<Bytes>{{2}});
  }
}

}  // namespace syn::contract
