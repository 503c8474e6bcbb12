// Leases, epochs and refusals, said to a worker by a puppet.
#include "nodes/worker.hpp"

#include "sim/store.hpp"
#include "tests/nodes/mesh.hpp"

using namespace syn;
using namespace syn::testing;
using namespace std::chrono_literals;

namespace {

constexpr NodeId kWorker{1}, kFirst{1000}, kSecond{1001};

struct Scene : Mesh {
  Scene() : Mesh(1, instant_device()) {
    world.add(kSecond, "second", instant_device());
    first = std::make_unique<Puppet>(world, kFirst, codec);
    second = std::make_unique<Puppet>(world, kSecond, codec);
    meet();
  }
  void meet() {
    first->host.network.dial(kWorker, "");
    second->host.network.dial(kWorker, "");
    world.run_for(50ms);
    REQUIRE(!first->all<Hello>().empty());
  }
  LeaseReply lease(Puppet& who, Epoch epoch, Duration d = 300ms) {
    const auto before = who.all<LeaseReply>().size();
    who.say(kWorker, Lease{.epoch = epoch, .lease = d, .sent_ns = 5});
    REQUIRE(world.run_until([&] { return who.all<LeaseReply>().size() > before; }, 10ms));
    return who.all<LeaseReply>().back();
  }
  nodes::Worker& worker() { return *workers.at(kWorker); }
  std::unique_ptr<Puppet> first, second;
};

}  // namespace

TEST_CASE("a lease ends exactly when it is over, and a renewed one later") {
  Scene scene;
  CHECK(scene.lease(*scene.first, Epoch::of(1, 1)).accepted);
  const auto granted = scene.world.now();
  scene.world.run_for(granted + 200ms - scene.world.now());
  CHECK(scene.lease(*scene.first, Epoch::of(1, 1)).accepted);
  const auto renewed = scene.world.now();
  scene.world.run_for(renewed + 300ms - scene.world.now() - 1ms);
  CHECK(scene.worker().holder() == kFirst);
  scene.world.run_for(1ms);
  CHECK(scene.worker().holder() == NodeId{});
}

TEST_CASE("a second coordinator is told who holds the node, and gets it when the first gives it back") {
  Scene scene;
  CHECK(scene.lease(*scene.first, Epoch::of(1, 1)).accepted);
  const auto reply = scene.lease(*scene.second, Epoch::of(9, 1));
  CHECK(!reply.accepted);
  CHECK(reply.holder == kFirst);
  CHECK(scene.refused(kWorker, "busy") == 1);
  scene.first->say(kWorker, Lease{.epoch = Epoch::of(1, 1), .lease = Duration::zero()});
  scene.world.run_for(5ms);
  CHECK(scene.worker().holder() == NodeId{});
  CHECK(scene.lease(*scene.second, Epoch::of(9, 1)).accepted);
}

TEST_CASE("an epoch that was outlived is refused and counted, also after a restart (P7)") {
  Scene scene;
  CHECK(scene.lease(*scene.second, Epoch::of(9, 1)).accepted);
  scene.second->say(kWorker, Lease{.epoch = Epoch::of(9, 1), .lease = Duration::zero()});
  scene.world.run_for(5ms);
  auto reply = scene.lease(*scene.first, Epoch::of(8, 7));
  CHECK(!reply.accepted);
  CHECK(reply.seen == Epoch::of(9, 1));
  CHECK(!scene.lease(*scene.first, Epoch::of(9, 1)).accepted);  // an equal one is not one's own
  CHECK(scene.refused(kWorker, "old_epoch") == 2);
  scene.world.kill(kWorker);
  scene.world.run_for(100ms);
  scene.world.revive(kWorker);
  scene.start(kWorker);
  scene.world.run_for(100ms);
  CHECK(scene.worker().epoch() == Epoch::of(9, 1));
  CHECK(!scene.lease(*scene.first, Epoch::of(9, 0)).accepted);
  CHECK(scene.lease(*scene.first, Epoch::of(9, 2)).accepted);
}

TEST_CASE("an epoch that cannot be made durable is not obeyed") {
  Scene scene;
  scene.world.disk(kWorker).break_down(true);
  CHECK(!scene.lease(*scene.first, Epoch::of(1, 1)).accepted);
  CHECK(scene.worker().holder() == NodeId{});
}

