#include <doctest/doctest.h>

#include <algorithm>

#include "conversion/nir/lowering.hpp"
#include "conversion/nir/raising.hpp"
#include "conversion/nir/read.hpp"
#include "conversion/nir/write.hpp"
#include "snn/real/engine.hpp"
#include "tests/conversion/nir/graphs.hpp"

using namespace syn;
using namespace syn::testing;
namespace real = syn::snn::real;

namespace {

std::vector<double> run(const real::Model& model, std::span<const float> input, std::uint32_t steps) {
  auto engine = real::Engine::make(model);
  REQUIRE_MESSAGE(engine.has_value(), engine.error().what);
  real::State state = engine->start();
  real::Window window{.steps = steps, .in = {input}};
  REQUIRE(engine->run(state, window).has_value());
  return window.out[0];
}

}  // namespace

TEST_CASE("lowered, raised, written, read and lowered again, a graph runs the same") {
  SeededRandom random(21);
  std::size_t spikes = 0, refused = 0;
  for (int i = 0; i < 100; ++i) {
    CAPTURE(i);
    const nir::Graph graph = random_graph(random);
    const nir::LowerOptions options{.dialect = nir::Dialect::norse, .dt = 1e-3};
    const auto model = nir::lower(graph, options, "first");
    REQUIRE(model.has_value());
    const auto raised = nir::raise(*model, "model");
    if (!raised) {  // 'same' padding of an even kernel
      CHECK_MESSAGE(raised.error().what.find("padding that differs") != std::string::npos, raised.error().what);
      ++refused;
      continue;
    }
    const auto bytes = nir::write(*raised);
    REQUIRE_MESSAGE(bytes.has_value(), bytes.error().where, ": ", bytes.error().what);
    const auto again = nir::read(*bytes, "again");
    REQUIRE(again.has_value());
    const auto second = nir::lower(*again, options, "second");
    REQUIRE_MESSAGE(second.has_value(), second.error().where, ": ", second.error().what);
    std::vector<float> input(20 * real::neurons_of(model->populations[model->inputs[0].population].shape));
    for (float& x : input) x = random.chance(0.5) ? static_cast<float>(random.below(60)) : 0;
    const auto a = run(*model, input, 20), b = run(*second, input, 20);
    REQUIRE(a.size() == b.size());
    for (std::size_t k = 0; k < a.size(); ++k) {
      REQUIRE(a[k] == doctest::Approx(b[k]).epsilon(1e-12));
      spikes += a[k] != 0;
    }
  }
  CHECK(spikes > 1000);
  CHECK(refused < 30);
}

TEST_CASE("a recurrent pair is exported as a plain cycle, a delay elsewhere as a Delay") {
  nir::Graph graph = chain({2}, {nir::Linear{filled({3, 2}, 1)}, lif({3})}, {3});
  graph.nodes["rec"].primitive = nir::Linear{filled({3, 3}, 1)};
  graph.edges.insert(graph.edges.end(), {{"n1", "rec"}, {"rec", "n1"}});
  const auto count = [](const nir::Graph& g) {
    return std::count_if(g.nodes.begin(), g.nodes.end(),
                         [](const auto& n) { return std::holds_alternative<nir::Delay>(n.second.primitive); });
  };
  const auto raised = nir::raise(*nir::lower(graph, {.dt = 1e-3}, "x"), "x");
  REQUIRE(raised.has_value());
  CHECK(count(*raised) == 0);
  auto late = *nir::lower(graph, {.dt = 1e-3}, "x");
  for (auto& projection : late.projections) projection.delay += 1;
  const auto spelled = nir::raise(late, "x");
  REQUIRE(spelled.has_value());
  CHECK(count(*spelled) == 2);
  CHECK(nir::lower(*spelled, {.dt = 1e-3}, "x").has_value());
}

TEST_CASE("what NIR cannot say is refused by the population's name") {
  real::Model model{.name = "m", .populations = {{"in", {2}, real::Input{}}, {"cells", {2}, real::Izhikevich{}}}};
  model.projections = {{0, 1, 0, real::Identity{}}};
  model.inputs = {{"in", 0}};
  model.outputs = {{"out", 1}};
  const auto says = [&](const std::string& part) {
    const auto raised = nir::raise(model, "m.syn");
    REQUIRE_FALSE(raised.has_value());
    CHECK(raised.error().where == "m.syn, population 'cells'");
    CHECK_MESSAGE(raised.error().what.find(part) != std::string::npos, raised.error().what);
  };
  says("NIR has no Izhikevich neurons");
  model.populations[1].neurons = real::AdaptiveLif{};
  says("adaptive threshold");
  model.populations[1].neurons = real::Lif{.firing = {.refractory = 2}};
  says("refractory time");
  model.populations[1].neurons = real::Lif{.v0 = {0.5}};
  says("initial potential");
}
