// The inside of World: one machine and one connection. Only world.cpp and machine.cpp see it.
#pragma once

#include <deque>

#include "core/random.hpp"
#include "sim/clock.hpp"
#include "sim/store.hpp"
#include "sim/world.hpp"

namespace syn::sim {

// Bytes over a port, in integer nanoseconds, rounded up.
Duration transfer(const DeviceProfile& device, std::size_t bytes);
// One way: half of each end's, which the profile states towards an equal.
Duration latency(const DeviceProfile& a, const DeviceProfile& b);
// Not SHA-256: it would cost more than the simulation. Collisions are of no use to anybody here.
std::uint64_t hash_of(ByteView bytes);

struct World::Link {
  struct Way {
    std::size_t messages = 0, bytes = 0;  // sent and not yet delivered
    Instant last;                         // arrival of the latest: order is kept
    void clear() { messages = bytes = 0; }
  };
  Link(NodeId lower, NodeId higher) : a(lower), b(higher) {}
  Way& way_from(NodeId id) { return id == a ? there : back; }

  NodeId a, b;
  bool wanted = false, connecting = false, up = false, cut = false;
  std::uint64_t generation = 0;
  Instant broken{-1};
  Instant shunned{-1};  // one end has cut the other; no connection before
  Way there, back;
};

struct World::Node {
  Node(World& world, NodeId id, std::string name, const DeviceProfile& device);
  ~Node();
  void die(EventQueue& queue);
  // Whether the canaries may take this one: a window of spikes, a sample or a result, no acknowledgement.
  bool faulty(const Codec& codec, ByteView bytes) const;

  World& world;
  NodeId id;
  std::string name;
  DeviceProfile device;
  bool alive = true;
  std::uint64_t life = 0;  // events that were meant for an earlier one are dropped
  Instant born;

  struct Task {
    Duration cost;
    EventQueue::Fn fn;
  };
  std::deque<Task> inbox;
  bool in_turn = false, paused = false;
  std::optional<EventQueue::Key> wake;
  Instant loop_free, port_out, port_in;
  std::vector<Instant> core_free;
  Duration loop_busy{}, compute_busy{};

  std::uint32_t slow = 1, drop = 0, repeat = 0;
  Duration jitter{};
  SeededRandom random, random_jitter;
  MemoryStore store;
  Network::OnReceive on_receive;
  Network::OnPeer on_peer;
  std::unique_ptr<Loop> clock;
  std::unique_ptr<Net> network;
  std::unique_ptr<Cores> compute;
  std::unique_ptr<Journal> log;
};

class World::Loop final : public Clock {
 public:
  Loop(World& world, Node& node) : world_(world), node_(node) {}
  Instant now() const override { return world_.now(); }
  Timer call_at(Instant at, std::move_only_function<void()> fn) override;

 private:
  struct Pending;
  World& world_;
  Node& node_;
};

class World::Net final : public Network {
 public:
  Net(World& world, Node& node) : world_(world), node_(node) {}
  NodeId self() const override { return node_.id; }
  void dial(NodeId peer, std::string_view) override { world_.dial(node_.id, peer); }
  Sent send(NodeId to, Channel channel, Bytes bytes) override {
    return world_.send(node_, to, channel, std::move(bytes));
  }
  void cut(NodeId peer) override { world_.shun(node_, peer); }
  void on_receive(OnReceive fn) override { node_.on_receive = std::move(fn); }
  void on_peer(OnPeer fn) override { node_.on_peer = std::move(fn); }

 private:
  World& world_;
  Node& node_;
};

class World::Cores final : public Compute {
 public:
  Cores(World& world, Node& node) : world_(world), node_(node) {}
  void run(Job job, Done done) override;
  std::uint32_t threads() const override { return node_.device.cores; }

 private:
  World& world_;
  Node& node_;
};

class World::Journal final : public Log {
 public:
  Journal(World& world, Node& node) : world_(world), node_(node) {}
  void event(Level level, std::string_view name, std::initializer_list<Field> fields) override;

 private:
  World& world_;
  Node& node_;
};

}  // namespace syn::sim
