// The inside of Worker, shared by worker.cpp (obeying: leases, epochs, draining) and deployments.cpp (holding: uploads,
// engines, windows).
#pragma once

#include <map>
#include <vector>

#include "nodes/learners.hpp"
#include "nodes/shard.hpp"
#include "nodes/worker.hpp"

namespace syn::nodes {

struct Worker::Impl {
  // From Prepare to Retire. `shard` stands once the bytes are here, read and checked.
  struct Deployment {
    Prepare prepare;
    Bytes bytes;                 // until they are read
    std::uint64_t reserved = 0;  // counted against the memory cap
    std::shared_ptr<const snn::Engine> engine;
    std::unique_ptr<Shard> shard;
    bool reading = false, answered = false, active = false;
    Timer connect;
  };
  // What reading a shard yields, on its way back from the Compute job.
  struct Reading {
    Expected<> error;
    std::shared_ptr<const snn::Engine> engine;
    Wiring wiring;
  };

  Impl(Host host, WorkerOptions options);

  // worker.cpp
  Expected<> start();
  void message(NodeId from, Message&& message, std::size_t bytes);
  void lease(NodeId from, const Lease& lease);
  void renew(const Lease& lease);
  void reply(NodeId to, const Lease& lease, bool accepted);
  void release(const char* why);
  void gone(NodeId peer);
  void drain(Duration limit, std::move_only_function<void()> done);
  void look_drained();
  Status status() const;

  // deployments.cpp
  void prepare(NodeId from, Prepare&& prepare);
  Expected<> admissible(const Prepare& prepare) const;
  void chunk(Chunk&& chunk);
  void read(Deployment& deployment);
  void have_read(DeploymentId id, Epoch epoch, const Reading& reading);
  void look_prepared(Deployment& deployment);
  void refuse(Deployment& deployment, Error error);
  void activate(const Activate& activate);
  void open_learner(NodeId from, const OpenLearner& request);
  Expected<> has_room(DeploymentId id) const;
  void retire(DeploymentId id);
  void drop_deployments();
  Deployment* deployment_of(DeploymentId id, Epoch epoch);  // counts the refusal when there is none
  std::uint64_t reserved() const;
  std::uint64_t held_bytes() const;

  Host host_;
  WorkerOptions options_;
  Refusals refusals_;
  Peers peers_;
  NodeId holder_;
  Epoch seen_;         // the highest ever obeyed
  Epoch lease_epoch_;  // the holder's
  bool persisting_ = false;
  std::vector<std::pair<NodeId, Lease>> waiting_;  // leases to answer once the epoch is durable
  Timer lease_timer_;
  std::map<DeploymentId, Deployment> deployments_;
  Totals totals_;
  Learners learners_;
  std::vector<EdgeAccount> past_;  // accounts of the deployments before, the latest few
  bool draining_ = false;
  Timer drain_timer_;
  std::move_only_function<void()> drained_;
};

}  // namespace syn::nodes
