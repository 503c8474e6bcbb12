#include <doctest/doctest.h>

#include "tests/contract/clock_contract.hpp"
#include "transport/asio_clock.hpp"

using namespace syn;

namespace {
struct World {
  Loop loop;
  std::optional<AsioClock> real{std::in_place, loop};
  Clock& clock() { return *real; }
  void destroy_clock() { real.reset(); }
  bool run_until(std::move_only_function<bool()> done, Duration limit) {
    return loop.run_until(std::move(done), limit);
  }
};
}  // namespace

TEST_CASE("the Asio clock keeps the contract of clocks") {
  contract::clock_contract([] { return std::make_unique<World>(); });
}
