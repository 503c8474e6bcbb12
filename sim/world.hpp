// A handful of simulated machines: one virtual clock, links that carry true bytes, nodes that compute in modelled time.
// What runs on them is the very code of nodes/, given a Host from here.
//
// A node has two servers. Its loop runs callbacks one at a time; every message received or sent occupies it for as long
// as the device profile says. Its cores run Compute jobs: a job is really run at once, its result arrives when the
// modelled time is over. A message leaves when the loop has done the work for it, waits for the sender's port, then for
// the receiver's, and arrives after the latency; in order within one connection, lost only when the connection breaks.
//
// The event log is a hash over everything that a node logs and everything that arrives anywhere: same seed, same
// options, same hash (P3). Nothing here reads a clock, a float of simulated time, or the order of a hash table.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/host.hpp"
#include "core/sha256.hpp"
#include "sim/event_queue.hpp"

namespace syn::sim {

struct WorldOptions {
  std::uint64_t seed = 1;
  std::size_t queue_messages = 10'000;  // of one sender to one peer, then Sent::full
  std::size_t queue_bytes = 32u << 20;
  Duration connect_time = std::chrono::milliseconds(1);   // beside one round trip: the CURVE handshake
  Duration notice_time = std::chrono::milliseconds(500);  // until both ends notice a cut (heartbeats)
  Duration shun_time = std::chrono::seconds(60);          // for which a peer that misbehaved is not spoken with
  Duration write_time = std::chrono::microseconds(500);   // of one durable write
};

struct Traffic {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;  // kWireOverheadBytes included
};

class World {
 public:
  explicit World(WorldOptions options, const Codec& codec);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Ids in ascending order of creation make for reproducible runs by themselves.
  Host add(NodeId id, std::string name, const DeviceProfile& device);
  Host host(NodeId id);

  Instant now() const { return queue_.now(); }
  bool step() { return queue_.run_next(); }
  void run_for(Duration d) { queue_.run_until(now() + d); }
  // True: `done` became true. False: nothing is left to happen, or `limit` of virtual time has passed.
  template <class Done>
  bool run_until(Done done, Duration limit) {
    const auto end = now() + limit;
    while (!done()) {
      const auto next = queue_.next();
      if (!next || *next > end) return false;
      queue_.run_next();
    }
    return true;
  }
  // On no node: faults, checks.
  void at(Instant when, std::move_only_function<void()> fn) { queue_.push(when, std::move(fn)); }

  // ---- faults
  void kill(NodeId node);    // nothing of it runs any more; its peers notice at once, as TCP does when a process ends
  void revive(NodeId node);  // with its disk; the caller gives it new life with host()
  bool alive(NodeId node) const;
  void cut(NodeId a, NodeId b);  // until heal; what is on its way is lost
  void heal(NodeId a, NodeId b);
  void pause(NodeId node, bool paused);            // its loop stands still: what comes waits, what it asked for goes on
  void slow(NodeId node, std::uint32_t factor);    // computing and handling messages; 1: as before
  void jitter(NodeId node, Duration up_to);        // added to deliveries to it, in order; 0: none
  void drop_data(NodeId node, std::uint32_t n);    // the next n data frames to it vanish: a bug's canary (P14)
  void repeat_data(NodeId node, std::uint32_t n);  // the next n data frames to it arrive twice
  class MemoryStore& disk(NodeId node);

  // ---- what was
  std::string event_log_hash() const;
  std::uint64_t events() const { return events_; }  // that the hash is over
  const Traffic& traffic() const { return traffic_; }
  void reset_traffic();
  Duration compute_busy(NodeId node) const;  // summed over cores
  Duration loop_busy(NodeId node) const;
  const std::map<std::string, std::uint64_t>& marks() const { return marks_; }  // faults that had an effect, by name
  // Sees every log event, for tests.
  using Watch = std::function<void(NodeId, Level, std::string_view name, const std::string& fields)>;
  void watch(Watch watch) { watch_ = std::move(watch); }

 private:
  struct Node;
  struct Link;
  class Net;
  class Cores;
  class Loop;
  class Journal;

  Node& node(NodeId id);
  const Node& node(NodeId id) const;
  Link& link(NodeId a, NodeId b);
  void on_loop(Node& node, Duration cost, EventQueue::Fn fn);
  void turn(Node& node);
  void dial(NodeId from, NodeId to);
  void connect(Link& link);
  void shun(Node& by, NodeId peer);
  void disconnect(Link& link, Duration notice);
  Sent send(Node& from, NodeId to, Channel channel, Bytes bytes);
  void transmit(Node& from, Node& to, Link& link, Channel channel, Bytes bytes);
  void deliver(Node& to, NodeId from, Link& link, Channel channel, Bytes bytes);
  void record(std::initializer_list<std::uint64_t> numbers);

  WorldOptions options_;
  const Codec& codec_;
  std::shared_ptr<EventQueue> shared_queue_ = std::make_shared<EventQueue>();
  EventQueue& queue_ = *shared_queue_;
  std::map<NodeId, std::unique_ptr<Node>> nodes_;
  std::map<std::pair<NodeId, NodeId>, std::unique_ptr<Link>> links_;  // lower id first
  Sha256 hash_;
  std::uint64_t events_ = 0;
  Traffic traffic_;
  std::map<std::string, std::uint64_t> marks_;
  Watch watch_;
};

}  // namespace syn::sim
