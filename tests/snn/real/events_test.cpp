// What hands on events instead of rows: that it gives the bits of the plain twin where much is silent, and that silence
// costs nothing.
#include <doctest/doctest.h>

#include <cstring>
#include <limits>

#include "core/random.hpp"
#include "plain.hpp"
#include "snn/real/engine.hpp"

namespace syn::snn::real {
namespace {

using namespace testing;

std::vector<float> spikes(Random& random, std::size_t n, double rate) {
  std::vector<float> out(n);
  for (float& x : out) x = random.chance(rate) ? 1.0f : 0.0f;
  return out;
}
std::vector<float> weights(Random& random, std::size_t n) {
  std::vector<float> out(n);
  for (float& w : out) w = static_cast<float>(random.below(2001)) / 1000.0f - 0.7f;
  return out;
}
bool same_bits(const std::vector<double>& a, const std::vector<std::vector<double>>& rows) {
  std::size_t at = 0;
  for (const auto& row : rows) {
    if (at + row.size() > a.size() || std::memcmp(a.data() + at, row.data(), row.size() * sizeof row[0]) != 0)
      return false;
    at += row.size();
  }
  return at == a.size();
}

// Every instruction set, in calls of 1 and of many steps, against the twin: outputs and potentials of every population.
// Gives the work of a run.
Work agrees_with_twin(const Model& model, const std::vector<std::vector<float>>& inputs, std::size_t steps) {
  const Trace twin = run_plainly(model, inputs, steps);
  Work work;
  for (const auto name : Engine::loop_names()) {
    CAPTURE(name);
    for (const std::size_t most : {std::size_t{1}, steps}) {
      CAPTURE(most);
      auto engine = Engine::make(model, name);
      REQUIRE_MESSAGE(engine.has_value(), engine.error().what);
      State state = engine->start();
      Window window{.steps = static_cast<std::uint32_t>(most)};
      std::vector<std::vector<double>> seen;
      for (std::uint32_t p = 0; p < model.populations.size(); ++p) {
        window.records.push_back({p, Quantity::output, {}});
        if (std::holds_alternative<If>(model.populations[p].neurons) ||
            std::holds_alternative<Lif>(model.populations[p].neurons))
          window.records.push_back({p, Quantity::potential, {}});
      }
      seen.resize(window.records.size());
      work = {};
      for (std::size_t t = 0; t < steps; t += most) {
        window.in.clear();
        for (const auto& in : inputs)
          window.in.push_back(std::span(in).subspan(t * (in.size() / steps), most * (in.size() / steps)));
        const auto ran = engine->run(state, window);
        REQUIRE_MESSAGE(ran.has_value(), ran.error().what);
        work += *ran;
        for (std::size_t r = 0; r < seen.size(); ++r)
          seen[r].insert(seen[r].end(), window.records[r].values.begin(), window.records[r].values.end());
      }
      for (std::size_t r = 0; r < seen.size(); ++r) {
        const Record& record = window.records[r];
        CAPTURE(r);
        const History& wanted = record.quantity == Quantity::output ? twin.output : twin.potentials;
        CHECK(same_bits(seen[r], wanted[record.population]));
      }
    }
  }
  return work;
}

Model convolved(Random& random, const If& neurons, std::uint32_t channels, Conv conv) {
  Model model{.name = "m", .dt = 1};
  conv.weights = weights(random, std::size_t{channels} * 2 * conv.kernel[0] * conv.kernel[1] / conv.groups);
  const auto side = [&](std::uint32_t axis, std::uint32_t from) {
    return (from + conv.pad_begin[axis] + conv.pad_end[axis] - conv.dilation[axis] * (conv.kernel[axis] - 1) - 1) /
               conv.stride[axis] +
           1;
  };
  model.populations = {{"in", {2, 23, 29}, Input{}}, {"if", {channels, side(0, 23), side(1, 29)}, neurons}};
  model.projections = {{0, 1, 0, conv}};
  model.inputs = {{"in", 0}};
  return model;
}

}  // namespace

TEST_CASE("convolved IF neurons give the twin's bits, at any rate, rule, stride and number of channels") {
  SeededRandom random(91);
  constexpr std::size_t kSteps = 12;
  for (const std::uint32_t channels : {3u, 8u, 10u, 16u}) {
    CAPTURE(channels);
    for (const Conv& conv : {Conv{.kernel = {3, 3}, .pad_begin = {1, 1}, .pad_end = {1, 1}},
                             Conv{.kernel = {5, 4}, .stride = {2, 3}, .pad_begin = {1, 0}, .pad_end = {2, 1}},
                             Conv{.kernel = {3, 2}, .dilation = {2, 3}}, Conv{.kernel = {2, 2}, .stride = {3, 3}}}) {
      for (const double rate : {0.001, 0.02, 0.3}) {
        If neurons{.gain = {1}, .firing = {.threshold = {1.5}}};
        neurons.firing.reset = random.chance(0.5) ? Reset::subtract : Reset::to_value;
        neurons.firing.comparison = random.chance(0.5) ? Comparison::greater : Comparison::greater_or_equal;
        neurons.firing.most = random.chance(0.5) ? 1 : kManySpikes;
        const Model model = convolved(random, neurons, channels, conv);
        agrees_with_twin(model, {spikes(random, kSteps * 2 * 23 * 29, rate)}, kSteps);
      }
    }
  }
}

TEST_CASE("silent IF neurons are not stepped, and those above their threshold still fire on") {
  SeededRandom random(92);
  // One spike a step at most: what a neuron has gathered comes out over many silent steps.
  const If neurons{.gain = {1}, .firing = {.threshold = {0.25}, .reset = Reset::subtract}};
  const Model model = convolved(random, neurons, 8, {.kernel = {3, 3}, .pad_begin = {1, 1}, .pad_end = {1, 1}});
  constexpr std::size_t kSteps = 40, kInputs = 2 * 23 * 29;
  std::vector<float> in(kSteps * kInputs);
  in[5 * kInputs + 700] = 4;
  const Work work = agrees_with_twin(model, {in}, kSteps);
  const std::size_t all = 8 * 23 * 29;
  CHECK(work.neuron_updates >= all + 9 * 8);  // the first step, and what the event reached
  CHECK(work.neuron_updates < all + 9 * 8 * 30);
}

TEST_CASE("populations of many blocks are stepped whole and in part to the same bits") {
  SeededRandom random(93);
  constexpr std::uint32_t kNeurons = 40'003;  // more than one stretch of every loop, and a partial block
  constexpr std::size_t kSteps = 6;
  for (const double rate : {0.0001, 0.02, 0.5}) {
    for (const bool leaky : {false, true}) {
      Model model{.name = "m", .dt = 1e-3};
      Sparse one_to_one{.row = {0}};
      for (std::uint32_t i = 0; i < kNeurons; ++i) one_to_one.source.push_back(i), one_to_one.row.push_back(i + 1);
      one_to_one.weights = weights(random, kNeurons);
      Neurons neurons = If{.gain = {1}, .firing = {.threshold = {0.9}}};
      if (leaky) neurons = Lif{.membrane = {.tau = {3e-3}}, .firing = {.threshold = {0.2}}};
      model.populations = {{"in", {kNeurons}, Input{}}, {"n", {kNeurons}, neurons}, {"late", {kNeurons}, neurons}};
      model.projections = {{0, 1, 0, one_to_one}, {1, 2, 2, one_to_one}};
      model.inputs = {{"in", 0}};
      agrees_with_twin(model, {spikes(random, kSteps * kNeurons, rate)}, kSteps);
    }
  }
}

TEST_CASE("zeros of either sign are the twin's, in starts, resets and thresholds") {
  SeededRandom random(94);
  constexpr std::size_t kSteps = 8;
  for (const double v0 : {-0.0, 0.0}) {
    for (const double reset : {-0.0, 0.0}) {
      for (const double threshold : {-0.0, 0.0, 1.0, -1.0}) {
        for (const double gain : {1.0, -1.0}) {
          for (const Comparison comparison : {Comparison::greater, Comparison::greater_or_equal}) {
            const Firing firing{.threshold = {threshold}, .v_reset = {reset}, .comparison = comparison};
            Model model{.name = "m", .dt = 1};
            model.populations = {{"in", {19}, Input{}}, {"if", {19}, If{.gain = {gain}, .firing = firing, .v0 = {v0}}}};
            model.projections = {{0, 1, 0, Dense{weights(random, 19 * 19), {}}}};
            model.inputs = {{"in", 0}};
            agrees_with_twin(model, {spikes(random, kSteps * 19, 0.05)}, kSteps);
          }
        }
      }
    }
  }
}

TEST_CASE("a matrix of mostly zeros costs what is not zero") {
  SeededRandom random(96);
  constexpr std::size_t kSteps = 10, kIn = 50, kOut = 70;
  auto w = weights(random, kIn * kOut);
  std::size_t synapses = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (!random.chance(0.1)) w[i] = i % 3 == 0 ? -0.0f : 0.0f;
    synapses += i % kIn == 7 && w[i] != 0;
  }
  Model model{.name = "m", .dt = 1e-3};
  model.populations = {{"in", {kIn}, Input{}}, {"lif", {kOut}, Lif{.firing = {.threshold = {0.2}}}}};
  model.projections = {{0, 1, 0, Dense{w, weights(random, kOut)}}};
  model.inputs = {{"in", 0}};
  agrees_with_twin(model, {spikes(random, kSteps * kIn, 0.3)}, kSteps);
  std::vector<float> one(kIn);
  one[7] = 1;
  CHECK(agrees_with_twin(model, {one}, 1).synaptic_operations == synapses);
}

