// Whatever is wrong with a model is refused by name, before memory is taken for it.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "random_graphs.hpp"
#include "snn/real/engine.hpp"

namespace syn::snn::real {
namespace {

// in (2x4x4) -> conv -> lif (3x4x4) -> dense -> li (5)
Model good() {
  Model model{.name = "good", .dt = 1e-3};
  model.populations = {{"in", {2, 4, 4}, Input{}}, {"hidden", {3, 4, 4}, Lif{}}, {"out", {5}, Li{}}};
  Conv conv{.kernel = {3, 3}, .pad_begin = {1, 1}, .pad_end = {1, 1}, .weights = std::vector<float>(3 * 2 * 9)};
  model.projections = {{0, 1, 0, conv},
                       {1, 2, 0, Dense{std::vector<float>(5 * 48), {}}},
                       {2, 1, 1, Dense{std::vector<float>(48 * 5), {}}}};
  model.inputs = {{"x", 0}};
  model.outputs = {{"y", 2}};
  return model;
}
template <class K>
K& kind(Model& model, std::size_t population) {
  return std::get<K>(model.populations[population].neurons);
}
template <class C>
C& connection(Model& model, std::size_t projection) {
  return std::get<C>(model.projections[projection].connection);
}

// Says every single value for each of 300 neurons.
struct Widen {
  void parameter(const char*, Parameter& p, Range) {
    if (p.size() == 1) p.assign(300, p[0]);
  }
  template <class E>
  void option(const char*, E&, E) {}
  void count(const char*, std::uint32_t&, std::uint32_t) {}
};

}  // namespace

TEST_CASE("a model that breaks a rule is refused by the rule's name") {
  REQUIRE(Engine::make(good()).has_value());
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const struct {
    const char* says;
    std::function<void(Model&)> breaks;
  } cases[] = {
      {"a step of 0", [](Model& m) { m.dt = 0; }},
      {"a step of nan", [](Model& m) { m.dt = kNan; }},
      {"no population", [](Model& m) { m.populations.clear(); }},
      {"two populations are called 'in'", [](Model& m) { m.populations[2].name = "in"; }},
      {"'out': its shape has 0 sides", [](Model& m) { m.populations[2].shape = {}; }},
      {"'out': a side of its shape is 0",
       [](Model& m) {
         m.populations[2].shape = {4, 0};
       }},
      {"'out': it has more than",
       [](Model& m) {
         m.populations[2].shape = {1u << 31, 1u << 31, 1u << 31};
       }},
      {"'hidden': its tau_mem must be above 0", [](Model& m) { kind<Lif>(m, 1).membrane.tau = {0}; }},
      {"'hidden': its tau_mem has a value that is not finite", [](Model& m) { kind<Lif>(m, 1).membrane.tau = {kNan}; }},
      {"'hidden': its threshold has 2 values where 1 or 48",
       [](Model& m) {
         kind<Lif>(m, 1).firing.threshold = {1, 1};
       }},
      {"'hidden': its v0 has 0 values", [](Model& m) { kind<Lif>(m, 1).v0 = {}; }},
      {"'hidden': its reset is 7", [](Model& m) { kind<Lif>(m, 1).firing.reset = static_cast<Reset>(7); }},
      {"'hidden': its refractory is", [](Model& m) { kind<Lif>(m, 1).firing.refractory = ~0u; }},
      {"'hidden': it may fire 0 spikes", [](Model& m) { kind<Lif>(m, 1).firing.most = 0; }},
      {"'hidden': several spikes a step need",
       [](Model& m) { kind<Lif>(m, 1).firing.most = 2, kind<Lif>(m, 1).firing.threshold = {0}; }},
      {"'out': exact integration is for kind lif",
       [](Model& m) { kind<Li>(m, 2).membrane.integration = Integration::exact; }},
      {"'hidden': exact integration resets to a value",
       [](Model& m) {
         kind<Lif>(m, 1).membrane.integration = Integration::exact;
         kind<Lif>(m, 1).firing.reset = Reset::subtract;
       }},
      {"populations that are not there", [](Model& m) { m.projections[0].from = 3; }},
      {"from 'in' to 'hidden': a delay of", [](Model& m) { m.projections[0].delay = ~0u; }},
      {"from 'hidden' to 'in': nothing may lead to an input",
       [](Model& m) {
         m.projections.push_back({1, 0, 1, Identity{}});
       }},
      {"from 'hidden' to 'out': its weights has 239 values where 240",
       [](Model& m) { connection<Dense>(m, 1).weights.pop_back(); }},
      {"a value of its weights is not finite",
       [](Model& m) { connection<Dense>(m, 1).weights[7] = std::numeric_limits<float>::infinity(); }},
      {"its bias has 4 values where 5", [](Model& m) { connection<Dense>(m, 1).bias.resize(4); }},
      {"its window has 3 places on a side of 4 where the target has 4",
       [](Model& m) { connection<Conv>(m, 0).pad_end[0] = 0; }},
      {"its 2 groups do not divide", [](Model& m) { connection<Conv>(m, 0).groups = 2; }},
      {"its 0 groups", [](Model& m) { connection<Conv>(m, 0).groups = 0; }},
      {"a side of its window is 0", [](Model& m) { connection<Conv>(m, 0).stride[1] = 0; }},
      {"a side of its window is 4294967295", [](Model& m) { connection<Conv>(m, 0).kernel[1] = ~0u; }},
      {"it needs shapes of channels", [](Model& m) { m.populations[0].shape = {32}; }},
      {"it joins 48 neurons to 5", [](Model& m) { m.projections[1].connection = Identity{}; }},
      {"it joins 48 neurons to 5", [](Model& m) { m.projections[1].connection = Scale{{1}}; }},
      {"its steps has 3 values where 48",
       [](Model& m) {
         m.projections.push_back({1, 1, 1, Delays{{1, 2, 3}}});
       }},
      {"its row has 0 values where 6", [](Model& m) { m.projections[1].connection = Sparse{}; }},
      {"its rows do not begin at 0",
       [](Model& m) {
         m.projections[1].connection = Sparse{{0, 1, 0, 1, 1, 1}, {0}, {1}, {}};
       }},
      {"the sources of row 1 do not ascend below 48",
       [](Model& m) {
         m.projections[1].connection = Sparse{{0, 0, 2, 2, 2, 2}, {5, 5}, {1, 1}, {}};
       }},
      {"the sources of row 0 do not ascend below 48",
       [](Model& m) {
         m.projections[1].connection = Sparse{{0, 1, 1, 1, 1, 1}, {48}, {1}, {}};
       }},
      {"it joins different numbers of channels", [](Model& m) { m.projections[0].connection = Pool{}; }},
      {"a cycle without delay, in or behind which are 'hidden', 'out'", [](Model& m) { m.projections[2].delay = 0; }},
      {"the input 'x' leads to 'out'", [](Model& m) { m.inputs[0].population = 2; }},
      {"the input population 'in' is not fed", [](Model& m) { m.inputs.clear(); }},
      {"'in' is fed by two inputs",
       [](Model& m) {
         m.inputs.push_back({"z", 0});
       }},
      {"two inputs are called 'x'",
       [](Model& m) {
         m.inputs.push_back({"x", 0});
       }},
      {"two outputs are called 'y'",
       [](Model& m) {
         m.outputs.push_back({"y", 0});
       }},
      {"the output 'y' names a population that is not there", [](Model& m) { m.outputs[0].population = 9; }},
      {"need more than",
       [](Model& m) {
         m.populations.push_back({"wide", {1 << 20}, Relay{}});
         m.projections.push_back({3, 3, 1 << 20, Identity{}});
       }},
  };
  for (const auto& one : cases) {
    CAPTURE(one.says);
    Model model = good();
    one.breaks(model);
    const auto engine = Engine::make(std::move(model));
    REQUIRE_FALSE(engine.has_value());
    CHECK_MESSAGE(engine.error().what.find(one.says) != std::string::npos, engine.error().what);
    CHECK(engine.error().where.find("good") != std::string::npos);
    CHECK_FALSE(engine.error().todo.empty());
  }
  CHECK_FALSE(Engine::make(good(), "z80").has_value());
}

TEST_CASE("a parameter of one value means the same as that value for every neuron") {
  SeededRandom random(73);
  testing::Graphs graphs(random);
  for (std::uint32_t which = 1; which < 10; ++which) {
    for (int round = 0; round < 10; ++round) {
      Model one{.name = "one", .dt = 1e-3};
      one.populations = {{"in", {300}, Input{}}, {"n", {300}, graphs.kind(which, 1)}};
      one.projections = {{0, 1, 0, Identity{}}};
      one.inputs = {{"x", 0}}, one.outputs = {{"y", 1}};
      Model many = one;
      std::visit([]<class K>(K& k) { K::fields(k, Widen{}); }, many.populations[1].neurons);
      REQUIRE(one != many);
      const auto in = graphs.inputs(one, 12);
      std::vector<std::vector<double>> out;
      for (const Model& model : {one, many}) {
        auto engine = Engine::make(model);
        REQUIRE_MESSAGE(engine.has_value(), engine.error().what);
        State state = engine->start();
        Window window{.steps = 12, .in = {in[0]}};
        (void)engine->run(state, window);
        out.push_back(window.out[0]);
      }
      CHECK(out[0] == out[1]);
    }
  }
}

}  // namespace syn::snn::real
