#include "nodes/edges.hpp"

#include "tests/nodes/mesh.hpp"

using namespace syn;
using namespace syn::testing;
using namespace std::chrono_literals;

namespace {

constexpr NodeId kHere{1}, kThere{2};

// A sender whose peer is a puppet.
struct Scene {
  Scene() {
    world.add(kHere, "here", instant_device());
    world.add(kThere, "there", instant_device());
    puppet = std::make_unique<Puppet>(world, kThere, codec);
    peers = std::make_unique<nodes::Peers>(
        world.host(kHere), nodes::PeersOptions{.name = "here", .version = "1"}, refusals,
        nodes::Peers::Callbacks{
            .message = [](NodeId, Message&&, std::size_t) {}, .ready = [](NodeId) {}, .gone = [](NodeId) {}});
    peers->start();
    world.host(kHere).network.dial(kThere, "");
    world.run_for(50ms);
    REQUIRE(peers->ready(kThere));
  }
  WireCodec codec;
  sim::World world{{}, codec};
  nodes::Refusals refusals;
  std::unique_ptr<Puppet> puppet;
  std::unique_ptr<nodes::Peers> peers;
};

}  // namespace

TEST_CASE("an edge sends within its credit, and its account balances through acks, drops and loss") {
  Scene scene;
  nodes::OutEdge edge({.id = EdgeId{7}, .from = kHere, .to = kThere, .population = "x", .neurons = 1, .credit = 3},
                      DeploymentId{1});
  for (std::uint64_t i = 1; i <= 6; ++i) edge.push(InferenceId{i}, scene.codec.encode(StatusRequest{}));
  CHECK(edge.account().queued == 6);
  CHECK(!edge.room(0));
  CHECK(!edge.pump(*scene.peers));
  CHECK(edge.account().in_flight == 3);
  CHECK(edge.account().queued == 3);
  CHECK(edge.ack(2));
  CHECK(edge.account().in_flight == 1);
  edge.pump(*scene.peers);
  CHECK(edge.account().in_flight == 3);
  edge.drop(InferenceId{6});
  CHECK(edge.account().dropped == 1);
  CHECK(edge.ack(1));    // an older one changes nothing
  CHECK(!edge.ack(99));  // a lie is found out, and gives what there was to give
  CHECK(edge.account().in_flight == 0);
  edge.push(InferenceId{8}, {1});
  edge.push(InferenceId{9}, {1});
  edge.pump(*scene.peers);
  CHECK(edge.close() == std::vector{InferenceId{8}, InferenceId{9}});
  CHECK(edge.account().lost == 2);
  edge.push(InferenceId{10}, {1});
  CHECK(edge.account().dropped == 4);
  CHECK(edge.account().sent == 9);
}

TEST_CASE("a receiver acknowledges at half the credit and takes nothing beyond it") {
  nodes::InEdge edge({.credit = 4});
  for (int i = 0; i < 4; ++i) CHECK(edge.receive(10));
  CHECK(!edge.receive(10));
  edge.consume();
  CHECK(!edge.due());
  CHECK(edge.unacked());
  edge.consume();
  CHECK(edge.due());
  CHECK(edge.take_ack() == 2);
  CHECK(!edge.unacked());
  CHECK(edge.receive(10));
}

TEST_CASE("which inferences are over is remembered exactly, in little memory, in any order") {
  nodes::DoneIds done;
  for (const std::uint64_t id : {3u, 1u, 5u, 2u}) done.add(InferenceId{id});
  for (const std::uint64_t id : {1u, 2u, 3u, 5u}) CHECK(done.contains(InferenceId{id}));
  CHECK(!done.contains(InferenceId{4}));
  CHECK(!done.contains(InferenceId{6}));
  CHECK(done.contains(InferenceId{0}));  // nobody's
}
