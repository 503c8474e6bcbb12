#include <doctest/doctest.h>

#include "random_graphs.hpp"
#include "snn/real/engine.hpp"
#include "tests/snn/allocations.hpp"

namespace syn::snn::real {

TEST_CASE("the float engine allocates nothing once it has run") {
  if (!snn::testing::counts_allocations()) {
    MESSAGE("skipped: a sanitizer owns the allocation functions");
    return;
  }
  SeededRandom random(74);
  for (int round = 0; round < 40; ++round) {
    testing::Graphs graphs(random);
    auto engine = Engine::make(graphs.make());
    REQUIRE(engine.has_value());
    const auto inputs = graphs.inputs(engine->model(), 8);
    State state = engine->start();
    Window window{.steps = 8};
    for (const auto& in : inputs) window.in.push_back(in);
    window.records = {{engine->model().outputs[0].population, Quantity::output, {}}};
    if (!engine->run(state, window)) continue;
    const std::uint64_t before = snn::testing::allocations();
    for (int call = 0; call < 3; ++call) {
      engine->start(state);
      const bool ran = engine->run(state, window).has_value();
      if (!ran) break;
    }
    CHECK(snn::testing::allocations() == before);
  }
}

}  // namespace syn::snn::real
