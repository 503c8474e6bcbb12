// A residual whose long branch crosses nodes that the short one skips: the short edge must hold what the long branch
// has not brought yet, or both ends wait for each other.
#include "nodes/client.hpp"
#include "tests/nodes/mesh.hpp"

using namespace syn;
using namespace syn::testing;
using namespace std::chrono_literals;

namespace {

// in -> a -> b -> c -> d -> readout, and a -> d. Every population of it is a piece.
snn::Model residual(Random& random) {
  snn::testing::ModelBuilder b(random, {.code = snn::Code::step, .steps = 6, .branches = false});
  const snn::Shape shape{4, 4, 6};
  const auto layer = [&](std::uint32_t from) {
    const auto to = b.neurons(shape, 3000);
    snn::Conv conv{.kernel_height = 3, .kernel_width = 3, .pad_top = 1, .pad_left = 1, .weights = {}};
    conv.weights = snn::testing::random_weights(random, std::size_t{9} * b.shape(from).channels * 6);
    b.join(from, to, conv);
    return to;
  };
  const auto a = layer(b.input({4, 4, 1}));
  const auto d = layer(layer(layer(a)));
  b.join(a, d, b.one_to_one(a, 0));
  const auto out = b.readout(3);
  b.join(d, out, snn::Dense{snn::testing::random_weights(random, std::size_t{96} * 3)});
  return b.take();
}

struct Scene : Mesh {
  Scene() : Mesh(5) {
    SeededRandom random(8);
    model = residual(random);
    inputs = random_inputs(model, random, 40);
  }
  // One population a node, windows of one row.
  nodes::Planned spread(std::uint32_t in_flight) const {
    auto planned = plan(model, kClient, in_flight, 1);
    for (const auto& shard : planned.plan.shards) REQUIRE(shard.pieces.size() == 1);
    return planned;
  }
  static bool skips(const EdgeSpec& e) { return e.from_shard == 0 && e.to_shard == 3; }
  static void each_edge(Plan& plan, auto&& fn) {
    for (auto& shard : plan.shards) {
      for (auto& e : shard.spec.in) fn(e);
      for (auto& e : shard.spec.out) fn(e);
    }
  }
  snn::Model model;
  Inputs inputs;
};

}  // namespace

TEST_CASE("with the smallest legal credit a residual over five nodes gives every result, and its bits") {
  for (const std::uint32_t in_flight : {1u, 2u, 5u}) {
    CAPTURE(in_flight);
    Scene scene;
    auto planned = scene.spread(in_flight);
    std::size_t skipping = 0;
    Scene::each_edge(planned.plan, [&](EdgeSpec& e) {
      const bool once = e.constant || e.potentials || e.from_shard == kGateway;
      e.credit = in_flight * (once ? 1 : 6);
      skipping += Scene::skips(e);
    });
    REQUIRE(skipping == 2);  // both ends
    REQUIRE(nodes::check(planned.plan, scene.model).has_value());
    // The long branch is slow where the short one does not pass.
    scene.world.slow(NodeId{2}, 20);
    std::map<std::uint64_t, nodes::Outcome> outcomes;
    scene.client().on_outcome([&](const nodes::Outcome& o) { outcomes[o.id.value] = o; });
    const auto ready = scene.deploy(scene.client(), std::move(planned));
    REQUIRE_MESSAGE(ready.has_value(), ready.error().what);
    for (const auto& row : scene.inputs.rows) REQUIRE(scene.client().submit(row, 1h).has_value());
    CHECK(scene.world.run_until([&] { return outcomes.size() == scene.inputs.rows.size(); }, 2h));
    snn::Digests digests;
    for (const auto& [id, outcome] : outcomes) {
      CHECK(outcome.kind == nodes::Outcome::Kind::result);
      digests.add(outcome.potentials, outcome.checksum);
    }
    const bool same = Result{digests.digest(), digests.spike_digest()} == in_one_process(scene.model, scene.inputs);
    CHECK(same);
    scene.check_accounts();
  }
}

TEST_CASE("a residual plan whose short edge has less credit is illegal, because it could deadlock") {
  Scene scene;
  auto planned = scene.spread(3);
  REQUIRE(nodes::check(planned.plan, scene.model).has_value());
  Scene::each_edge(planned.plan, [](EdgeSpec& e) {
    if (Scene::skips(e)) e.credit = 3 * 6 - 1;
  });
  const auto judged = nodes::check(planned.plan, scene.model);
  REQUIRE(!judged);
  CHECK(judged.error().what.find("could deadlock") != std::string::npos);
}
