#include "conversion/fixed/fixed.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "conversion/fixed/distance.hpp"
#include "random_nets.hpp"
#include "snn/engine.hpp"
#include "snn/model_file.hpp"
#include "tests/snn/real/random_graphs.hpp"

namespace syn::fixed {
namespace {

using namespace testing;

// in (4 neurons) -> hidden -> an output
real::Model small(real::Neurons hidden) {
  real::Model m{.name = "small", .dt = 1e-3};
  m.populations = {{"in", {4}, real::Input{}}, {"hidden", {2}, std::move(hidden)}};
  m.projections = {{0, 1, 0, real::Dense{.weights = {0.5f, 0.25f, -0.5f, 0.125f, 1, 1, 1, 1}, .bias = {}}}};
  m.inputs = {{"in", 0}};
  m.outputs = {{"out", 1}};
  return m;
}
std::string refusal(const real::Model& m, const Options& options = {.steps = 10, .inputs = {}}) {
  const auto fixed = to_integer(m, options);
  return fixed ? "" : fixed.error().what + " | " + fixed.error().where;
}
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}
// The same graph without most of what has no integer form.
real::Model tamed(real::Model m) {
  for (auto& p : m.populations) {
    if (std::holds_alternative<real::Izhikevich>(p.neurons) || std::holds_alternative<real::Li>(p.neurons) ||
        std::holds_alternative<real::CubaLi>(p.neurons) || std::holds_alternative<real::Integrator>(p.neurons))
      p.neurons = real::Threshold{};
    std::visit(
        [](auto& kind) {
          if constexpr (requires { kind.firing; }) kind.firing.order = real::Order::update_fire_reset;
          if constexpr (requires { kind.i0; }) kind.i0 = {0};
          if constexpr (requires { kind.b0; }) kind.b0 = {0};
          if constexpr (requires { kind.membrane; })
            if (kind.membrane.integration == real::Integration::exact)
              kind.membrane.integration = real::Integration::exponential_euler;
        },
        p.neurons);
  }
  for (auto& port : m.outputs)
    for (std::uint32_t p = 0; p < m.populations.size(); ++p)
      if (!std::holds_alternative<real::Input>(m.populations[p].neurons) &&
          !std::holds_alternative<real::Relay>(m.populations[p].neurons))
        port.population = p;
  return m;
}
Distance distance_of(const real::Model& m, const Fixed& fixed, const std::vector<std::vector<float>>& inputs,
                     std::uint32_t steps) {
  auto comparison = Comparison::make(m, fixed);
  REQUIRE_MESSAGE(comparison.has_value(), comparison.error().what);
  const std::vector<std::span<const float>> views(inputs.begin(), inputs.end());
  const auto added = comparison->add(views, steps);
  REQUIRE_MESSAGE(added.has_value(), added.error().what);
  return comparison->distance();
}

}  // namespace

TEST_CASE("no potential leaves its stated bound while float's spikes come in and go out, whatever the network") {
  SeededRandom random(41);
  std::uint64_t spikes = 0, coincident = 0, populations = 0;
  double closest = 0;
  for (int round = 0; round < 250; ++round) {
    CAPTURE(round);
    Nets nets(random);
    const real::Model m = nets.make();
    const std::uint32_t steps = 1 + static_cast<std::uint32_t>(random.below(60));
    const auto inputs = nets.inputs(m, steps);
    Options options{.steps = steps, .inputs = {}};
    for (const auto& values : inputs) options.inputs.push_back(code_for(values));
    const auto fixed = to_integer(m, options);
    REQUIRE_MESSAGE(fixed.has_value(), fixed.error().what << " | " << fixed.error().where);
    const Distance d = distance_of(m, *fixed, inputs, steps);
    CHECK(d.clipped == 0);
    for (const auto& of : d.populations) {
      CAPTURE(fixed->model.populations[fixed->places[of.place].population].name);
      if (of.potential_error) CHECK(of.bound_share <= 1);
      closest = std::max(closest, of.bound_share);
      spikes += of.alone.in_float;
      coincident += of.alone.coincident;
      ++populations;
    }
    // The same network gives the same file, and the file the same network.
    const auto again = to_integer(m, options);
    const Bytes bytes = snn::write_model(fixed->model);
    CHECK(snn::write_model(again->model) == bytes);
    const auto read = snn::read_model(bytes, "a test");
    REQUIRE(read.has_value());
    CHECK(*read == fixed->model);
  }
  CHECK(populations > 600);
  CHECK(closest > 0.2);  // the bounds say something
  CHECK(coincident > spikes * 9 / 10);
}

