// The simulated seams, held to the suites that hold the real ones.
#include <doctest/doctest.h>

#include <memory>

#include "sim/clock.hpp"
#include "tests/contract/clock_contract.hpp"
#include "tests/contract/compute_contract.hpp"
#include "tests/contract/log_contract.hpp"
#include "tests/contract/random_contract.hpp"
#include "tests/contract/sim_pair.hpp"
#include "tests/contract/store_contract.hpp"

using namespace syn;
using namespace syn::testing;

namespace {

struct Manual {
  std::unique_ptr<sim::ManualClock> manual = std::make_unique<sim::ManualClock>();
  Clock& clock() { return *manual; }
  void destroy_clock() { manual.reset(); }
  bool run_until(std::move_only_function<bool()> done, Duration limit) {
    const auto end = manual->now() + limit;
    while (!done()) {
      if (manual->now() > end) return false;
      if (!manual->queue().run_next()) return done();
    }
    return true;
  }
};

}  // namespace

TEST_CASE("a simulated node's clock keeps the contract of clocks") {
  contract::clock_contract(pair);
}
TEST_CASE("the manual clock keeps the contract of clocks") {
  contract::clock_contract([] { return std::make_unique<Manual>(); });
}
TEST_CASE("simulated cores keep the contract of computing") {
  contract::compute_contract(pair);
}
TEST_CASE("a simulated journal keeps the contract of logs") {
  contract::log_contract(pair);
}
TEST_CASE("a simulated disk keeps the contract of stores") {
  contract::store_contract(pair);
}
TEST_CASE("a simulated node's randomness keeps the contract of randomness") {
  contract::random_contract([] {
    auto owner = pair();
    auto* random = &owner->sim->host(kA).random;
    struct Keep {
      std::unique_ptr<Pair> pair;
      Random* random;
      Random& operator*() { return *random; }
    };
    return Keep{std::move(owner), random};
  });
}

TEST_CASE("a write that a power cut interrupts is there whole or not at all, and so are those behind it") {
  int kept = 0, lost = 0;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    const WireCodec codec;
    sim::World world({.seed = seed}, codec);
    Store& store = world.add(kA, "a", DeviceProfile{}).store;
    store.replace("term", Bytes(1000, 1), [](Expected<>) {});
    world.run_for(std::chrono::seconds(1));
    store.replace("term", Bytes(2000, 2), [](Expected<>) { FAIL_CHECK("the node is gone"); });
    store.append("log", Bytes(10, 3), [](Expected<>) { FAIL_CHECK("the node is gone"); });
    world.kill(kA);
    world.run_for(std::chrono::seconds(1));
    world.revive(kA);
    const auto term = store.load("term").value().value();
    const bool whole = term == Bytes(1000, 1) || term == Bytes(2000, 2);
    CHECK(whole);
    const bool second = term == Bytes(2000, 2), record = !store.records("log").value().empty();
    CHECK((second || !record));  // in order
    ++(second ? kept : lost);
  }
  CHECK(kept > 10);  // both happen
  CHECK(lost > 10);
}
