// What every Compute owes its users (real_compute_test.cpp, sim_compute_test.cpp). `make()` returns an owner,
// dereferenced with *, of
//
//   struct World {
//     Compute& compute();
//     void end_node();                   // destroys the Compute, jobs pending or not
//     bool run_until(std::move_only_function<bool()> done, Duration limit);  // false: not within `limit`
//   };
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "core/compute.hpp"

namespace syn::contract {

template <class Make>
void compute_contract(Make make) {
  constexpr Duration kLimit = std::chrono::seconds(20);
  auto owner = make();
  auto& world = *owner;
  Compute& compute = world.compute();

  SUBCASE("the result and its cost come back on the loop, never inline") {
    REQUIRE(compute.threads() >= 1);
    auto state = std::make_unique<std::uint64_t>(20);  // moves into the job; the result comes back through it
    auto* const seen = state.get();
    bool done = false;
    Work cost;
    compute.run(
        [state = std::move(state)] {
          *state += 22;
          return Work{.synaptic_operations = *state, .neuron_updates = 2, .bytes_touched = 3};
        },
        [&](Work work, Duration measured) {
          cost = work;
          done = true;
          CHECK(measured >= Duration::zero());
          CHECK(*seen == 42);  // the job, and what it owns, lives until now
        });
    CHECK_FALSE(done);
    REQUIRE(world.run_until([&] { return done; }, kLimit));
    CHECK(cost == Work{42, 2, 3});
  }

  SUBCASE("every job runs exactly once, and a done may run the next") {
    std::vector<int> results(100, 0);
    int finished = 0;
    std::move_only_function<void(int)> start = [&](int i) {
      compute.run([] { return Work{}; },
                  [&, i](Work, Duration) {
                    ++results[static_cast<std::size_t>(i)];
                    ++finished;
                    if (i < 50) start(i + 50);
                  });
    };
    for (int i = 0; i < 50; ++i) start(i);
    REQUIRE(world.run_until([&] { return finished == 100; }, kLimit));
    CHECK(results == std::vector<int>(100, 1));
  }

  SUBCASE("nothing is called any more once the node has ended") {
    int calls = 0;
    const auto owned = std::make_shared<int>(0);
    for (int i = 0; i < 20; ++i) {
      compute.run([owned] { return Work{}; }, [&calls, owned](Work, Duration) { ++calls; });
    }
    world.end_node();
    const int before = calls;
    world.run_until([] { return false; }, std::chrono::milliseconds(20));
    CHECK(calls == before);
    CHECK(owned.use_count() == 1);  // and nothing is kept
  }
}

}  // namespace syn::contract
