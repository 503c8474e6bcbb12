#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "conversion/nir/lowering.hpp"
#include "conversion/nir/read.hpp"
#include "snn/real/engine.hpp"
#include "tests/conversion/nir/graphs.hpp"
#include "tests/conversion/nir/plain.hpp"

using namespace syn;
using namespace syn::testing;
namespace real = syn::snn::real;

namespace {

const std::filesystem::path kFolder = SYN_SOURCE_DIR "/../shared/data/nir";

bool absent() {
  if (std::filesystem::exists(kFolder)) return false;
  MESSAGE("skipped: ../shared/data/nir is not here");
  return true;
}

struct Trace {
  std::vector<float> input;
  std::vector<double> potential, spikes;
};
Trace trace(const char* name) {
  Trace out;
  std::ifstream file(kFolder / name);
  for (std::string line; std::getline(file, line);) {
    std::stringstream cells(line);
    double v[3] = {};
    char comma = 0;
    cells >> v[0] >> comma >> v[1] >> comma >> v[2];
    out.input.push_back(static_cast<float>(v[0]));
    out.potential.push_back(v[1]);
    out.spikes.push_back(v[2]);
  }
  return out;
}

real::Model lowered(const nir::Graph& graph, const nir::LowerOptions& options) {
  auto model = nir::lower(graph, options, "test");
  REQUIRE_MESSAGE(model.has_value(), model.error().where, ": ", model.error().what);
  return std::move(*model);
}

struct Ran {
  std::vector<double> out;
  std::vector<real::Record> records;
};
Ran run(const real::Model& model, std::span<const float> input, std::uint32_t steps,
        std::vector<real::Record> records = {}) {
  auto engine = real::Engine::make(model);
  REQUIRE_MESSAGE(engine.has_value(), engine.error().what);
  real::State state = engine->start();
  real::Window window{.steps = steps, .in = {input}};
  window.records = std::move(records);
  const auto work = engine->run(state, window);
  REQUIRE_MESSAGE(work.has_value(), work.error().what);
  return {window.out[0], window.records};
}

std::vector<std::size_t> times(const std::vector<double>& spikes) {
  std::vector<std::size_t> out;
  for (std::size_t t = 0; t < spikes.size(); ++t) {
    if (spikes[t] > 0) out.push_back(t);
  }
  return out;
}

}  // namespace

TEST_CASE("lowered by nir-euler, random graphs do what the equations say, step by step") {
  SeededRandom random(11);
  std::size_t spikes = 0;
  for (int i = 0; i < 120; ++i) {
    CAPTURE(i);
    const nir::Graph graph = random_graph(random);
    // dt of a millisecond against tau of 10: as the random parameters are chosen, potentials move.
    const double dt = 0.001;
    const real::Model model = lowered(graph, {.dialect = nir::Dialect::nir_euler, .dt = dt});
    const std::size_t size = real::neurons_of(model.populations[model.inputs[0].population].shape);
    Plain plain(graph, dt);
    constexpr std::uint32_t kSteps = 25;
    std::vector<float> input;
    std::vector<double> expected;
    for (std::uint32_t t = 0; t < kSteps; ++t) {
      std::vector<double> x(size);
      for (double& v : x) v = random.chance(0.5) ? static_cast<double>(random.below(60)) : 0;
      input.insert(input.end(), x.begin(), x.end());
      for (const double y : plain.step(x)) expected.push_back(y);
    }
    const Ran ran = run(model, input, kSteps);
    REQUIRE(ran.out.size() == expected.size());
    for (std::size_t k = 0; k < expected.size(); ++k) {
      REQUIRE(ran.out[k] == doctest::Approx(expected[k]).epsilon(1e-9));
      spikes += expected[k] != 0;
    }
  }
  CHECK(spikes > 1000);  // else nothing was compared
}

TEST_CASE("lif_norse.nir fires in every dialect when its framework did, and its potentials are met to 1e-6") {
  if (absent()) return;
  const auto graph = nir::read(kFolder / "lif_norse.nir");
  REQUIRE(graph.has_value());
  using nir::Dialect;
  using Times = std::vector<std::size_t>;
  const Times usual{460, 510, 710, 760}, early{450, 500, 710, 760}, late{461, 511, 711, 761};
  const struct {
    Dialect dialect;
    const Times& fires;
    const char* file;  // published potentials
    double scale;
  } cases[] = {{Dialect::nir_euler, usual, "lif_norse.csv", 1},
               {Dialect::norse, usual, "lif_norse.csv", 1},
               {Dialect::snntorch, usual, "lif_snntorch.csv", 0.04},
               {Dialect::nengo, usual, nullptr, 1},
               {Dialect::sinabs, early, nullptr, 1},
               {Dialect::rockpool, early, nullptr, 1},
               {Dialect::spikingjelly, usual, "lif_norse.csv", 1},
               {Dialect::spyx, late, nullptr, 1}};
  const Trace norse = trace("lif_norse.csv");
  for (const auto& c : cases) {
    CAPTURE(std::string(nir::rules_of(c.dialect).name));
    const real::Model model = lowered(*graph, {.dialect = c.dialect, .dt = 1e-4});
    CHECK(model.populations.size() == 2);  // the output is the neuron, the weight its projection
    const Ran ran = run(model, norse.input, 1000, {{model.outputs[0].population, real::Quantity::potential, {}}});
    CHECK(times(ran.out) == c.fires);
    if (!c.file) continue;
    const Trace published = trace(c.file);
    double worst = 0;
    for (std::size_t t = 0; t < 1000; ++t)
      worst = std::max(worst, std::abs(ran.records[0].values[t] - c.scale * published.potential[t]));
    CHECK(worst < 1e-6);
  }
}

