// One shard on one worker, fed by a puppet that is coordinator and gateway: what good and bad frames do.
#include "nodes/shard.hpp"

#include "tests/nodes/mesh.hpp"

using namespace syn;
using namespace syn::testing;
using namespace std::chrono_literals;

namespace {

constexpr NodeId kWorker{1}, kPuppet{1000}, kStranger{1001};
constexpr DeploymentId kDeployment{4};
const Epoch kEpoch = Epoch::of(1, 1);

struct Scene : Mesh {
  Scene() : Mesh(1) {
    SeededRandom random(11);
    model = five_layers(random, snn::Code::volley, 4);
    inputs = random_inputs(model, random, 4);
    planned = plan(model, kPuppet, 2);
    world.add(kStranger, "stranger", profile);
    puppet = std::make_unique<Puppet>(world, kPuppet, codec);
    stranger = std::make_unique<Puppet>(world, kStranger, codec);
    puppet->host.network.dial(kWorker, "");
    stranger->host.network.dial(kWorker, "");
    world.run_for(50ms);
    puppet->say(kWorker, Lease{.epoch = kEpoch, .lease = 60s});
    world.run_for(50ms);
    const auto& shard = planned.shards.front();
    puppet->say(kWorker, Prepare{.deployment = kDeployment,
                                 .epoch = kEpoch,
                                 .model = {},
                                 .spec = planned.plan.shards.front().spec,
                                 .peers = {},
                                 .shard_bytes = shard.size()});
    for (std::size_t at = 0; at < shard.size(); at += 1000) {
      const auto end = std::min(shard.size(), at + 1000);
      puppet->say(kWorker,
                  Chunk{.deployment = kDeployment,
                        .epoch = kEpoch,
                        .offset = at,
                        .bytes = Bytes(shard.begin() + static_cast<std::ptrdiff_t>(at),
                                       shard.begin() + static_cast<std::ptrdiff_t>(end))},
                  Channel::bulk);
    }
    world.run_for(50ms);
    REQUIRE(puppet->all<Prepared>().size() == 1);
    REQUIRE_MESSAGE(puppet->all<Prepared>()[0].ok, puppet->all<Prepared>()[0].error.what);
  }
  void activate() {
    puppet->say(kWorker, Activate{kDeployment, kEpoch});
    world.run_for(50ms);
    REQUIRE(puppet->all<Activated>().size() == 1);
  }
  EdgeSpec input() const { return planned.plan.shards.front().spec.in.front(); }
  SpikeFrame frame(std::uint64_t id, std::size_t row) const {
    const auto packed = codec.pack(inputs.rows[row], 255, kAllEncodings);
    return {.id = {kDeployment, kEpoch, InferenceId{id}, input().id, 0},
            .encoding = packed.encoding,
            .packed = packed.bytes};
  }
  void send(const SpikeFrame& f) {
    puppet->say(kWorker, f, Channel::data);
    world.run_for(50ms);
  }
  std::uint64_t acked() const { return puppet->all<Ack>().empty() ? 0 : puppet->all<Ack>().back().consumed; }

  snn::Model model;
  Inputs inputs;
  nodes::Planned planned;
  std::unique_ptr<Puppet> puppet, stranger;
};

}  // namespace

TEST_CASE("frames for a prepared shard are held, and answered once it is active, with one process's bits") {
  Scene scene;
  scene.send(scene.frame(1, 0));
  CHECK(scene.puppet->all<PotentialFrame>().empty());
  CHECK(scene.acked() == 0);
  CHECK(scene.workers.at(kWorker)->held_bytes() > 0);
  scene.activate();
  REQUIRE(scene.puppet->all<PotentialFrame>().size() == 1);
  CHECK(scene.acked() == 1);
  const auto result = scene.puppet->all<PotentialFrame>().front();
  snn::Digests digests;
  digests.add(result.potentials, result.checksum);
  Inputs one{{scene.inputs.rows[0]}};
  const bool same = in_one_process(scene.model, one) == Result{digests.digest(), digests.spike_digest()};
  CHECK(same);
}

