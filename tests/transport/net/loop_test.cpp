#include "transport/loop.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <thread>

#include "transport/asio_clock.hpp"
#include "transport/stderr_log.hpp"

using namespace syn;
using namespace std::chrono_literals;

TEST_CASE("posted functions run later, in order, from any thread") {
  Loop loop;
  std::string trace;
  loop.post([&] {
    trace += 'a';
    loop.post([&] { trace += 'c'; });
    trace += 'b';
  });
  CHECK(trace.empty());
  REQUIRE(loop.run_until([&] { return trace.size() == 3; }, 20s));
  CHECK(trace == "abc");
  int count = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 100; ++n) loop.post([&] { ++count; });
      });
    }
    REQUIRE(loop.run_until([&] { return count == 400; }, 20s));
  }
  CHECK(count == 400);
}

TEST_CASE("run ends at stop and may be called again; run_until says whether it came about") {
  Loop loop;
  for (int round = 0; round < 3; ++round) {
    int after = 0;
    loop.post([&] { loop.stop(); });
    loop.post([&] { ++after; });
    loop.run();
    CHECK(loop.run_until([&] { return after == 1; }, 20s));
  }
  CHECK_FALSE(loop.run_until([] { return false; }, 1ms));
}

TEST_CASE("a signal becomes an event on the loop, again and again") {
  Loop loop;
  std::vector<int> seen;
  loop.on_signal({SIGUSR1, SIGUSR2}, [&](int number) { seen.push_back(number); });
  ::raise(SIGUSR1);
  CHECK(seen.empty());
  REQUIRE(loop.run_until([&] { return seen.size() == 1; }, 20s));
  ::raise(SIGUSR2);
  REQUIRE(loop.run_until([&] { return seen.size() == 2; }, 20s));
  CHECK(seen == std::vector{SIGUSR1, SIGUSR2});
  int other = 0;
  loop.on_signal({SIGUSR1}, [&](int) { ++other; });
  ::raise(SIGUSR1);
  REQUIRE(loop.run_until([&] { return other == 1; }, 20s));
  CHECK(seen.size() == 2);
}

TEST_CASE("JSON lines are JSON: numbers and flags bare, everything else quoted and escaped") {
  std::string line;
  StderrLog log({.format = StderrLog::Format::json, .least = Level::debug, .node = "pi\"1"},
                [&](std::string_view l) { line = l; });
  log.event(Level::warn, "x", {{"n", 3}, {"f", -1.5e-9}, {"b", true}, {"s", "a\"\\\n\x02"}, {"nan", 0.0 / 0.0}});
  CHECK(line.substr(line.find(",\"level\"")) ==
        ",\"level\":\"warn\",\"event\":\"x\",\"node\":\"pi\\\"1\",\"n\":3,\"f\":-1.5e-09,\"b\":true,"
        "\"s\":\"a\\\"\\\\\\n\\u0002\",\"nan\":\"" +
            line.substr(line.find("\"nan\":\"") + 7));
  CHECK(line.starts_with("{\"time\":\"20"));
  CHECK(line.ends_with("nan\"}\n"));
}
