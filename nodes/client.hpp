// The facade that the command line and the simulator use: carries a plan out (coordinator) and runs inferences through
// it (session, the gateway).
//
//   Client client{host, {.name = "laptop"}};
//   client.on_outcome([&](const Outcome& o) { ... });
//   client.deploy(planned, [&](Expected<> ready) { if (ready) client.submit(row, 300ms); });
//   client.drain(5s, [&] { client.close([&] { loop.stop(); }); });
//
// Deliberately not here: making plans (placement.hpp), reading data, pacing (feeder.hpp).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/host.hpp"
#include "nodes/placement.hpp"
#include "nodes/session.hpp"

namespace syn::nodes {

struct ClientOptions {
  std::string name;
  std::string version = "0";
  Duration lease = std::chrono::seconds(3);             // renewed every third of it
  Duration connect_timeout = std::chrono::seconds(10);  // for every node to say Hello and to grant its lease
  Duration prepare_timeout = std::chrono::seconds(60);  // for every shard to be sent, read, checked and activated
  std::size_t backlog = 4096;                           // submissions that may wait for admission
  std::size_t chunk_bytes = 128 << 10;
  Duration ack_delay = std::chrono::milliseconds(2);  // as in WorkerOptions
};

// A node that stopped being usable: lost (kill, cut, lease over) or told to stop (draining).
struct Trouble {
  NodeId node;
  std::string name;
  bool draining = false;
  Error error;  // names the node
};

struct NodeStatus {
  NodeEntry node;
  std::optional<Status> status;  // nullopt: no answer in time
};

class Client {
 public:
  Client(Host host, ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void on_outcome(std::move_only_function<void(const Outcome&)> fn);  // in order of completion
  void on_trouble(std::move_only_function<void(const Trouble&)> fn);

  // Leases every node, sends every shard, activates. `ready` runs once, never inline: all stands, or the first thing
  // that went wrong, with the node's name; another coordinator's node is the error `busy` and names the holder.
  // One deployment a client in this version.
  void deploy(Planned planned, std::move_only_function<void(Expected<>)> ready);

  // `row` is one input row: the model's Sources one after another (Planned::inputs), counts. Refuses when not deployed,
  // draining, broken, or when the backlog is full (nothing was accepted then, and no outcome will come). The outcome
  // of what was accepted comes by on_outcome, never inline, at the deadline at the latest.
  Expected<InferenceId> submit(std::span<const Count> row, Duration deadline);
  void cancel(InferenceId id);
  // Whether a submission would be sent at once instead of waiting for admission.
  bool can_admit() const;

  // `done` runs when nothing is in flight; at the limit what is left gets its outcome, `draining`. No submission after.
  void drain(Duration limit, std::move_only_function<void()> done);
  // Every node's status; those that do not answer in time are there without one. The gateway's own is `status()`.
  void statuses(Duration timeout, std::move_only_function<void(std::vector<NodeStatus>)> done);
  // Retires the deployment, gives the leases back; what is in flight ends as `cancelled` first. `done` never inline.
  void close(std::move_only_function<void()> done);

  const SessionCounts& counts() const;
  Status status() const;  // the gateway's own edges and refusals
  Epoch epoch() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace syn::nodes
