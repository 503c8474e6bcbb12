// P3 and P14: a seed is a run; faults fire, and bugs are caught.
#include "sim/simulate.hpp"

#include <doctest/doctest.h>

#include "tests/differential/distributed.hpp"

using namespace syn;
using namespace syn::testing;
using namespace std::chrono_literals;

namespace {

std::uint64_t fired(const sim::SimResult& run, std::string_view name) {
  for (const auto& [mark, n] : run.faults_fired) {
    if (mark == name) return n;
  }
  return 0;
}

struct Bench {
  explicit Bench(std::size_t count = 40) {
    SeededRandom random(3);
    model = five_layers(random, snn::Code::step, 6);
    inputs = random_inputs(model, random, count);
    options = options_for(3);
    options.window_steps = 2;
    options.deadline = 300ms;
  }
  sim::SimResult run() {
    auto result = sim::run_simulation(model, hash_of(model), inputs.feed(), options);
    REQUIRE_MESSAGE(result.has_value(), result.error().what);
    return std::move(*result);
  }
  snn::Model model;
  Inputs inputs;
  sim::SimOptions options;
};

}  // namespace

TEST_CASE("the same seed gives the same event-log hash, another seed another") {
  Bench bench;
  bench.options.faults = {{.kind = sim::Fault::Kind::jitter, .at = {}, .until = {}, .node = 1, .delay = 1ms}};
  const auto first = bench.run(), again = bench.run();
  CHECK(first.event_log_hash == again.event_log_hash);
  CHECK(first.events == again.events);
  CHECK(first.elapsed == again.elapsed);
  bench.options.seed = 2;
  CHECK(bench.run().event_log_hash != first.event_log_hash);
}

TEST_CASE("a node that is killed at any moment is named, and every input has exactly one outcome") {
  Bench bench(30);
  const auto whole = bench.run().elapsed;
  for (std::uint32_t node = 0; node < 3; ++node) {
    for (int moment = 0; moment <= 20; ++moment) {
      CAPTURE(node);
      CAPTURE(moment);
      bench.options.faults = {{.kind = sim::Fault::Kind::kill, .at = whole * moment / 20, .until = {}, .node = node}};
      const auto run = bench.run();
      CHECK(fired(run, "kill") == (moment < 20 ? 1 : fired(run, "kill")));
      CHECK(run.counts.accepted == run.counts.results + run.counts.errors);
      CHECK(run.counts.in_flight == 0);
      CHECK(run.counts.lost == 0);
      CHECK(run.counts.duplicated == 0);
      const auto name = text::cat("node", node + 1);
      for (const auto& outcome : run.outcomes) {
        if (outcome.kind == nodes::Outcome::Kind::result) {
          CHECK(outcome.potentials.size() == 10);
        } else {
          CHECK(outcome.error.what.find(name) != std::string::npos);
          CHECK(!outcome.error.todo.empty());
        }
      }
    }
  }
}

TEST_CASE("what a killed node did not spoil is right: results before the kill are those of one process") {
  Bench bench(30);
  bench.options.faults = {{.kind = sim::Fault::Kind::kill, .at = bench.run().elapsed / 2, .until = {}, .node = 1}};
  const auto run = bench.run();
  CHECK(run.counts.results > 0);
  CHECK(run.counts.errors > 0);
  for (std::size_t i = 0; i < run.outcomes.size(); ++i) {
    if (run.outcomes[i].kind != nodes::Outcome::Kind::result) continue;
    Inputs one{{bench.inputs.rows[i]}};
    snn::Digests digests;
    digests.add(run.outcomes[i].potentials, run.outcomes[i].checksum);
    const bool same = in_one_process(bench.model, one) == Result{digests.digest(), digests.spike_digest()};
    CHECK(same);
  }
}

TEST_CASE("a cut between two workers ends what was in flight explicitly, and the gateway hears which link broke") {
  Bench bench(30);
  bench.options.deadline = 5s;
  bench.options.faults = {
      {.kind = sim::Fault::Kind::cut, .at = bench.run().elapsed / 2, .until = {}, .node = 0, .other = 1}};
  const auto run = bench.run();
  CHECK(fired(run, "cut") == 1);
  CHECK(run.counts.accepted == run.counts.results + run.counts.errors);
  CHECK(run.counts.errors > 0);
  for (const auto& outcome : run.outcomes) {
    if (outcome.kind == nodes::Outcome::Kind::result) continue;
    CHECK(outcome.kind == nodes::Outcome::Kind::failed);
    CHECK(outcome.error.what.find("connection to node 'node") != std::string::npos);
  }
}

TEST_CASE("canary: a frame that vanishes is caught by its inference's deadline and by nothing else") {
  for (std::uint32_t node = 0; node < 3; ++node) {
    Bench bench(20);
    bench.options.faults = {{.kind = sim::Fault::Kind::drop_frame, .at = 1ms, .until = {}, .node = node}};
    const auto run = bench.run();
    CHECK(fired(run, "drop_frame") == 1);
    CHECK(run.counts.errors == 1);
    CHECK(run.counts.results == 19);
    const auto bad =
        std::ranges::find_if(run.outcomes, [](const auto& o) { return o.kind != nodes::Outcome::Kind::result; });
    REQUIRE(bad != run.outcomes.end());
    CHECK(bad->kind == nodes::Outcome::Kind::deadline);
  }
}

TEST_CASE("canary: a frame that comes twice is refused by name and changes no result") {
  for (const std::uint32_t node : {0u, 1u, 2u, sim::kClientNode}) {
    Bench bench(20);
    bench.options.faults = {{.kind = sim::Fault::Kind::repeat_frame, .at = 1ms, .until = {}, .node = node}};
    const auto run = bench.run();
    CHECK(fired(run, "repeat_frame") == 1);
    CHECK(run.counts.results == 20);
    const bool same = digests_of(run) == in_one_process(bench.model, bench.inputs);
    CHECK(same);
    std::uint64_t refused = 0;
    for (const auto& [reason, n] : run.refused) {
      if (reason == "duplicate_frame" || reason == "after_end" || reason == "duplicate_result") refused += n;
    }
    CHECK(refused == 1);
    CHECK(run.counts.duplicated == (node == sim::kClientNode ? 1 : 0));
  }
}

TEST_CASE("a rate is kept: the last submission leaves when it is due") {
  Bench bench(50);
  bench.options.rate = 100;
  const auto run = bench.run();
  CHECK(run.counts.results == 50);
  CHECK(run.elapsed >= 490ms);
  CHECK(run.elapsed < 520ms);
}

TEST_CASE("wrong options of a simulation are told by name") {
  Bench bench(1);
  bench.options.faults = {{.kind = sim::Fault::Kind::cut, .at = {}, .until = {}, .node = 0, .other = 9}};
  const auto run = sim::run_simulation(bench.model, hash_of(bench.model), bench.inputs.feed(), bench.options);
  REQUIRE(!run);
  CHECK(run.error().what.find("cut") != std::string::npos);
}
