// What core/team.hpp promises, of the team that spins; and that an inference shared by a team has the bits of one
// alone.
#include <doctest/doctest.h>

#include <atomic>
#include <vector>

#include "core/random.hpp"
#include "snn/engine.hpp"
#include "transport/spin_team.hpp"

namespace syn {
namespace {

using namespace snn;

std::vector<std::int8_t> weights(Random& random, std::size_t n) {
  std::vector<std::int8_t> w(n);
  for (auto& x : w) x = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
  return w;
}

// Convolutions and dense neurons large enough to be dealt out: by rows of positions, and by outputs.
Model large(Code code, std::uint32_t steps) {
  SeededRandom random(31);
  Model model;
  model.name = "large";
  model.code = code;
  model.steps = steps;
  const auto add = [&](const char* name, Shape shape, Kind kind, std::uint32_t greatest) {
    Population p;
    p.name = name;
    p.shape = shape;
    p.code = code;
    p.kind = std::move(kind);
    p.greatest = greatest;
    model.populations.push_back(std::move(p));
    return static_cast<std::uint32_t>(model.populations.size() - 1);
  };
  const auto neurons = [&](std::uint32_t channels, std::int32_t threshold) {
    std::vector<std::int32_t> bias(channels);
    for (auto& b : bias) b = static_cast<std::int32_t>(random.below(200)) - 100;
    return IntegrateAndFire{std::vector<std::int32_t>(channels, threshold), bias, -(1 << 20), 1 << 20};
  };
  add("image", {29, 21, 3}, Source{{255, 255, 255}, {0, 0, 0}, {}}, 255);
  add("conv1", {29, 21, 120}, neurons(120, 3000), model.levels());
  model.projections.push_back({0, 1, Conv{3, 3, 1, 1, 1, 1, 1, 1, weights(random, 9 * 3 * 120)}});
  auto few = weights(random, 9 * 120);
  for (auto& w : few) w /= 4;  // sums of 16 bits
  add("depthwise", {29, 21, 120}, neurons(120, 90), model.levels());
  model.projections.push_back(
      {1, 2, Depthwise{.kernel_height = 3, .kernel_width = 3, .pad_top = 1, .pad_left = 1, .weights = few}});
  add("conv2", {15, 11, 33}, neurons(33, 900), model.levels());
  model.projections.push_back({2, 3, Conv{3, 3, 2, 2, 1, 1, 1, 1, weights(random, 9 * 120 * 33)}});
  add("pool", {7, 5, 33}, Pooled{}, 4 * model.levels());
  model.projections.push_back({3, 4, SumPool{2, 2, 2, 2, 0, 0, {}}});
  add("dense", {1, 1, 601}, neurons(601, 1500), model.levels());
  model.projections.push_back({4, 5, Dense{weights(random, 7 * 5 * 33 * 601)}});
  add("readout", {1, 1, 10}, Readout{std::vector<std::int32_t>(10, 5), 1}, 1);
  model.projections.push_back({5, 6, Dense{weights(random, 601 * 10)}});
  model.outputs = {"conv2", "dense", "readout"};
  return model;
}

}  // namespace

TEST_CASE("a team runs every part once, sees what was written before, and shows what the parts wrote") {
  for (const unsigned threads : {1u, 2u, 3u, 5u}) {
    transport::SpinTeam team(threads);
    CHECK(team.size() == threads);
    for (unsigned round = 0; round < 300; ++round) {
      std::vector<unsigned> runs(threads), seen(threads);
      unsigned written = round;
      const unsigned count = 1 + round % threads;
      auto part = [&](unsigned index) {
        ++runs[index];
        seen[index] = written;
      };
      team.run(count, part);
      for (unsigned i = 0; i < threads; ++i) {
        CHECK(runs[i] == (i < count ? 1 : 0));
        CHECK(seen[i] == (i < count ? round : 0));
      }
    }
  }
}

TEST_CASE("an inference shared by any number of threads has the bits and the counts of one alone") {
  SeededRandom random(32);
  for (const Code code : {Code::volley, Code::phase, Code::step}) {
    const auto engine = Engine::make(large(code, 6));
    REQUIRE_MESSAGE(engine.has_value(), engine.error().what);
    Window alone;
    alone.rows = engine->model().rows();
    alone.in.resize(1);
    // `step`: rows that differ, so that potentials and silences do, too.
    for (std::uint32_t r = 0; r < alone.rows; ++r)
      for (std::size_t i = 0; i < 29 * 21 * 3; ++i)
        alone.in[0].push_back(r % 3 == 2 || random.below(3) > 0 ? Count{0} : static_cast<Count>(random.below(256)));
    const auto input = alone.in;
    State state;
    const Work work = engine->run(state, alone);
    CHECK(alone.events > 100);
    for (const unsigned threads : {2u, 3u, 4u, 7u}) {
      transport::SpinTeam team(threads);
      for (int again = 0; again < 3; ++again) {
        State shared_state;
        Window shared;
        shared.rows = alone.rows;
        shared.in = input;
        CHECK(engine->run(shared_state, shared, &team) == work);
        CHECK(shared.potentials == alone.potentials);
        CHECK(shared.out == alone.out);
        CHECK(shared.checksum == alone.checksum);
        CHECK(shared.spikes == alone.spikes);
        CHECK(shared.events == alone.events);
        CHECK(shared_state == state);
      }
    }
  }
}

}  // namespace syn
