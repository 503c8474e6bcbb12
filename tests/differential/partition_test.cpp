// P1: for one model, any number of nodes and any window give the bits of one process.
#include <doctest/doctest.h>

#include "tests/differential/distributed.hpp"

using namespace syn;
using namespace syn::testing;

namespace {

void same_bits(const snn::Model& model, Inputs& inputs, sim::SimOptions options) {
  const auto reference = in_one_process(model, inputs);
  const auto run = sim::run_simulation(model, hash_of(model), inputs.feed(), options);
  REQUIRE_MESSAGE(run.has_value(), run.error().what, " ", run.error().where);
  CHECK(run->counts.results == inputs.rows.size());
  CHECK(run->counts.errors == 0);
  CHECK(run->counts.lost == 0);
  CHECK(run->counts.duplicated == 0);
  CHECK(run->counts.in_flight == 0);
  for (const auto& [reason, n] : run->refused) FAIL_CHECK(reason, ": ", n);
  for (const auto& outcome : run->outcomes)
    CHECK_MESSAGE(outcome.error.what.empty(), outcome.error.what, " ", outcome.error.where);
  const bool same = digests_of(*run) == reference;
  CHECK(same);
}

}  // namespace

TEST_CASE("a five-layer network gives one digest on 1 to 8 nodes, with every window, in every code") {
  for (const auto code : {snn::Code::volley, snn::Code::step, snn::Code::phase}) {
    for (const std::uint32_t steps : {4u, 8u, 32u}) {
      if (code == snn::Code::phase && steps > snn::kGreatestPhase) continue;
      SeededRandom random(steps);
      const auto model = five_layers(random, code, steps);
      auto inputs = random_inputs(model, random, 6);
      for (const std::size_t nodes : {1u, 2u, 3u, 5u, 8u}) {
        for (const std::uint32_t window : {1u, 2u, 3u, 0u}) {
          if (code != snn::Code::step && window != 0) continue;  // framing only: an inference is one row
          CAPTURE(steps);
          CAPTURE(nodes);
          CAPTURE(window);
          auto options = options_for(nodes);
          options.window_steps = window;
          same_bits(model, inputs, options);
        }
      }
    }
  }
}

TEST_CASE("random networks with branches give one digest on any number of nodes that can share them") {
  std::size_t tried = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SeededRandom random(seed);
    snn::testing::RandomOptions shape{.code = static_cast<snn::Code>(seed % 3),
                                      .steps = static_cast<std::uint32_t>(2 + random.below(7)),
                                      .loose = false};  // a shard must have a reader
    const auto model = snn::testing::random_model(random, shape);
    if (!snn::Engine::make(model)) continue;  // the overflow rule refuses some
    auto inputs = random_inputs(model, random, 4);
    CAPTURE(seed);
    for (const std::size_t nodes : {1u, 2u, 3u, 5u}) {
      auto options = options_for(nodes);
      options.seed = seed;
      options.window_steps = static_cast<std::uint32_t>(random.below(4));
      options.in_flight = static_cast<std::uint32_t>(1 + random.below(4));
      // A narrow one cannot be shared by many: then the planner says so.
      std::vector<nodes::PlanNode> machines = options.nodes;
      for (std::size_t i = 0; i < nodes; ++i) machines[i].entry = {.id = NodeId{i + 1}, .name = "n", .address = ""};
      const auto planned = nodes::plan(model, hash_of(model), machines,
                                       {.gateway = {.id = NodeId{99}, .name = {}, .address = {}},
                                        .gateway_device = options.gateway,
                                        .nodes = 0,
                                        .window_steps = 0,
                                        .in_flight = 0});
      if (!planned) {
        CHECK_MESSAGE(planned.error().what.find("cannot be cut into") != std::string::npos, planned.error().what);
        continue;
      }
      ++tried;
      same_bits(model, inputs, options);
    }
  }
  CHECK(tried > 100);
}

TEST_CASE("unequal devices, jitter and a slow node change times, never bits") {
  SeededRandom random(7);
  const auto model = five_layers(random, snn::Code::step, 8);
  auto inputs = random_inputs(model, random, 20);
  auto options = options_for(4);
  options.nodes[1].device = device("pi-zero2w");
  options.nodes[2].device = device("pi5");
  options.window_steps = 2;
  options.faults = {
      {.kind = sim::Fault::Kind::jitter, .at = {}, .until = {}, .node = 1, .delay = std::chrono::milliseconds(2)},
      {.kind = sim::Fault::Kind::slow, .at = std::chrono::milliseconds(1), .until = {}, .node = 2, .factor = 10}};
  same_bits(model, inputs, options);
}
