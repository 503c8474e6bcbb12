#include "snn/real/engine.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include "plain.hpp"
#include "random_graphs.hpp"

namespace syn::snn::real {
namespace {

using namespace testing;

std::vector<std::uint64_t> bits(const std::vector<double>& values) {
  std::vector<std::uint64_t> out(values.size());
  if (!values.empty()) std::memcpy(out.data(), values.data(), values.size() * sizeof values[0]);
  return out;
}

std::vector<double> joined(const std::vector<std::vector<double>>& rows) {
  std::vector<double> out;
  for (const auto& row : rows) out.insert(out.end(), row.begin(), row.end());
  return out;
}

bool finite(const History& history) {
  for (const auto& population : history)
    for (const auto& row : population)
      for (const double value : row)
        if (!std::isfinite(value)) return false;
  return true;
}

// How many variables a kind names.
std::size_t variables(const Neurons& neurons) {
  return std::visit(
      [](const auto& kind) -> std::size_t {
        if (
            requires { kind.i0; } || requires { kind.b0; } || requires { kind.u0; })
          return 2;
        return requires {
          kind.v0;
        }
        ? 1 : 0;
      },
      neurons);
}

// Runs all steps in calls of `most` steps; the outputs and records of all calls joined.
struct Result {
  std::vector<std::vector<double>> out, records;
  State state;
  Work work;
};
Expected<Result> run(Engine& engine, const std::vector<std::vector<float>>& inputs, std::size_t steps,
                     std::size_t most) {
  Result result;
  engine.start(result.state);
  Window window;
  const Model& model = engine.model();
  for (std::uint32_t p = 0; p < model.populations.size(); ++p) {
    window.records.push_back({p, Quantity::output, {}});
    const std::size_t named = variables(model.populations[p].neurons);
    if (named > 0) window.records.push_back({p, Quantity::potential, {}});
    if (named > 1) window.records.push_back({p, Quantity::second, {}});
  }
  result.out.resize(model.outputs.size()), result.records.resize(window.records.size());
  for (std::size_t t = 0; t < steps; t += most) {
    window.steps = static_cast<std::uint32_t>(std::min(most, steps - t));
    window.in.clear();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const std::size_t n = inputs[i].size() / steps;
      window.in.push_back(std::span(inputs[i]).subspan(t * n, window.steps * n));
    }
    const auto work = engine.run(result.state, window);
    if (!work) return fail(work.error());
    result.work += *work;
    for (std::size_t i = 0; i < result.out.size(); ++i)
      result.out[i].insert(result.out[i].end(), window.out[i].begin(), window.out[i].end());
    for (std::size_t i = 0; i < result.records.size(); ++i)
      result.records[i].insert(result.records[i].end(), window.records[i].values.begin(),
                               window.records[i].values.end());
  }
  return result;
}

}  // namespace

TEST_CASE("the float engine gives the bits of its plain twin, for every instruction set and split into calls") {
  SeededRandom random(71);
  std::size_t compared = 0, spikes = 0;
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    Graphs graphs(random);
    const Model model = graphs.make();
    constexpr std::size_t kSteps = 23;
    const auto inputs = graphs.inputs(model, kSteps);
    const Trace twin = run_plainly(model, inputs, kSteps);
    std::vector<std::vector<std::uint64_t>> wanted;
    for (std::size_t p = 0; p < model.populations.size(); ++p) {
      wanted.push_back(bits(joined(twin.output[p])));
      const std::size_t named = variables(model.populations[p].neurons);
      if (named > 0) wanted.push_back(bits(joined(twin.potentials[p])));
      if (named > 1) wanted.push_back(bits(joined(twin.seconds[p])));
    }
    std::vector<State> states;
    for (const auto name : Engine::loop_names()) {
      CAPTURE(name);
      auto engine = Engine::make(model, name);
      REQUIRE_MESSAGE(engine.has_value(), engine.error().what);
      CHECK(engine->loops() == name);
      for (const std::size_t most : {std::size_t{7}, kSteps}) {
        const auto result = run(*engine, inputs, kSteps, most);
        // A graph that runs away is refused, however it is split.
        CHECK(result.has_value() == (finite(twin.output) && finite(twin.potentials) && finite(twin.seconds)));
        if (!result) continue;
        ++compared;
        for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(bits(result->records[i]) == wanted[i]);
        for (std::size_t i = 0; i < model.outputs.size(); ++i)
          CHECK(bits(result->out[i]) == bits(joined(twin.output[model.outputs[i].population])));
        states.push_back(result->state);
        CHECK(result->state == states.front());
        for (const double value : result->out[0]) spikes += value == 1;
      }
    }
  }
  CHECK(compared > 400);  // as many as there are instruction sets
  CHECK(spikes > 1000);
}

