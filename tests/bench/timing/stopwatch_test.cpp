#include "bench/timing/stopwatch.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace syn::bench {

TEST_CASE("everything is timed in every round, and each round begins with another") {
  std::string order;
  std::vector<Timed> all;
  for (const char name : {'a', 'b', 'c'}) {
    all.push_back({[&order, name](std::size_t) {
      if (order.empty() || order.back() != name) order += name;
    }});
  }
  std::size_t rounds = 0;
  time_all({&all[0], &all[1], &all[2]}, {.rounds = 3, .us = 1}, [&](std::size_t done, std::size_t of) {
    if (done == 0) order.clear();  // what it did to find the length of a lap
    CHECK(of == 3);
    rounds += done < of;
  });
  CHECK(rounds == 3);
  CHECK(order == "abcbcacab");  // a warm-up and a lap of one are written once
}

TEST_CASE("a lap has as many calls as it takes to be long, and a call's time is a share of it") {
  std::size_t most = 0;
  Timed nothing{[&](std::size_t calls) { most = std::max(most, calls); }};
  time_all({&nothing}, {.rounds = 2, .us = 20});
  CHECK(most > 1);
  CHECK(nothing.ns.low >= 0);
  CHECK(nothing.ns.median <= nothing.ns.high);
}

}  // namespace syn::bench
