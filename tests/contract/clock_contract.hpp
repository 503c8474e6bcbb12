// What every Clock owes its users (real_clock_test.cpp, sim_clock_test.cpp). `make()` returns an owner, dereferenced
// with *, of
//
//   struct World {
//     Clock& clock();
//     void destroy_clock();              // with calls pending
//     bool run_until(std::move_only_function<bool()> done, Duration limit);  // false: not within `limit`
//   };
#pragma once

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"

namespace syn::contract {

template <class Make>
void clock_contract(Make make) {
  using namespace std::chrono_literals;
  constexpr Duration kLimit = 20s;
  auto owner = make();
  auto& world = *owner;
  Clock& clock = world.clock();
  std::string trace;
  const auto note = [&](char c) { return [&trace, c] { trace += c; }; };

  SUBCASE("calls come in order of time, and those of one instant in the order of asking") {
    const Instant at = clock.now() + 20ms;
    const Timer d = clock.call_at(at + 1ms, note('d'));
    std::vector<Timer> same;
    for (const char c : {'a', 'b', 'c'}) same.push_back(clock.call_at(at, note(c)));
    const Timer first = clock.call_at(at + -1ms, note('1'));
    CHECK(trace.empty());
    REQUIRE(world.run_until([&] { return trace.size() == 5; }, kLimit));
    CHECK(trace == "1abcd");
  }

  SUBCASE("a call is never early, never inline, and what is overdue runs soon") {
    const Instant at = clock.now() + 5ms;
    Instant ran;
    const Timer later = clock.call_at(at, [&] { ran = clock.now(); });
    const Timer overdue = clock.call_at(clock.now() + -1h, note('o'));
    CHECK(trace.empty());
    REQUIRE(world.run_until([&] { return ran.ns != 0; }, kLimit));
    CHECK(ran >= at);
    CHECK(trace == "o");
  }

  SUBCASE("destroying or resetting a timer cancels its call, replacing it too") {
    Timer replaced = clock.call_in(1ms, note('x'));
    replaced = clock.call_in(2ms, note('r'));
    Timer reset = clock.call_in(1ms, note('x'));
    reset.reset();
    CHECK_FALSE(reset);
    { const Timer gone = clock.call_in(1ms, note('x')); }
    const Timer end = clock.call_in(3ms, note('e'));
    REQUIRE(world.run_until([&] { return trace.ends_with('e'); }, kLimit));
    CHECK(trace == "re");
  }

  SUBCASE("a callback may destroy its own timer, and that of another call of the same instant") {
    std::optional<Timer> own;
    Timer other;
    const Instant at = clock.now() + 1ms;
    own = clock.call_at(at, [&] {
      own.reset();
      other.reset();
      trace += 'k';
    });
    other = clock.call_at(at, note('x'));
    const Timer end = clock.call_at(at, note('e'));
    REQUIRE(world.run_until([&] { return trace.ends_with('e'); }, kLimit));
    CHECK(trace == "ke");
  }

  SUBCASE("time stands still inside a callback and never goes back") {
    bool still = true, forward = true;
    Instant last = clock.now();
    int rounds = 0;
    Timer timer;
    std::function<void()> tick = [&] {
      const Instant began = clock.now();
      forward = forward && began >= last;
      last = began;
      for (int i = 0; i < 1000; ++i) still = still && clock.now() == began;
      if (++rounds < 20) timer = clock.call_in(Duration(rounds * 1000), [&] { tick(); });
    };
    timer = clock.call_in({}, [&] { tick(); });
    REQUIRE(world.run_until([&] { return rounds == 20; }, kLimit));
    CHECK(still);
    CHECK(forward);
  }

  SUBCASE("a callback that calls itself at once does not shut out the others") {
    bool stop = false;
    Timer busy;
    std::function<void()> again = [&] {
      if (!stop) busy = clock.call_in({}, [&] { again(); });
    };
    again();
    // In simulated time the others' moment comes only if time passes: same instant, asked later.
    const Timer other = clock.call_in({}, [&] { stop = true; });
    CHECK(world.run_until([&] { return stop; }, kLimit));
  }

  SUBCASE("what a callback owns lives until it has run, and is destroyed when it is cancelled") {
    const auto owned = std::make_shared<int>(1);
    Timer ran = clock.call_in(1ms, [owned, &trace] { trace += 'r'; });
    Timer cancelled = clock.call_in(1ms, [owned] {});
    CHECK(owned.use_count() == 3);
    cancelled.reset();
    CHECK(owned.use_count() == 2);
    REQUIRE(world.run_until([&] { return trace == "r"; }, kLimit));
    CHECK(owned.use_count() == 1);
  }

  SUBCASE("a timer may outlive its clock") {
    Timer timer = clock.call_in(1ms, note('x'));
    world.destroy_clock();
    timer.reset();
    CHECK(trace.empty());
  }
}

}  // namespace syn::contract
