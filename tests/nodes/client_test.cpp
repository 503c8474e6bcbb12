// Deploying and submitting through the client, over real workers on simulated machines.
#include "nodes/client.hpp"

#include "tests/nodes/mesh.hpp"

using namespace syn;
using namespace syn::testing;
using namespace std::chrono_literals;
using Kind = nodes::Outcome::Kind;

namespace {

struct Scene : Mesh {
  Scene() : Mesh(3) {
    SeededRandom random(5);
    model = five_layers(random, snn::Code::step, 6);
    inputs = random_inputs(model, random, 30);
    client().on_outcome([this](const nodes::Outcome& o) { outcomes[o.id.value].push_back(o); });
    client().on_trouble([this](const nodes::Trouble& t) { troubles.push_back(t); });
  }
  void deployed(std::uint32_t in_flight = 4, std::uint32_t window = 2) {
    const auto ready = deploy(client(), plan(model, kClient, in_flight, window));
    REQUIRE_MESSAGE(ready.has_value(), ready.error().what);
  }
  std::size_t done() const { return outcomes.size(); }
  std::size_t count(Kind kind) const {
    std::size_t n = 0;
    for (const auto& [id, list] : outcomes) n += list.front().kind == kind;
    return n;
  }
  void exactly_one_each() const {
    for (const auto& [id, list] : outcomes) CHECK(list.size() == 1);
  }
  snn::Model model;
  Inputs inputs;
  std::map<std::uint64_t, std::vector<nodes::Outcome>> outcomes;
  std::vector<nodes::Trouble> troubles;
};

}  // namespace

TEST_CASE("another client's deployment fails as busy and names the holder; after close the nodes are free") {
  Scene scene;
  scene.deployed();
  constexpr NodeId kOther{1001};
  scene.world.add(kOther, "other", device("pi4"));
  nodes::Client other(scene.world.host(kOther), {.name = "other"});
  const auto busy = scene.deploy(other, scene.plan(scene.model, kOther));
  REQUIRE(!busy);
  CHECK(busy.error().what.starts_with("busy: node 'node"));
  CHECK(busy.error().what.find("1000") != std::string::npos);
  bool closed = false;
  scene.client().close([&] { closed = true; });
  REQUIRE(scene.world.run_until([&] { return closed; }, 1s));
  scene.world.run_for(100ms);
  for (const auto& [id, worker] : scene.workers) {
    CHECK(worker->holder() == NodeId{});
    CHECK(worker->held_bytes() == 0);
  }
  constexpr NodeId kThird{1002};
  scene.world.add(kThird, "third", device("pi4"));
  nodes::Client third(scene.world.host(kThird), {.name = "third"});
  CHECK(scene.deploy(third, scene.plan(scene.model, kThird)).has_value());
  CHECK(third.epoch() > scene.client().epoch());
}

TEST_CASE("a client that dies frees its nodes at once") {
  Scene scene;
  scene.deployed();
  scene.world.kill(Mesh::kClient);
  scene.world.run_for(100ms);
  for (const auto& [id, worker] : scene.workers) CHECK(worker->holder() == NodeId{});
}

TEST_CASE("a node that is not there is named when the deployment gives up") {
  Scene scene;
  scene.world.kill(NodeId{2});
  const auto ready = scene.deploy(scene.client(), scene.plan(scene.model));
  REQUIRE(!ready);
  CHECK(ready.error().what.find("'node2'") != std::string::npos);
  CHECK(ready.error().where.find("sim://2") != std::string::npos);
  scene.world.run_for(100ms);
  CHECK(scene.workers.at(NodeId{1})->holder() == NodeId{});
}

TEST_CASE("a node killed at any moment of the deployment ends it with its name, or it stands") {
  for (int ms = 0; ms < 40; ++ms) {
    CAPTURE(ms);
    Scene scene;
    scene.world.at(scene.world.now() + Duration(ms * 500us), [&] { scene.world.kill(NodeId{2}); });
    const auto ready = scene.deploy(scene.client(), scene.plan(scene.model));
    if (!ready)
      CHECK((ready.error().what.find("node2") != std::string::npos ||
             ready.error().where.find("node2") != std::string::npos));
  }
}

TEST_CASE("with a consumer that stands still memory stays bounded and every account balances at every event (P4)") {
  Scene scene;
  scene.deployed(4, 1);
  scene.world.pause(NodeId{3}, true);
  std::size_t submitted = 0;
  std::uint64_t most = 0;
  // A lease runs out after 3 s without an answer: until then inferences end by their deadlines, and new ones come in.
  while (scene.world.now() < Instant{} + 2500ms) {
    while (scene.client().can_admit()) {
      REQUIRE(scene.client().submit(scene.inputs.rows[submitted++ % 30], 20ms).has_value());
    }
    REQUIRE(scene.world.step());
    scene.check_accounts();
    for (const auto& [id, worker] : scene.workers) most = std::max(most, worker->held_bytes());
  }
  CHECK(submitted > 300);
  CHECK(scene.count(Kind::deadline) >= submitted - 4);
  CHECK(most < 1 << 20);
  scene.exactly_one_each();
  // Standing still is as good as gone: the lease says so, by name.
  scene.world.run_for(5s);
  REQUIRE(scene.troubles.size() == 1);
  CHECK(scene.troubles[0].name == "node3");
  scene.check_accounts();
}

