#include <doctest/doctest.h>
#include <malloc.h>

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

TEST_CASE("resident_bytes is what an engine takes beside its model, and state_bytes what a sample takes") {
  if (!snn::testing::counts_allocations()) {
    MESSAGE("skipped: a sanitizer owns the allocation functions");
    return;
  }
  const auto held = [] {
    const auto info = ::mallinfo2();
    return static_cast<double>(info.uordblks + info.hblkhd);
  };
  constexpr std::uint32_t kSide = 64, kNeurons = 8 * kSide * kSide;
  Parameter threshold(kNeurons);
  for (std::uint32_t i = 0; i < kNeurons; ++i) threshold[i] = 1 + i;
  Model model{.name = "m", .dt = 1e-3};
  model.populations = {{"in", {2, kSide, kSide}, Input{}},
                       {"if", {8, kSide, kSide}, If{.firing = {.threshold = threshold}, .v0 = threshold}},
                       {"cuba", {300}, CubaLif{}},
                       {"again", {300}, Lif{}}};
  model.projections = {
      {0, 1, 0,
       Conv{.kernel = {3, 3}, .pad_begin = {1, 1}, .pad_end = {1, 1}, .weights = std::vector<float>(8 * 2 * 9, 1.0f)}},
      {1, 2, 0, Dense{std::vector<float>(300 * kNeurons, 1.0f), {}}},
      {2, 3, 7, Dense{std::vector<float>(300 * 300, 1.0f), {}}},
      {3, 2, 20, Identity{}}};
  model.inputs = {{"in", 0}};
  const double start = held();
  Model copy = model;
  const double own = held() - start, before = held();
  auto engine = Engine::make(std::move(copy));
  REQUIRE(engine.has_value());
  const double taken = held() - before;  // the model has moved in, and is no part of it
  const auto told = static_cast<double>(engine->resident_bytes());
  CHECK(own > 1e6);
  CHECK_MESSAGE(std::abs(taken - told) < 0.02 * told + 20'000, taken, " taken, ", told, " told");
  const double without = held();
  const State state = engine->start();
  const auto state_told = static_cast<double>(engine->state_bytes());
  const double state_taken = held() - without;
  CHECK_MESSAGE(std::abs(state_taken - state_told) < 0.02 * state_told + 1000, state_taken, " taken, ", state_told,
                " told");
}

}  // namespace syn::snn::real