TEST_CASE("relays of pools and flattenings hand on what arrived, delayed and averaged, too") {
  SeededRandom random(95);
  constexpr std::size_t kSteps = 10;
  for (const std::uint32_t average : {0u, 1u}) {
    for (const std::uint32_t stride : {2u, 1u}) {
      Model model{.name = "m", .dt = 1};
      const std::uint32_t side = stride == 2 ? 4 : 7;
      model.populations = {{"in", {3, 8, 8}, Input{}},
                           {"pool", {3, side, side}, Relay{}},
                           {"flat", {3 * side * side}, Relay{}},
                           {"again", {3 * side * side}, Relay{}},
                           {"out", {5}, Integrator{.gain = {1}}}};
      model.projections = {{0, 1, 0, Pool{.kernel = {2, 2}, .stride = {stride, stride}, .average = average}},
                           {1, 2, 1, Identity{}},
                           {2, 3, 3, Identity{}},
                           {3, 4, 0, Dense{weights(random, 15 * side * side), {}}},
                           {1, 4, 2, Dense{weights(random, 15 * side * side), {}}}};
      model.inputs = {{"in", 0}};
      // Values that cancel: a sum of 0 is no event, and leaves nothing behind.
      auto in = spikes(random, kSteps * 3 * 64, 0.3);
      for (float& x : in) x *= random.chance(0.5) ? -1.0f : 1.0f;
      agrees_with_twin(model, {in}, kSteps);
    }
  }
}

