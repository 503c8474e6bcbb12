// Carries a plan out: leases every node of it, sends the shards, activates them, and watches until it is told to stop.
//
//   term from the store -> dial -> Hello -> Lease granted by all -> Prepare + Chunks -> Prepared by all -> Activate ->
//   Activated by all -> ready. Anything that goes wrong before ends in one error that names the node; afterwards in
//   `trouble`. A node whose epoch is higher than ours makes us count above it and lease all anew (P7).
// Deliberately not here: making plans (placement.hpp), inferences (gateway.hpp), going on without a lost node.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/host.hpp"
#include "nodes/client.hpp"
#include "nodes/peers.hpp"
#include "nodes/placement.hpp"
#include "nodes/refusals.hpp"

namespace syn::nodes {

class Coordinator {
 public:
  struct Callbacks {
    std::move_only_function<void(Expected<>)> ready;        // once
    std::move_only_function<void(const Trouble&)> trouble;  // after ready; once a node and kind
  };

  Coordinator(Host host, Peers& peers, Refusals& refusals, const ClientOptions& options, const Planned& planned,
              DeploymentId deployment, Callbacks callbacks);

  void start();
  void peer_ready(NodeId peer);
  void peer_gone(NodeId peer);
  void lease_reply(NodeId from, const LeaseReply& reply);
  void prepared(NodeId from, const Prepared& prepared);
  void activated(NodeId from, const Activated& activated);
  void draining(NodeId from);
  // Retires the deployment and gives every lease back. Nothing is watched any more.
  void release();

  Epoch epoch() const { return epoch_; }
  DeploymentId deployment() const { return deployment_; }
  bool is_node(NodeId peer) const { return nodes_.contains(peer); }

 private:
  enum class Phase : std::uint8_t { starting, leasing, preparing, activating, active, ended };
  struct Node {
    NodeEntry entry;
    std::size_t shard = 0;
    bool leased = false, prepared = false, activated = false, lost = false, draining = false;
    std::uint64_t sent = 0;  // bytes of its shard
    Timer expiry;
  };

  void persist_and_lease();
  void lease_all();
  void send_lease(const Node& node, Duration lease);
  void look_leased();
  void prepare_all();
  void send_chunks();
  void give_up(Error error);
  void lose(Node& node, std::string what);
  void arm(Duration timeout, const char* waiting_for);
  Error not_there(const char* waiting_for) const;
  Node* node_of(NodeId id);

  Host host_;
  Peers& peers_;
  Refusals& refusals_;
  const ClientOptions& options_;
  const Planned& planned_;
  DeploymentId deployment_;
  Callbacks callbacks_;
  Phase phase_ = Phase::starting;
  Epoch epoch_;
  bool dialled_ = false;
  bool raising_ = false;  // a higher term is on its way to the store
  std::map<NodeId, Node> nodes_;
  Timer timeout_, beat_, upload_;
};

}  // namespace syn::nodes