TEST_CASE("weights, thresholds and inputs that 8 bits meet exactly give float's own spikes") {
  SeededRandom random(42);
  for (const auto comparison : {real::Comparison::greater, real::Comparison::greater_or_equal})
    for (const auto reset : {real::Reset::subtract, real::Reset::to_value}) {
      // Integers up to 127 against thresholds that are met exactly now and then: > and >= differ.
      real::Model m = small(real::If{
          .gain = {1}, .firing = {.threshold = {40, 20}, .v_reset = {-3}, .comparison = comparison, .reset = reset}});
      std::get<real::Dense>(m.projections[0].connection).weights = {127, 20, -10, 5, 127, -10, 10, 20};
      std::vector<float> x(4 * 200);
      for (float& value : x) value = static_cast<float>(random.below(2));
      const auto fixed = to_integer(m, {.steps = 200, .inputs = {code_for(x)}});
      REQUIRE(fixed.has_value());
      const Distance d = distance_of(m, *fixed, {x}, 200);
      CHECK(d.populations[0].whole.in_float > 20);
      CHECK(d.populations[0].whole.coincidence() == 1);
      CHECK(*d.populations[0].potential_error == 0);
      CHECK(d.outputs[0].agreeing == 1);
    }
}

TEST_CASE("kinds and rules without an integer form are refused by name, with the reason") {
  CHECK(refusal(small(real::Lif{.membrane = {.tau = {0.01}}})) == "");
  CHECK(has(refusal(small(real::Izhikevich{})), "Izhikevich neurons stay in the float profile"));
  CHECK(has(refusal(small(real::Izhikevich{})), "population 'hidden'"));
  CHECK(has(refusal(small(real::Lif{.membrane = {.tau = {0.01}, .integration = real::Integration::exact}})),
            "exact integration"));
  CHECK(has(refusal(small(real::Lif{.membrane = {.tau = {0.0005}}})), "shorter than dt"));
  CHECK(has(refusal(small(real::Lif{.membrane = {.tau = {0.01}}, .firing = {.order = real::Order::fire_update_reset}})),
            "a step late"));
  CHECK(has(refusal(small(real::CubaLif{.synapse = {.tau = {0.01}, .read = real::CurrentRead::undecayed},
                                        .membrane = {.tau = {0.01}}})),
            "before it has decayed"));
  CHECK(has(refusal(small(real::CubaLif{.synapse = {.tau = {0.01}}, .membrane = {.tau = {0.01}}, .i0 = {1}})),
            "its current does not start at 0"));
  CHECK(has(refusal(small(real::Lif{.membrane = {.tau = {0.01}}}), {.steps = 0, .inputs = {}}), "0 steps"));
  real::Model m = small(real::Li{.membrane = {.tau = {0.01}}});
  CHECK(refusal(m) == "");
  m.populations.push_back({"behind", {2}, real::Threshold{}});
  m.projections.push_back({1, 2, 0, real::Identity{}});
  m.outputs = {{"out", 2}};
  CHECK(has(refusal(m), "it hands on its potential"));
  m = small(real::Relay{});
  m.populations.push_back({"behind", {2}, real::Threshold{}});
  m.projections.push_back({1, 2, 0, real::Identity{}});
  m.outputs = {{"out", 2}};
  CHECK(has(refusal(m), "no neuron stands between two linear maps"));
}

TEST_CASE("any float model is converted and runs beside float, or is refused with a reason") {
  SeededRandom random(43);
  int converted = 0;
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    snn::real::testing::Graphs graphs(random);
    const real::Model m = round % 3 == 0 ? graphs.make() : tamed(graphs.make());
    const std::uint32_t steps = 8;
    const auto inputs = graphs.inputs(m, steps);
    Options options{.steps = steps, .inputs = {}};
    for (const auto& values : inputs) options.inputs.push_back(code_for(values));
    const auto fixed = to_integer(m, options);
    if (!fixed) {
      CHECK(!fixed.error().what.empty());
      CHECK(!fixed.error().todo.empty());
      continue;
    }
    ++converted;
    for (const auto& of : distance_of(m, *fixed, inputs, steps).populations)
      if (of.potential_error) CHECK(of.bound_share <= 1);
  }
  CHECK(converted > 5);
}

TEST_CASE("inputs are met exactly where whole multiples of their smallest number do, else rounded over their range") {
  const std::vector<float> events{0, 2, 0, 3}, tenths{0, 0.1f, -0.2f, 0.3f}, any{0.13f, -1, 2.7f}, nothing{0, 0};
  CHECK(code_for(events).scale == 1);
  CHECK(code_for(events).exact);
  CHECK(code_for(events).most == 3);
  CHECK(code_for(tenths).exact);
  CHECK(code_for(tenths).zero == 2);
  CHECK(code_for(tenths).scale == doctest::Approx(10));
  CHECK_FALSE(code_for(any).exact);
  CHECK(code_for(any).scale == doctest::Approx(255 / 3.7));
  CHECK(code_for(nothing).scale == 1);
}

}  // namespace syn::fixed