TEST_CASE("a state whose spikes and values do not fit together is refused") {
  Model model{.name = "m", .dt = 1};
  model.populations = {{"in", {5}, Input{}}, {"if", {5}, If{.gain = {1}}}};
  model.projections = {{0, 1, 2, Dense{std::vector<float>(25, 0.5f), {}}},
                       {1, 1, 1, Dense{std::vector<float>(25, 0.1f), {}}}};
  model.inputs = {{"in", 0}};
  auto engine = Engine::make(model);
  REQUIRE(engine.has_value());
  State state = engine->start();
  const std::vector<float> in{1, 0, 0, 2, 0};
  Window window{.steps = 1, .in = {in}};
  REQUIRE(engine->run(state, window).has_value());
  REQUIRE(engine->restore(Engine::to_bytes(state)).has_value());
  State wrong = state;
  for (auto& word : wrong.spikes) word = 0;  // values that no spike has
  const auto refused = engine->restore(Engine::to_bytes(wrong));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().what.find("fit together") != std::string::npos);
  State beyond = state;
  for (auto& word : beyond.spikes) word |= std::uint64_t{1} << 63;
  CHECK_FALSE(engine->restore(Engine::to_bytes(beyond)).has_value());
}

TEST_CASE("a refused step leaves nothing behind for the next sample") {
  Model model{.name = "m", .dt = 1};
  model.populations = {{"in", {3, 4, 4}, Input{}},
                       {"pool", {3, 2, 2}, Relay{}},
                       {"if", {6}, If{.gain = {1e300}, .firing = {.threshold = {1e305}, .reset = Reset::subtract}}}};
  const std::vector<float> w(6 * 12, 1.0f);
  model.projections = {{0, 1, 0, Pool{.kernel = {2, 2}, .stride = {2, 2}}}, {1, 2, 0, Dense{w, {}}}};
  model.inputs = {{"in", 0}};
  model.outputs = {{"out", 2}};
  auto engine = Engine::make(model);
  REQUIRE(engine.has_value());
  std::vector<float> in(4 * 48);
  in[48 + 5] = 1;
  const auto run = [&](Engine& by) {
    State state = by.start();
    Window window{.steps = 4, .in = {in}};
    return by.run(state, window).has_value() ? window.out[0] : std::vector<double>{};
  };
  const auto wanted = run(*engine);
  REQUIRE_FALSE(wanted.empty());
  for (const float x : {std::numeric_limits<float>::infinity(), 3e38f}) {
    State state = engine->start();
    std::vector<float> too_much(4 * 48, x);
    Window window{.steps = 4, .in = {too_much}};
    CHECK_FALSE(engine->run(state, window).has_value());
    CHECK(run(*engine) == wanted);
  }
}

}  // namespace syn::snn::real