TEST_CASE("bad frames are refused by reason, consume their credit, and harm no other inference") {
  Scene scene;
  scene.activate();
  auto f = scene.frame(1, 0);
  f.id.edge = EdgeId{999};
  scene.send(f);
  CHECK(scene.refused(kWorker, "unknown_edge") == 1);
  f = scene.frame(1, 0);
  f.id.window = 7;
  scene.send(f);
  CHECK(scene.refused(kWorker, "bad_window") == 1);
  f = scene.frame(1, 0);
  f.has_checksum = true;
  scene.send(f);
  CHECK(scene.refused(kWorker, "bad_checksum_flag") == 1);
  f = scene.frame(1, 0);
  f.encoding = Encoding::raw16;
  f.packed = Bytes(5000);
  scene.send(f);
  CHECK(scene.refused(kWorker, "too_long") == 1);
  scene.stranger->say(kWorker, scene.frame(1, 0), Channel::data);
  scene.world.run_for(50ms);
  CHECK(scene.refused(kWorker, "wrong_sender") == 1);
  // Bytes that are no counts: found when they are unpacked; the inference fails, and says so.
  f = scene.frame(2, 0);
  f.packed.resize(f.packed.size() / 2);
  scene.send(f);
  CHECK(scene.refused(kWorker, "bad_counts") == 1);
  REQUIRE(scene.puppet->all<Failed>().size() == 1);
  CHECK(scene.puppet->all<Failed>().front().inference == InferenceId{2});
  CHECK(scene.acked() == 4);  // all but the stranger's and the unknown edge's
  scene.send(scene.frame(3, 1));
  scene.send(scene.frame(3, 1));
  CHECK(scene.refused(kWorker, "after_end") == 1);
  CHECK(scene.puppet->all<PotentialFrame>().size() == 1);
  CHECK(scene.acked() == 6);
}

TEST_CASE("a sender that ignores its credit is refused, and what is held stays within it") {
  Scene scene;  // not active: nothing is consumed
  for (std::uint64_t id = 1; id <= 100; ++id) scene.puppet->say(kWorker, scene.frame(id, 0), Channel::data);
  scene.world.run_for(1s);
  CHECK(scene.refused(kWorker, "over_credit") == 100 - scene.input().credit);
  scene.activate();
  CHECK(scene.puppet->all<PotentialFrame>().size() == scene.input().credit);
}

TEST_CASE("a lie in an acknowledgement is counted and stops nothing") {
  Scene scene;
  scene.activate();
  const auto out = scene.planned.plan.shards.front().spec.out.front().id;
  scene.send(scene.frame(1, 0));
  scene.puppet->say(kWorker, Ack{kDeployment, kEpoch, out, 1'000'000});
  scene.puppet->say(kWorker, Ack{kDeployment, kEpoch, EdgeId{77}, 1});
  scene.world.run_for(50ms);
  CHECK(scene.refused(kWorker, "bad_ack") == 1);
  CHECK(scene.refused(kWorker, "unknown_edge") == 1);
  scene.check_accounts();
  scene.send(scene.frame(2, 1));
  CHECK(scene.puppet->all<PotentialFrame>().size() == 2);
}

TEST_CASE("a cancelled inference is forgotten, its windows are acknowledged, and late ones are consumed") {
  Scene scene;
  scene.send(scene.frame(1, 0));
  scene.puppet->say(kWorker, Cancel{kDeployment, kEpoch, InferenceId{1}});
  scene.world.run_for(50ms);
  CHECK(scene.acked() == 1);
  CHECK(scene.refused(kWorker, "after_end") == 0);
  scene.activate();
  CHECK(scene.puppet->all<PotentialFrame>().empty());
}

TEST_CASE("a retired deployment loses what was in flight, and its account says so") {
  Scene scene;
  scene.activate();
  scene.send(scene.frame(1, 0));  // the puppet acknowledges nothing
  scene.puppet->say(kWorker, Retire{kDeployment, kEpoch});
  scene.world.run_for(50ms);
  const auto status = scene.workers.at(kWorker)->status();
  REQUIRE(status.edges.size() == 1);
  CHECK(status.edges[0].sent == 1);
  CHECK(status.edges[0].lost == 1);
  CHECK(status.edges[0].dropped == 1);
  CHECK(status.edges[0].in_flight == 0);
  scene.send(scene.frame(2, 0));
  CHECK(scene.refused(kWorker, "unknown_deployment") == 1);
}