TEST_CASE("a consumer that stood still for a moment loses nothing") {
  Scene scene;
  scene.deployed(4, 1);
  for (const auto& row : scene.inputs.rows) REQUIRE(scene.client().submit(row, 10s).has_value());
  scene.world.run_for(2ms);
  scene.world.pause(NodeId{2}, true);
  scene.world.run_for(1s);
  scene.world.pause(NodeId{2}, false);
  REQUIRE(scene.world.run_until([&] { return scene.done() == 30; }, 5s));
  CHECK(scene.count(Kind::result) == 30);
  scene.world.run_for(50ms);
  for (const auto& [id, worker] : scene.workers) {
    for (const auto& e : worker->status().edges) {
      CHECK(e.sent == e.acked);
      CHECK(e.dropped == 0);
    }
  }
}

TEST_CASE("a cancelled inference has that one outcome, and the others theirs") {
  Scene scene;
  scene.deployed();
  std::vector<InferenceId> ids;
  for (const auto& row : scene.inputs.rows) ids.push_back(*scene.client().submit(row, 10s));
  for (std::size_t i = 0; i < ids.size(); i += 3) scene.client().cancel(ids[i]);
  CHECK(scene.done() == 0);  // never inline
  REQUIRE(scene.world.run_until([&] { return scene.done() == 30; }, 5s));
  scene.world.run_for(1s);
  scene.exactly_one_each();
  CHECK(scene.count(Kind::cancelled) == 10);
  CHECK(scene.count(Kind::result) == 20);
}

TEST_CASE("a deadline is kept to the nanosecond, and what comes later is not a second outcome") {
  Scene scene;
  scene.deployed();
  const auto at = scene.world.now();
  REQUIRE(scene.client().submit(scene.inputs.rows[0], 100us).has_value());
  Instant ended;
  REQUIRE(scene.world.run_until(
      [&] {
        ended = scene.world.now();
        return scene.done() == 1;
      },
      5s));
  CHECK(scene.outcomes.at(1).front().kind == Kind::deadline);
  CHECK(scene.outcomes.at(1).front().latency >= 100us);
  CHECK(ended - at < 300us);  // the loop was busy sending
  scene.world.run_for(1s);
  scene.exactly_one_each();
}

TEST_CASE("a worker told to stop finishes what is in flight, and the client says which node") {
  Scene scene;
  scene.deployed();
  for (const auto& row : scene.inputs.rows) REQUIRE(scene.client().submit(row, 10s).has_value());
  scene.world.run_for(2ms);
  bool drained = false;
  scene.workers.at(NodeId{2})->drain(5s, [&] { drained = true; });
  REQUIRE(scene.world.run_until([&] { return drained; }, 5s));
  CHECK(scene.count(Kind::result) == 30);
  REQUIRE(scene.troubles.size() == 1);
  CHECK(scene.troubles[0].draining);
  CHECK(scene.troubles[0].name == "node2");
  const auto refused = scene.client().submit(scene.inputs.rows[0], 1s);
  REQUIRE(!refused);
  CHECK(refused.error().what.find("node2") != std::string::npos);
}

TEST_CASE("a worker without work drains at once, one whose client hangs when the limit is over") {
  Scene scene;
  bool idle = false, late = false;
  scene.workers.at(NodeId{1})->drain(5s, [&] { idle = true; });
  CHECK(!idle);
  scene.world.run_for(1ms);
  CHECK(idle);
  Scene hangs;
  hangs.deployed();
  hangs.world.pause(Mesh::kClient, true);
  const auto asked = hangs.world.now();
  hangs.workers.at(NodeId{1})->drain(200ms, [&] { late = true; });
  REQUIRE(hangs.world.run_until([&] { return late; }, 1s));
  CHECK(hangs.world.now() - asked == 200ms);
}

TEST_CASE("every node tells its status, and one that is dead is missing by name") {
  Scene scene;
  scene.deployed();
  REQUIRE(scene.client().submit(scene.inputs.rows[0], 1s).has_value());
  REQUIRE(scene.world.run_until([&] { return scene.done() == 1; }, 1s));
  std::vector<nodes::NodeStatus> seen;
  scene.client().statuses(200ms, [&](std::vector<nodes::NodeStatus> s) { seen = std::move(s); });
  REQUIRE(scene.world.run_until([&] { return !seen.empty(); }, 1s));
  REQUIRE(seen.size() == 3);
  for (const auto& s : seen) {
    REQUIRE(s.status.has_value());
    CHECK(s.status->name == s.node.name);
    CHECK(s.status->work.neuron_updates > 0);
    CHECK(s.status->messages_sent > 0);
    CHECK(s.status->refused.empty());
  }
  scene.world.kill(NodeId{3});
  seen.clear();
  scene.client().statuses(200ms, [&](std::vector<nodes::NodeStatus> s) { seen = std::move(s); });
  REQUIRE(scene.world.run_until([&] { return !seen.empty(); }, 1s));
  CHECK(std::ranges::count_if(seen, [](const auto& s) { return !s.status; }) == 1);
}

TEST_CASE("wrong submissions are refused and accepted as nothing") {
  Scene scene;
  CHECK(!scene.client().submit(scene.inputs.rows[0], 1s));
  scene.deployed();
  CHECK(!scene.client().submit(std::vector<Count>(3), 1s));
  CHECK(!scene.client().submit(scene.inputs.rows[0], 0s));
  CHECK(scene.client().counts() == nodes::SessionCounts{});
}