TEST_CASE("a state is a value: copied, written and restored, it goes on to the same bits") {
  SeededRandom random(72);
  for (int round = 0; round < 20; ++round) {
    Graphs graphs(random);
    auto engine = Engine::make(graphs.make());
    REQUIRE(engine.has_value());
    const auto inputs = graphs.inputs(engine->model(), 20);
    State state = engine->start();
    const auto part = [&](Engine& by, State& on, std::size_t from) {
      Window window{.steps = 10};
      for (const auto& in : inputs) window.in.push_back(std::span(in).subspan(from * in.size() / 20, in.size() / 2));
      return by.run(on, window) ? window.out : std::vector<std::vector<double>>{};
    };
    if (part(*engine, state, 0).empty()) continue;
    const Bytes bytes = Engine::to_bytes(state);
    auto restored = engine->restore(bytes);
    REQUIRE(restored.has_value());
    CHECK(*restored == state);
    State copy = state;
    Engine other = *engine;
    const auto wanted = part(*engine, state, 10);
    CHECK(part(other, copy, 10) == wanted);
    CHECK(part(*engine, *restored, 10) == wanted);
    if (!wanted.empty()) CHECK(copy == state);
    for (std::size_t length = 0; length < bytes.size(); length += 1 + length / 8)
      CHECK_FALSE(engine->restore(ByteView(bytes).first(length)).has_value());
    if (bytes.size() > 24) {
      Bytes wrong = bytes;
      std::fill(wrong.begin() + 24, wrong.begin() + 32, std::uint8_t{0xff});  // a NaN
      CHECK_FALSE(engine->restore(wrong).has_value());
    }
  }
}

TEST_CASE("inputs that are not finite and states that run away are refused by name") {
  Model model{.name = "m", .dt = 1e-3};
  model.populations = {{"in", {1}, Input{}}, {"grows", {1}, Relay{}}};
  model.projections = {{0, 1, 0, Identity{}}, {1, 1, 1, Scale{{1e30f}}}};
  model.inputs = {{"x", 0}};
  model.outputs = {{"y", 1}};
  auto engine = Engine::make(model);
  REQUIRE_MESSAGE(engine.has_value(), engine.error().what);
  State state = engine->start();
  std::vector<float> one(20, 1.0f);
  Window window{.steps = 20, .in = {one}};
  const auto ran = engine->run(state, window);
  REQUIRE_FALSE(ran.has_value());
  CHECK(ran.error().what.find("'grows'") != std::string::npos);
  one[3] = std::numeric_limits<float>::quiet_NaN();
  engine->start(state);
  const auto refused = engine->run(state, window);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().what.find("'x'") != std::string::npos);
}

TEST_CASE("only what is not zero is added, and counted") {
  Model model{.name = "m", .dt = 1e-3};
  model.populations = {{"in", {4}, Input{}}, {"out", {3}, Relay{}}};
  model.projections = {{0, 1, 0, Dense{std::vector<float>(12, 0.5f), {}}}};
  model.inputs = {{"x", 0}};
  model.outputs = {{"y", 1}};
  auto engine = Engine::make(model);
  REQUIRE(engine.has_value());
  State state = engine->start();
  const std::vector<float> in{0, 1, 0, 0, 0, 0, 0, 0, 2, 2, -1, 2};
  Window window{.steps = 3, .in = {in}};
  const auto work = engine->run(state, window);
  REQUIRE(work.has_value());
  CHECK(work->synaptic_operations == 3 * 5);
  CHECK(window.out[0] == std::vector<double>{0.5, 0.5, 0.5, 0, 0, 0, 2.5, 2.5, 2.5});
}

}  // namespace syn::snn::real