TEST_CASE("the published convolutional and recurrent nets run end to end in every dialect that takes them") {
  if (absent()) return;
  SeededRandom random(3);
  const auto cnn = nir::read(kFolder / "cnn_sinabs.nir");
  const auto braille = nir::read(kFolder / "braille_noDelay_noBias_subtract.nir");
  REQUIRE(cnn.has_value());
  REQUIRE(braille.has_value());
  for (const auto name : nir::dialect_names()) {
    CAPTURE(std::string(name));
    const auto dialect = *nir::dialect_named(name);
    if (dialect == nir::Dialect::spikingjelly) {
      const auto refused = nir::lower(*cnn, {.dialect = dialect, .dt = 1e-3}, "cnn");
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().what.find("insists on r = 1/dt") != std::string::npos);
    } else {
      const double dt = dialect == nir::Dialect::nir_euler ? 1 : 1e-3;  // its IF adds r dt x, and r is 1
      const real::Model model = lowered(*cnn, {.dialect = dialect, .dt = dt});
      std::vector<float> events(50 * 2 * 34 * 34);
      for (float& e : events) e = random.chance(0.02) ? 1.0f : 0.0f;
      const Ran ran = run(model, events, 50);
      REQUIRE(ran.out.size() == 500);
      double most = 0, all = 0;
      for (const double y : ran.out) most = std::max(most, y), all += y;
      CHECK(all > 0);
      if (dialect != nir::Dialect::sinabs && dialect != nir::Dialect::rockpool) CHECK(most == 1);
    }
    const real::Model model = lowered(*braille, {.dialect = dialect, .dt = 1e-4});
    std::vector<float> taps(200 * 12);
    for (float& e : taps) e = random.chance(0.1) ? 1.0f : 0.0f;
    const Ran ran = run(model, taps, 200);
    CHECK(ran.out.size() == 1400);
    CHECK(!times(ran.out).empty());
  }
}

TEST_CASE("a recurrent pair flattened and in a subgraph gives the same spikes") {
  SeededRandom random(7);
  const nir::Tensor w = random_tensor(random, {4, 4}), in = random_tensor(random, {4, 3});
  nir::Graph flat = chain({3}, {nir::Linear{in}, lif({4})}, {4}), inner;
  flat.nodes["rec"].primitive = nir::Linear{w};
  flat.edges.insert(flat.edges.end(), {{"n1", "rec"}, {"rec", "n1"}});
  inner.nodes["input"].primitive = nir::Input{{4}};
  inner.nodes["lif"].primitive = lif({4});
  inner.nodes["rec"].primitive = nir::Linear{w};
  inner.nodes["output"].primitive = nir::Output{{4}};
  inner.edges = {{"rec", "lif"}, {"lif", "output"}, {"lif", "rec"}, {"input", "lif"}};
  const nir::Graph nested =
      chain({3}, {nir::Linear{in}, nir::Subgraph{std::make_shared<const nir::Graph>(inner)}}, {4});
  std::vector<float> input(60 * 3);
  for (float& x : input) x = static_cast<float>(random.below(90));
  const nir::LowerOptions options{.dialect = nir::Dialect::norse, .dt = 1e-3};
  const Ran a = run(lowered(flat, options), input, 60), b = run(lowered(nested, options), input, 60);
  CHECK(a.out == b.out);
  CHECK(times(a.out).size() > 10);
  CHECK(times(a.out).size() < 200);
}

TEST_CASE("a reset that is asked for takes the place of the dialect's, and dt has to be a time") {
  const nir::Graph graph = chain({1}, {lif({1})}, {1});
  const auto model = lowered(graph, {.dialect = nir::Dialect::norse, .dt = 1e-3, .reset = real::Reset::subtract});
  CHECK(std::get<real::Lif>(model.populations[1].neurons).firing.reset == real::Reset::subtract);
  CHECK_FALSE(nir::lower(graph, {.dt = 0}, "x").has_value());
  CHECK_FALSE(nir::lower(graph, {.dt = std::nan("")}, "x").has_value());
  nir::Graph loop = chain({1}, {nir::Delay{number(1e-5)}}, {1});
  loop.edges.emplace_back("n0", "n0");
  CHECK(nir::check(loop).has_value());
  CHECK_FALSE(nir::lower(loop, {.dt = 1e-3}, "x").has_value());  // the delay is no whole step
}
