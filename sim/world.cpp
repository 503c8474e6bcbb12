#include "sim/world.hpp"

#include <algorithm>

#include "core/assert.hpp"
#include "core/random.hpp"
#include "sim/clock.hpp"
#include "sim/machine.hpp"

namespace syn::sim {

World::World(WorldOptions options, const Codec& codec) : options_(options), codec_(codec) {}
World::~World() = default;

Host World::add(NodeId id, std::string name, const DeviceProfile& device) {
  SYN_ASSERT(id != NodeId{} && !nodes_.contains(id), id.value);
  nodes_.emplace(id, std::make_unique<Node>(*this, id, std::move(name), device));
  return host(id);
}

Host World::host(NodeId id) {
  Node& n = node(id);
  return {.clock = *n.clock,
          .network = *n.network,
          .compute = *n.compute,
          .store = n.store,
          .random = n.random,
          .log = *n.log,
          .codec = codec_};
}

World::Node& World::node(NodeId id) {
  const auto at = nodes_.find(id);
  SYN_ASSERT(at != nodes_.end(), id.value);
  return *at->second;
}
const World::Node& World::node(NodeId id) const {
  return const_cast<World*>(this)->node(id);
}

World::Link& World::link(NodeId a, NodeId b) {
  auto& slot = links_[std::minmax(a, b)];
  if (!slot) slot = std::make_unique<Link>(std::min(a, b), std::max(a, b));
  return *slot;
}

// ---- loops --------------------------------------------------------------------------------------------------------

// Hands the node's loop something to do, which keeps it busy for `cost`.
void World::on_loop(Node& n, Duration cost, EventQueue::Fn fn) {
  n.inbox.push_back({cost, std::move(fn)});
  if (n.inbox.size() > 1 || n.in_turn || n.paused) return;  // a turn is coming
  if (n.loop_free <= now()) return turn(n);
  n.wake = queue_.push(n.loop_free, [this, &n] { turn(n); });
}

void World::turn(Node& n) {
  if (n.paused) return;
  SYN_ASSERT(!n.inbox.empty() && !n.in_turn);
  n.in_turn = true;
  const auto life = n.life;
  const auto cost = n.inbox.front().cost * n.slow;
  n.loop_free = std::max(n.loop_free, now()) + cost;
  n.loop_busy += cost;
  auto fn = std::move(n.inbox.front().fn);
  fn();
  if (n.life != life) return;  // it was killed from inside; the inbox went with it
  n.in_turn = false;
  n.inbox.pop_front();
  if (!n.inbox.empty()) n.wake = queue_.push(n.loop_free, [this, &n] { turn(n); });
}

// ---- connections --------------------------------------------------------------------------------------------------

void World::dial(NodeId from, NodeId to) {
  if (!nodes_.contains(to) || from == to) {
    ++marks_["dialled_nobody"];
    return;
  }
  Link& l = link(from, to);
  l.wanted = true;
  connect(l);
}

void World::connect(Link& l) {
  Node &a = node(l.a), &b = node(l.b);
  if (!l.wanted || l.cut || l.up || l.connecting || !a.alive || !b.alive) return;
  if (now() < l.shunned) {
    queue_.push(l.shunned, [this, &l] { connect(l); });
    return;
  }
  l.connecting = true;
  const auto life = std::pair(a.life, b.life);
  const auto delay = options_.connect_time + 2 * latency(a.device, b.device);
  queue_.push(now() + delay, [this, &l, &a, &b, life] {
    l.connecting = false;
    if (l.cut || l.up) return;
    if (life != std::pair(a.life, b.life)) return connect(l);
    l.up = true;
    ++l.generation;
    for (Node* n : {&a, &b}) {
      const NodeId other = n == &a ? b.id : a.id;
      record({1, n->id.value, other.value, l.generation});
      on_loop(*n, Duration::zero(), [n, other, generation = l.generation] {
        if (n->on_peer) n->on_peer(other, PeerState::up, generation);
      });
    }
  });
}

// Everything on its way is lost at once; each end that lives notices after `notice`, then the connection is made anew.
void World::disconnect(Link& l, Duration notice) {
  if (!std::exchange(l.up, false)) return;
  for (auto* way : {&l.there, &l.back}) way->clear();
  queue_.push(now() + notice, [this, &l, generation = l.generation] {
    for (const NodeId id : {l.a, l.b}) {
      Node& n = node(id);
      if (!n.alive || n.born > l.broken) continue;  // a new life knows nothing of the old connection
      const NodeId other = id == l.a ? l.b : l.a;
      record({2, id.value, other.value, generation});
      on_loop(n, Duration::zero(), [&n, other, generation] {
        if (n.on_peer) n.on_peer(other, PeerState::down, generation);
      });
    }
    connect(l);
  });
  l.broken = now();
}

// ---- messages -----------------------------------------------------------------------------------------------------

Sent World::send(Node& from, NodeId to, Channel channel, Bytes bytes) {
  const auto at = links_.find(std::minmax(from.id, to));
  if (at == links_.end() || !at->second->up || !from.alive) return Sent::no_peer;
  Link& l = *at->second;
  auto& way = l.way_from(from.id);
  if (way.messages >= options_.queue_messages || way.bytes + bytes.size() > options_.queue_bytes) {
    ++marks_["queue_full"];
    return Sent::full;
  }
  Node& target = node(to);
  std::uint32_t copies = 1;
  if (channel == Channel::data && target.drop > 0 && target.faulty(codec_, bytes)) {
    --target.drop;
    ++marks_["drop_frame"];
    copies = 0;
  } else if (channel == Channel::data && target.repeat > 0 && target.faulty(codec_, bytes)) {
    --target.repeat;
    ++marks_["repeat_frame"];
    copies = 2;
  }
  for (; copies > 1; --copies) transmit(from, target, l, channel, bytes);
  if (copies == 1) transmit(from, target, l, channel, std::move(bytes));
  return Sent::taken;
}

void World::transmit(Node& from, Node& to, Link& l, Channel channel, Bytes bytes) {
  const std::size_t size = bytes.size() + kWireOverheadBytes;
  ++traffic_.messages;
  traffic_.bytes += size;
  auto& way = l.way_from(from.id);
  ++way.messages;
  way.bytes += bytes.size();
  const auto cost = from.device.time_of_message(size) * from.slow;
  from.loop_free = std::max(from.loop_free, now()) + cost;
  from.loop_busy += cost;
  // The sender's port, the way, the receiver's port; both ports are shared by all their connections.
  const Instant sent = std::max(from.loop_free, from.port_out) + transfer(from.device, size);
  from.port_out = sent;
  Instant here = sent + latency(from.device, to.device);
  if (to.jitter > Duration::zero()) {
    ++marks_["jitter"];
    here =
        here +
        Duration{static_cast<std::int64_t>(to.random_jitter.below(static_cast<std::uint64_t>(to.jitter.count()) + 1))};
  }
  here = std::max({here, to.port_in + transfer(to.device, size), way.last});
  to.port_in = way.last = here;
  queue_.push(here, [this, &from, &to, &l, channel, generation = l.generation, bytes = std::move(bytes)]() mutable {
    if (!l.up || l.generation != generation) return;  // lost with its connection
    deliver(to, from.id, l, channel, std::move(bytes));
  });
}

// It counts against the sender's queue until the receiver's loop takes it: one that stopped reading fills it up.
void World::deliver(Node& to, NodeId from, Link& l, Channel channel, Bytes bytes) {
  record({3, from.value, to.id.value, static_cast<std::uint64_t>(channel), bytes.size(), hash_of(bytes)});
  const auto cost = to.device.time_of_message(bytes.size() + kWireOverheadBytes);
  on_loop(to, cost, [&to, &l, from, channel, generation = l.generation, bytes = std::move(bytes)]() mutable {
    if (l.up && l.generation == generation) {
      auto& way = l.way_from(from);
      --way.messages;
      way.bytes -= bytes.size();
    }
    if (to.on_receive) to.on_receive(from, channel, std::move(bytes));
  });
}

// ---- faults -------------------------------------------------------------------------------------------------------

void World::kill(NodeId id) {
  Node& n = node(id);
  if (!n.alive) return;
  ++marks_["kill"];
  record({4, id.value});
  n.die(queue_);
  for (auto& [ends, l] : links_) {
    if (ends.first == id || ends.second == id) disconnect(*l, latency(node(l->a).device, node(l->b).device));
  }
}

void World::revive(NodeId id) {
  Node& n = node(id);
  SYN_ASSERT(!n.alive, id.value);
  record({5, id.value});
  n.alive = true;
  n.born = now();
  for (auto& [ends, l] : links_) {
    if (ends.first == id || ends.second == id) connect(*l);
  }
}

bool World::alive(NodeId id) const {
  return node(id).alive;
}

void World::cut(NodeId a, NodeId b) {
  Link& l = link(a, b);
  if (std::exchange(l.cut, true)) return;
  ++marks_["cut"];
  record({6, l.a.value, l.b.value});
  disconnect(l, options_.notice_time);
}

void World::shun(Node& by, NodeId peer) {
  const auto at = links_.find(std::minmax(by.id, peer));
  if (at == links_.end() || !at->second->up) return;
  Link& l = *at->second;
  ++marks_["shun"];
  record({12, by.id.value, peer.value});
  l.shunned = now() + options_.shun_time;
  disconnect(l, latency(node(l.a).device, node(l.b).device));
}

void World::heal(NodeId a, NodeId b) {
  Link& l = link(a, b);
  if (!std::exchange(l.cut, false)) return;
  record({7, l.a.value, l.b.value});
  // Before both have noticed the break there is nobody who would dial.
  if (now() > l.broken + options_.notice_time) connect(l);
}

void World::pause(NodeId id, bool paused) {
  Node& n = node(id);
  if (std::exchange(n.paused, paused) == paused) return;
  record({11, id.value, paused});
  if (paused) {
    ++marks_["pause"];
    if (n.wake) queue_.cancel(*n.wake);
  } else if (!n.inbox.empty()) {
    n.wake = queue_.push(std::max(now(), n.loop_free), [this, &n] { turn(n); });
  }
}

void World::slow(NodeId id, std::uint32_t factor) {
  SYN_ASSERT(factor > 0);
  node(id).slow = factor;
  record({8, id.value, factor});
  if (factor > 1) ++marks_["slow"];
}

void World::jitter(NodeId id, Duration up_to) {
  node(id).jitter = up_to;
  record({9, id.value, static_cast<std::uint64_t>(up_to.count())});
}

void World::drop_data(NodeId id, std::uint32_t n) {
  node(id).drop += n;
}
void World::repeat_data(NodeId id, std::uint32_t n) {
  node(id).repeat += n;
}
MemoryStore& World::disk(NodeId id) {
  return node(id).store;
}

// ---- what was -----------------------------------------------------------------------------------------------------

void World::record(std::initializer_list<std::uint64_t> numbers) {
  ++events_;
  hash_.add_u64(static_cast<std::uint64_t>(now().ns));
  for (const auto n : numbers) hash_.add_u64(n);
}

std::string World::event_log_hash() const {
  return to_hex(hash_.finish());
}

void World::reset_traffic() {
  traffic_ = {};
  for (auto& [id, n] : nodes_) n->compute_busy = n->loop_busy = Duration::zero();
}

Duration World::compute_busy(NodeId id) const {
  return node(id).compute_busy;
}
Duration World::loop_busy(NodeId id) const {
  return node(id).loop_busy;
}

}  // namespace syn::sim
