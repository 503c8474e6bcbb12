#include <doctest/doctest.h>

#include <algorithm>

#include "interpreter.hpp"
#include "random_models.hpp"
#include "snn/engine.hpp"

namespace syn::snn {
namespace {

using namespace testing;

Engine made(Model model, std::string_view kernels = {}) {
  auto engine = Engine::make(std::move(model), kernels);
  REQUIRE_MESSAGE(engine.has_value(), engine.error().what);
  return std::move(*engine);
}

// The rows [first, first + rows) of an inference.
Window window_of(const std::vector<std::vector<std::vector<Count>>>& inputs, std::uint32_t first, std::uint32_t rows) {
  Window window;
  window.rows = rows;
  window.in.resize(inputs[0].size());
  for (std::uint32_t t = first; t < first + rows; ++t)
    for (std::size_t s = 0; s < window.in.size(); ++s)
      window.in[s].insert(window.in[s].end(), inputs[t][s].begin(), inputs[t][s].end());
  return window;
}

void compare(const Model& model, const std::vector<std::vector<std::vector<Count>>>& inputs, Random& random,
             bool constant) {
  const Interpreted expected = interpret(model, inputs);
  const Engine engine = made(model);
  State state;
  const std::uint64_t resident = made(model, Engine::kernel_names().back()).resident_bytes();
  for (const std::string_view kernels : Engine::kernel_names()) {
    CAPTURE(std::string(kernels));
    CHECK(made(model, kernels).resident_bytes() == resident);
    state = {};
    Window whole = window_of(inputs, 0, model.rows());
    if (constant)
      for (std::size_t s = 0; s < whole.in.size(); ++s) whole.in[s] = inputs[0][s];
    made(model, kernels).run(state, whole);
    CHECK(whole.potentials == expected.potentials);
    CHECK(whole.checksum == expected.checksum);
    CHECK(whole.spikes == expected.spikes);
    CHECK(whole.events == expected.events);
    state = {};
    whole.accounts = false;
    made(model, kernels).run(state, whole);
    CHECK(whole.potentials == expected.potentials);
    if (model.code != Code::step) CHECK(whole.checksum == 0);
  }

  // Any split into windows.
  State split;
  std::uint64_t checksum = 0, spikes = 0;
  for (std::uint32_t first = 0; first < model.rows();) {
    const std::uint32_t rows = 1 + static_cast<std::uint32_t>(random.below(model.rows() - first));
    Window window = window_of(inputs, first, rows);
    engine.run(split, window);
    checksum += window.checksum;
    spikes += window.spikes;
    first += rows;
    CHECK(window.potentials == (first == model.rows() ? expected.potentials : std::vector<std::int32_t>{}));
  }
  CHECK(checksum == expected.checksum);
  CHECK(spikes == expected.spikes);
  CHECK(split == state);
  if (!constant) return;

  // A constant row need come with the first window only, and its work is then done once, whatever the windows.
  Window whole = window_of(inputs, 0, model.rows());
  whole.in = inputs[0];
  State at_once, kept;
  const std::uint64_t synops = engine.run(at_once, whole).synaptic_operations;
  std::uint64_t counted = 0, summed = 0;
  for (std::uint32_t first = 0; first < model.rows();) {
    Window window;
    window.rows = 1 + static_cast<std::uint32_t>(random.below(model.rows() - first));
    window.in.resize(inputs[0].size());
    if (first == 0) window.in = inputs[0];
    counted += engine.run(kept, window).synaptic_operations;
    summed += window.checksum;
    first += window.rows;
    if (first == model.rows()) CHECK(window.potentials == expected.potentials);
  }
  CHECK(summed == expected.checksum);
  CHECK(counted == synops);
  CHECK(kept == state);
}

}  // namespace

TEST_CASE("the engine equals a per-neuron interpreter on random models of every kind, in every code") {
  SeededRandom random(20);
  for (int round = 0; round < 240; ++round) {
    CAPTURE(round);
    RandomOptions options;
    options.code = static_cast<Code>(round % 3);
    options.steps = pick(random, 1, options.code == Code::phase ? kGreatestPhase : 12);
    options.pixel_padding = random.below(2) == 0;
    const Model model = random_model(random, options);
    const bool constant = random.below(2) == 0;
    std::vector<std::vector<std::vector<Count>>> inputs(model.rows());
    const auto density = static_cast<std::uint32_t>(random.below(101));
    for (std::size_t t = 0; t < inputs.size(); ++t)
      inputs[t].push_back(
          constant && t > 0 ? inputs[0][0] : random_counts(random, model.populations[0].shape.neurons(), 255, density));
    compare(model, inputs, random, constant);
  }
}

TEST_CASE("silent rows cost no update where neurons rest without bias, and change nothing") {
  SeededRandom random(25);
  std::uint64_t spared = 0;
  for (int round = 0; round < 120; ++round) {
    CAPTURE(round);
    RandomOptions options;
    options.code = Code::step;
    options.steps = 12;
    options.pixel_padding = round % 4 == 0;
    Model model = random_model(random, options);
    for (Population& p : model.populations) {
      if (auto* fire = std::get_if<IntegrateAndFire>(&p.kind); fire && random.below(4) != 0)
        std::ranges::fill(fire->bias, 0);
      if (auto* readout = std::get_if<Readout>(&p.kind)) std::ranges::fill(readout->bias, 0);
    }
    std::vector<std::vector<std::vector<Count>>> inputs(model.rows());
    std::uint64_t neurons = 0;
    for (const Population& p : model.populations)
      if (!std::holds_alternative<Source>(p.kind)) neurons += p.shape.neurons();
    for (auto& row : inputs)
      row.push_back(random_counts(random, model.populations[0].shape.neurons(), 255, random.below(4) == 0 ? 30 : 0));
    compare(model, inputs, random, false);
    State state;
    Window window = window_of(inputs, 0, model.rows());
    spared += neurons * model.rows() - made(model).run(state, window).neuron_updates;
  }
  CHECK(spared > 1000);
}

TEST_CASE("leaky, adaptive and current-based neurons, delays and recurrence equal the interpreter at any split") {
  SeededRandom random(26);
  std::uint64_t spikes = 0;
  for (int round = 0; round < 240; ++round) {
    CAPTURE(round);
    RandomOptions options;
    options.code = Code::step;
    options.steps = pick(random, 1, 16);
    options.pixel_padding = random.below(3) == 0;
    options.leaky = round % 3 != 0;
    options.late = round % 3 != 1;
    const Model model = random_model(random, options);
    const bool constant = random.below(3) == 0;
    std::vector<std::vector<std::vector<Count>>> inputs(model.rows());
    const auto density = static_cast<std::uint32_t>(random.below(101));
    for (std::size_t t = 0; t < inputs.size(); ++t)
      inputs[t].push_back(constant && t > 0 ? inputs[0][0]
                                            : random_counts(random, model.populations[0].shape.neurons(), 255,
                                                            random.below(3) == 0 ? density : 0));
    compare(model, inputs, random, constant);
    spikes += interpret(model, inputs).spikes;
  }
  CHECK(spikes > 100'000);
}

TEST_CASE("potentials between two windows are those of every single step, postponed leaks included") {
  SeededRandom random(27);
  std::uint64_t owed = 0, spared = 0;
  for (int round = 0; round < 60; ++round) {
    CAPTURE(round);
    Model model = random_model(random, {.code = Code::step, .steps = 40, .pixel_padding = false, .leaky = true});
    for (Population& p : model.populations)
      if (auto* readout = std::get_if<Readout>(&p.kind)) std::ranges::fill(readout->bias, 0);
    std::vector<std::vector<std::vector<Count>>> inputs(model.rows());
    for (auto& row : inputs)
      row.push_back(random_counts(random, model.populations[0].shape.neurons(), 255, random.below(8) == 0 ? 10 : 0));
    const Interpreted expected = interpret(model, inputs);
    const Engine engine = made(model);
    State state;
    for (std::uint32_t t = 0; t < model.rows(); ++t) {
      Window window = window_of(inputs, t, 1);
      const Work work = engine.run(state, window);
      for (const std::uint32_t steps : state.owed) owed += steps;
      spared += work.neuron_updates == 0;
      for (std::uint32_t p = 0; p < model.populations.size(); ++p)
        if (membrane_of(model.populations[p])) CHECK(engine.potentials(state, p) == expected.membranes[t][p]);
    }
  }
  CHECK(owed > 1000);
  CHECK(spared > 50);
}

TEST_CASE("kernels that the machine does not have are refused by name") {
  SeededRandom random(24);
  const auto engine = Engine::make(random_model(random, {}), "mmx");
  REQUIRE_FALSE(engine.has_value());
  CHECK(engine.error().what.find("'mmx'") != std::string::npos);
  CHECK(Engine::kernel_names().back() == "reference");
}

TEST_CASE("a sum next to 2^31 fires with the least of thresholds, too") {
  for (const std::int32_t theta : {1, 2, 3}) {
    Model model{.name = "edge", .code = Code::volley, .steps = 1};
    const auto add = [&](const char* name, auto kind) {
      Population p;
      p.name = name;
      p.shape = {1, 1, 1};
      p.greatest = 1;
      p.kind = std::move(kind);
      model.populations.push_back(std::move(p));
    };
    add("in", Source{});
    add("fire", IntegrateAndFire{.threshold = {theta}, .bias = {std::numeric_limits<std::int32_t>::max() - 1 - theta}});
    add("out", Readout{.bias = {0}});
    model.projections = {{.from = 0, .to = 1, .connection = Dense{{1}}},
                         {.from = 1, .to = 2, .connection = Dense{{5}}}};
    model.outputs = {"out"};
    State state;
    Window window;
    window.in = {{1}};
    made(model).run(state, window);
    CHECK(window.potentials == std::vector<std::int32_t>{5});
  }
}

TEST_CASE("outputs are every row of the populations asked for") {
  SeededRandom random(21);
  for (const Code code : {Code::volley, Code::step, Code::phase}) {
    Model model = random_model(random, {.code = code, .steps = 6});
    model.outputs.insert(model.outputs.begin(), model.populations[1].name);
    const std::vector<std::vector<std::vector<Count>>> inputs(
        model.rows(), {random_counts(random, model.populations[0].shape.neurons(), 255, 60)});
    const Interpreted expected = interpret(model, inputs);
    State state;
    Window window = window_of(inputs, 0, model.rows());
    made(model).run(state, window);
    REQUIRE(window.out.size() == 1);
    std::vector<std::int64_t> rows;
    for (const auto& row : expected.counts) rows.insert(rows.end(), row[1].begin(), row[1].end());
    CHECK(std::ranges::equal(window.out[0], rows));
  }
}

TEST_CASE("work counts every pair of a non-zero count and a non-zero weight, once") {
  SeededRandom random(22);
  for (int round = 0; round < 20; ++round) {
    const Model model = random_model(random, {.code = Code::volley, .steps = 4, .pixel_padding = false});
    const std::vector<std::vector<std::vector<Count>>> inputs{
        {random_counts(random, model.populations[0].shape.neurons(), 255, 30)}};
    const Interpreted expected = interpret(model, inputs);
    std::uint64_t pairs = 0;
    for (const Projection& projection : model.projections) {
      if (std::holds_alternative<MaxPool>(projection.connection)) continue;
      for (std::uint32_t n = 0; n < model.populations[projection.to].shape.neurons(); ++n)
        each_synapse(model, projection, expected.counts[0][projection.from], n,
                     [&](std::int64_t c, std::int64_t w) { pairs += c != 0 && w != 0; });
    }
    State state;
    Window window = window_of(inputs, 0, 1);
    CHECK(made(model).run(state, window).synaptic_operations == pairs);
  }
}

TEST_CASE("sum_inputs gives the weighted sums without bias") {
  SeededRandom random(23);
  for (int round = 0; round < 20; ++round) {
    const Model model = random_model(random, {.code = Code::volley, .steps = 4});
    const std::vector<std::vector<std::vector<Count>>> inputs{
        {random_counts(random, model.populations[0].shape.neurons(), 255, 50)}};
    const Interpreted run = interpret(model, inputs);
    const auto last = static_cast<std::uint32_t>(model.populations.size() - 1);
    std::vector<std::vector<Count>> counts;
    for (const auto& population : run.counts[0]) counts.emplace_back(population.begin(), population.end());
    const std::vector<std::span<const Count>> views(counts.begin(), counts.end());
    std::vector<std::int32_t> sums(model.populations[last].shape.neurons());
    made(model).sum_inputs(last, views, sums);
    const auto& bias = std::get<Readout>(model.populations[last].kind).bias;  // one a class: a readout has one position
    for (std::size_t i = 0; i < sums.size(); ++i) CHECK(sums[i] + bias[i] == run.potentials[i]);
  }
}

}  // namespace syn::snn
