#include "nodes/coordinator.hpp"

#include <algorithm>

#include "nodes/term.hpp"

namespace syn::nodes {
namespace {

constexpr Duration kRetry = std::chrono::milliseconds(1);

}  // namespace

Coordinator::Coordinator(Host host, Peers& peers, Refusals& refusals, const ClientOptions& options,
                         const Planned& planned, DeploymentId deployment, Callbacks callbacks)
    : host_(host),
      peers_(peers),
      refusals_(refusals),
      options_(options),
      planned_(planned),
      deployment_(deployment),
      callbacks_(std::move(callbacks)) {
  for (std::size_t s = 0; s < planned.plan.shards.size(); ++s) {
    Node node;
    node.shard = s;
    for (const auto& entry : planned.plan.nodes) {
      if (entry.id == planned.plan.shards[s].node) node.entry = entry;
    }
    nodes_.emplace(planned.plan.shards[s].node, std::move(node));
  }
}

Coordinator::Node* Coordinator::node_of(NodeId id) {
  const auto at = nodes_.find(id);
  return at == nodes_.end() ? nullptr : &at->second;
}

// ---- leases -------------------------------------------------------------------------------------------------------

void Coordinator::start() {
  const auto term = load_term(host_.store);
  if (!term) return give_up(term.error());
  epoch_ = Epoch::of(*term + 1, 1);
  arm(options_.connect_timeout, "a lease");
  phase_ = Phase::leasing;
  persist_and_lease();
}

void Coordinator::persist_and_lease() {
  raising_ = true;
  store_term(host_.store, epoch_.term(), [this](Expected<> done) {
    raising_ = false;
    if (phase_ != Phase::leasing) return;
    if (!done) return give_up(done.error());
    for (auto& [id, node] : nodes_) node.leased = false;
    if (!std::exchange(dialled_, true)) {
      for (auto& [id, node] : nodes_) host_.network.dial(id, node.entry.address);
    }
    lease_all();
  });
}

void Coordinator::lease_all() {
  for (auto& [id, node] : nodes_) {
    if (!node.lost && peers_.ready(id)) send_lease(node, options_.lease);
  }
  beat_ = host_.clock.call_in(options_.lease / 3, [this] { lease_all(); });
}

void Coordinator::send_lease(const Node& node, Duration lease) {
  peers_.post(node.entry.id, Lease{.epoch = epoch_, .lease = lease, .sent_ns = host_.clock.now().ns});
}

void Coordinator::peer_ready(NodeId peer) {
  Node* node = node_of(peer);
  if (node && !node->lost && phase_ == Phase::leasing && !raising_) send_lease(*node, options_.lease);
}

void Coordinator::lease_reply(NodeId from, const LeaseReply& reply) {
  Node* node = node_of(from);
  if (!node || phase_ == Phase::ended) return refusals_.count("unexpected_message");
  if (reply.accepted) {
    if (reply.seen != epoch_ || raising_) return;  // granted to what we were before
    node->expiry =
        host_.clock.call_in(options_.lease, [this, node] { lose(*node, "did not answer for a whole lease"); });
    if (!std::exchange(node->leased, true)) look_leased();
    if (reply.draining) draining(from);
    return;
  }
  if (phase_ != Phase::leasing) {
    if (reply.seen > epoch_)
      lose(*node, "obeys another coordinator now");
    else if (reply.holder != host_.network.self())
      lose(*node, "gave up the lease: it had not heard from here in time");
    return;
  }
  if (reply.draining) return lose(*node, "is stopping and takes no new work");
  if (reply.holder != NodeId{} && reply.holder != host_.network.self()) {
    const auto name = peers_.name(reply.holder);
    return give_up({text::cat("busy: node '", node->entry.name, "' obeys coordinator ",
                              name.empty() ? "" : text::cat("'", name, "', id "), reply.holder.value),
                    text::cat("node '", node->entry.name, "', ", node->entry.address),
                    "wait until that coordinator is done, or end it; its lease runs out by itself when it dies"});
  }
  // Somebody counted higher before: start above, and lease all anew, so that all obey one epoch.
  if (reply.seen >= epoch_ && !raising_) {
    epoch_ = Epoch::of(reply.seen.term() + 1, 1);
    persist_and_lease();
  }
}

void Coordinator::look_leased() {
  if (phase_ != Phase::leasing) return;
  if (std::ranges::all_of(nodes_, [](const auto& n) { return n.second.leased; })) prepare_all();
}

// ---- shards -------------------------------------------------------------------------------------------------------

void Coordinator::prepare_all() {
  phase_ = Phase::preparing;
  arm(options_.prepare_timeout, "its shard to be ready");
  for (const auto& [id, node] : nodes_) {
    const auto& placement = planned_.plan.shards[node.shard];
    Prepare p{.deployment = deployment_,
              .epoch = epoch_,
              .model = planned_.plan.model,
              .spec = placement.spec,
              .peers = {},
              .shard_bytes = planned_.shards[node.shard].size()};
    for (const auto& entry : planned_.plan.nodes) {
      const auto touches = [&](const EdgeSpec& e) { return e.from == entry.id || e.to == entry.id; };
      if (entry.id == id || entry.id == host_.network.self()) continue;
      if (std::ranges::any_of(p.spec.in, touches) || std::ranges::any_of(p.spec.out, touches)) p.peers.push_back(entry);
    }
    peers_.post(id, p);
  }
  send_chunks();
}

void Coordinator::send_chunks() {
  bool more = false;
  for (auto& [id, node] : nodes_) {
    const auto& bytes = planned_.shards[node.shard];
    while (node.sent < bytes.size()) {
      const auto n =
          std::min({options_.chunk_bytes, kMaxChunkBytes - 1024, bytes.size() - static_cast<std::size_t>(node.sent)});
      const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(node.sent);
      const auto sent =
          peers_.send(id, Channel::bulk,
                      host_.codec.encode(Chunk{.deployment = deployment_,
                                               .epoch = epoch_,
                                               .offset = node.sent,
                                               .bytes = Bytes(first, first + static_cast<std::ptrdiff_t>(n))}));
      if (sent != Sent::taken) {
        more |= sent == Sent::full;
        break;
      }
      node.sent += n;
    }
  }
  if (more) upload_ = host_.clock.call_in(kRetry, [this] { send_chunks(); });
}

void Coordinator::prepared(NodeId from, const Prepared& m) {
  Node* node = node_of(from);
  if (!node || m.deployment != deployment_ || m.epoch != epoch_) return refusals_.count("unknown_deployment");
  if (phase_ != Phase::preparing) return;
  if (!m.ok) {
    return give_up(
        {text::cat("node '", node->entry.name, "' refuses its shard: ", m.error.what), m.error.where, m.error.todo});
  }
  node->prepared = true;
  if (!std::ranges::all_of(nodes_, [](const auto& n) { return n.second.prepared; })) return;
  phase_ = Phase::activating;
  for (const auto& [id, n] : nodes_) peers_.post(id, Activate{deployment_, epoch_});
}

void Coordinator::activated(NodeId from, const Activated& m) {
  Node* node = node_of(from);
  if (!node || m.deployment != deployment_ || m.epoch != epoch_) return refusals_.count("unknown_deployment");
  if (phase_ != Phase::activating) return;
  node->activated = true;
  if (!std::ranges::all_of(nodes_, [](const auto& n) { return n.second.activated; })) return;
  phase_ = Phase::active;
  timeout_.reset();
  host_.log.event(Level::info, "deployed", {{"epoch", epoch_.value}, {"nodes", nodes_.size()}});
  std::exchange(callbacks_.ready, {})({});
}

// ---- trouble ------------------------------------------------------------------------------------------------------

void Coordinator::arm(Duration timeout, const char* waiting_for) {
  timeout_ = host_.clock.call_in(timeout, [this, waiting_for] { give_up(not_there(waiting_for)); });
}

Error Coordinator::not_there(const char* waiting_for) const {
  std::string what, where;
  for (const auto& [id, node] : nodes_) {
    const bool there = phase_ == Phase::leasing     ? node.leased
                       : phase_ == Phase::preparing ? node.prepared
                                                    : node.activated;
    if (there) continue;
    const auto objection = peers_.objection(id);
    what += text::cat(what.empty() ? "" : "; ", "node '", node.entry.name, "' ",
                      peers_.ready(id)    ? text::cat("did not answer in time; waited for ", waiting_for)
                      : objection.empty() ? "cannot be reached"
                                          : text::cat("is connected, but ", objection));
    where += text::cat(where.empty() ? "" : ", ", node.entry.address);
  }
  return {what, where,
          "check that synfired runs there, that the address is right and that both sides list each other's keys"};
}

void Coordinator::give_up(Error error) {
  if (phase_ == Phase::ended || phase_ == Phase::active) return;
  release();
  host_.log.event(Level::error, "deploy_failed", {{"what", error.what}, {"where", error.where}});
  // Not inline: whoever called may be in the middle of something.
  timeout_ =
      host_.clock.call_in(Duration::zero(), [ready = std::exchange(callbacks_.ready, {}),
                                             error = std::move(error)]() mutable { ready(fail(std::move(error))); });
}

void Coordinator::peer_gone(NodeId peer) {
  Node* node = node_of(peer);
  if (node) lose(*node, "is gone: its connection broke");
}

void Coordinator::lose(Node& node, std::string what) {
  if (node.lost || phase_ == Phase::ended) return;
  // Before a lease is granted, a broken connection is only a reason to go on dialling.
  if (phase_ == Phase::leasing && !node.leased && !peers_.ready(node.entry.id)) return;
  node.lost = true;
  node.expiry.reset();
  Error error{text::cat("node '", node.entry.name, "' ", what), node.entry.address,
              "see that node's log; start it again and deploy anew"};
  host_.log.event(Level::error, "node_lost", {{"node", node.entry.name}, {"id", node.entry.id.value}, {"what", what}});
  if (phase_ != Phase::active) return give_up(std::move(error));
  callbacks_.trouble({.node = node.entry.id, .name = node.entry.name, .draining = false, .error = std::move(error)});
}

void Coordinator::draining(NodeId from) {
  Node* node = node_of(from);
  if (!node || node->draining || node->lost || phase_ == Phase::ended) return;
  if (phase_ != Phase::active) return lose(*node, "is stopping and takes no new work");
  node->draining = true;
  host_.log.event(Level::warn, "node_draining", {{"node", node->entry.name}});
  callbacks_.trouble({.node = from,
                      .name = node->entry.name,
                      .draining = true,
                      .error = {text::cat("node '", node->entry.name, "' is stopping"), node->entry.address,
                                "start it again, or deploy without it"}});
}

void Coordinator::release() {
  if (std::exchange(phase_, Phase::ended) == Phase::ended) return;
  beat_.reset();
  timeout_.reset();
  upload_.reset();
  for (auto& [id, node] : nodes_) {
    node.expiry.reset();
    if (!peers_.ready(id) || !node.leased) continue;
    peers_.post(id, Retire{deployment_, epoch_});
    send_lease(node, Duration::zero());
  }
}

}  // namespace syn::nodes
