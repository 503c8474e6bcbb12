#include <doctest/doctest.h>

#include "tests/contract/compute_contract.hpp"
#include "transport/thread_compute.hpp"

using namespace syn;

namespace {
struct World {
  explicit World(std::uint32_t threads) : real(std::make_unique<ThreadCompute>(loop, threads)) {}
  Loop loop;
  std::unique_ptr<ThreadCompute> real;
  Compute& compute() { return *real; }
  void end_node() { real.reset(); }
  bool run_until(std::move_only_function<bool()> done, Duration limit) {
    return loop.run_until(std::move(done), limit);
  }
};
}  // namespace

TEST_CASE("one thread keeps the contract of computing") {
  contract::compute_contract([] { return std::make_unique<World>(1); });
}
TEST_CASE("several threads keep the contract of computing") {
  contract::compute_contract([] { return std::make_unique<World>(4); });
}