TEST_CASE("only its holder changes a node; frames of nothing known are refused by reason") {
  Scene scene;
  CHECK(scene.lease(*scene.first, Epoch::of(2, 1)).accepted);
  scene.second->say(kWorker, Activate{DeploymentId{1}, Epoch::of(2, 1)});
  scene.second->say(kWorker, Retire{DeploymentId{1}, Epoch::of(2, 1)});
  scene.second->say(kWorker,
                    SpikeFrame{.id = {DeploymentId{1}, Epoch::of(2, 1), InferenceId{1}, EdgeId{1}, 0}, .packed = {}},
                    Channel::data);
  scene.second->say(kWorker,
                    SpikeFrame{.id = {DeploymentId{1}, Epoch::of(1, 9), InferenceId{1}, EdgeId{1}, 0}, .packed = {}},
                    Channel::data);
  scene.first->say(kWorker, Chunk{.deployment = DeploymentId{3}, .epoch = Epoch::of(2, 1), .offset = 0, .bytes = {1}});
  scene.first->say(kWorker, Prepared{});
  scene.world.run_for(5ms);
  CHECK(scene.refused(kWorker, "not_holder") == 2);
  CHECK(scene.refused(kWorker, "unknown_deployment") == 2);
  CHECK(scene.refused(kWorker, "old_epoch") == 1);
  CHECK(scene.refused(kWorker, "unexpected_message") == 1);
}

TEST_CASE("rubbish is counted, costs no memory, and after enough of it the peer is cut for a minute (P5)") {
  Scene scene;
  SeededRandom random(1);
  for (int i = 0; i < 1000; ++i) {
    Bytes rubbish(random.below(200));
    for (auto& b : rubbish) b = static_cast<std::uint8_t>(random.u64());
    scene.second->host.network.send(kWorker, Channel::control, rubbish);
  }
  scene.world.run_for(100ms);
  CHECK(scene.refused(kWorker, "malformed") == 64);
  CHECK(scene.world.marks().at("shun") == 1);
  CHECK(scene.second->host.network.send(kWorker, Channel::control, {1}) == Sent::no_peer);
  CHECK(scene.worker().held_bytes() == 0);
  CHECK(scene.lease(*scene.first, Epoch::of(1, 1)).accepted);  // the others are served
  scene.world.run_for(61s);
  CHECK(scene.second->host.network.send(kWorker, Channel::control, {1}) == Sent::taken);
}

TEST_CASE("a peer of another protocol is understood by nobody and told so in the log (P13)") {
  Scene scene;
  constexpr NodeId kNewer{1002};
  scene.world.add(kNewer, "newer", instant_device());
  Puppet newer(scene.world, kNewer, scene.codec,
               Hello{.lowest_protocol = kProtocol + 1, .highest_protocol = kProtocol + 2, .name = {}, .version = {}});
  newer.host.network.dial(kWorker, "");
  scene.world.run_for(50ms);
  newer.say(kWorker, Lease{.epoch = Epoch::of(50, 1), .lease = 1s});
  scene.world.run_for(50ms);
  CHECK(scene.refused(kWorker, "protocol") == 1);
  CHECK(scene.refused(kWorker, "before_hello") == 1);
  CHECK(scene.worker().holder() == NodeId{});
}

TEST_CASE("a shard that does not fit under the memory cap is refused before memory is taken") {
  Scene scene;
  CHECK(scene.lease(*scene.first, Epoch::of(1, 1)).accepted);
  EdgeSpec in{.id = EdgeId{1}, .from = kFirst, .to = kWorker, .population = "x", .neurons = 4, .credit = 4};
  EdgeSpec out{.id = EdgeId{2},
               .from = kWorker,
               .to = kFirst,
               .population = "y",
               .neurons = 4,
               .carries_checksum = true,
               .credit = 4};
  Prepare prepare{.deployment = DeploymentId{1},
                  .epoch = Epoch::of(1, 1),
                  .model = {},
                  .spec = {.shard = 0, .steps = 1, .window_steps = 1, .in = {in}, .out = {out}},
                  .peers = {},
                  .shard_bytes = 1ull << 40};
  scene.first->say(kWorker, prepare);
  scene.world.run_for(5ms);
  REQUIRE(scene.first->all<Prepared>().size() == 1);
  CHECK(!scene.first->all<Prepared>().front().ok);
  CHECK(scene.first->all<Prepared>().front().error.what.find("memory cap") != std::string::npos);
  // And one whose bytes are no model ends in one clear error.
  prepare.shard_bytes = 100;
  scene.first->say(kWorker, prepare);
  scene.first->say(kWorker,
                   Chunk{.deployment = DeploymentId{1}, .epoch = Epoch::of(1, 1), .offset = 7, .bytes = Bytes(100)});
  scene.first->say(kWorker,
                   Chunk{.deployment = DeploymentId{1}, .epoch = Epoch::of(1, 1), .offset = 0, .bytes = Bytes(100)});
  scene.world.run_for(5ms);
  CHECK(scene.refused(kWorker, "bad_chunk") == 1);
  REQUIRE(scene.first->all<Prepared>().size() == 2);
  CHECK(!scene.first->all<Prepared>().back().ok);
  CHECK(scene.worker().held_bytes() == 0);
}
