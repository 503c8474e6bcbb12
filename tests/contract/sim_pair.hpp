// Two simulated machines, as the contract suites want them.
#pragma once

#include <memory>

#include "sim/store.hpp"
#include "sim/world.hpp"
#include "transport/codec/wire_codec.hpp"

namespace syn::testing {

inline constexpr NodeId kA{1}, kB{2};

struct Pair {
  Pair() : sim(std::make_unique<sim::World>(sim::WorldOptions{}, codec)) {
    sim->add(kA, "a", DeviceProfile{});
    sim->add(kB, "b", DeviceProfile{});
    sim->watch([this](NodeId, Level level, std::string_view name, const std::string& fields) {
      if (level >= Level::info) kept.push_back(text::cat(name, " ", fields));
    });
  }
  // Asked after every event, and every millisecond when there are none: `done` may act.
  bool run_until(std::move_only_function<bool()> done, Duration limit) {
    if (!sim) return false;
    const auto end = sim->now() + limit;
    while (!done()) {
      if (sim->now() > end) return false;
      if (!sim->step()) sim->run_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  Clock& clock() { return sim->host(kA).clock; }
  void destroy_clock() { sim.reset(); }
  Compute& compute() { return sim->host(kA).compute; }
  void end_node() { sim->kill(kA); }
  Log& log() { return sim->host(kA).log; }
  std::vector<std::string> lines() const { return kept; }
  Store& store() { return sim->host(kA).store; }
  void restart() {
    sim->kill(kA);
    sim->revive(kA);
  }
  Network& a() { return sim->host(kA).network; }
  Network& b() { return sim->host(kB).network; }
  void introduce() { a().dial(kB, "sim://b"); }
  void break_connection() {
    sim->cut(kA, kB);
    sim->heal(kA, kB);
  }
  void stop_reading_b() { sim->pause(kB, true); }
  void start_reading_b() { sim->pause(kB, false); }

  WireCodec codec;
  std::unique_ptr<sim::World> sim;
  std::vector<std::string> kept;
};
inline std::unique_ptr<Pair> pair() {
  return std::make_unique<Pair>();
}

}  // namespace syn::testing
