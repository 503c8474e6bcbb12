// What every Log owes its users (real_log_test.cpp, sim_log_test.cpp). `make()` returns an owner, dereferenced with *,
// of
//
//   struct World {
//     Log& log();                        // keeps everything from Level::info on
//     std::vector<std::string> lines();  // what was kept, one text an event
//   };
#pragma once

#include <doctest/doctest.h>

#include "core/log.hpp"

namespace syn::contract {

template <class Make>
void log_contract(Make make) {
  auto owner = make();
  auto& world = *owner;

  SUBCASE("an event is kept with its name and fields, one entry an event") {
    world.log().event(Level::info, "peer_lost", {{"peer", "pi-3"}, {"silent_ms", 312}, {"fatal", false}});
    world.log().event(Level::error, "bare", {});
    const auto lines = world.lines();
    REQUIRE(lines.size() == 2);
    for (const char* part : {"peer_lost", "peer", "pi-3", "silent_ms", "312", "fatal", "false"}) {
      CHECK(lines[0].find(part) != std::string::npos);
    }
    CHECK(lines[1].find("bare") != std::string::npos);
  }

  SUBCASE("what is below the least level is not kept") {
    world.log().event(Level::debug, "detail", {});
    CHECK(world.lines().empty());
  }

  SUBCASE("a field cannot forge another event") {
    world.log().event(Level::warn, "refused", {{"what", "x\n2026-01-01 error forged\r\n\x01\xff\""}});
    REQUIRE(world.lines().size() == 1);
    CHECK(world.lines()[0].find('\n') == std::string::npos);
  }
}

}  // namespace syn::contract
