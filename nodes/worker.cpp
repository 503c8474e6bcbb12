#include "nodes/worker.hpp"

#include <algorithm>
#include <cstring>

#include "nodes/worker_impl.hpp"

namespace syn::nodes {
namespace {

constexpr std::string_view kEpochFile = "epoch";
constexpr Duration kLongestLease = std::chrono::seconds(60);

Bytes to_bytes(Epoch epoch) {
  Bytes out(8);
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(epoch.value >> (8 * i));
  return out;
}

}  // namespace

Worker::Impl::Impl(Host host, WorkerOptions options)
    : host_(host),
      options_(std::move(options)),
      peers_(host, {.name = options_.name, .version = options_.version}, refusals_,
             {.message = [this](NodeId from, Message&& m, std::size_t bytes) { message(from, std::move(m), bytes); },
              .ready =
                  [this](NodeId) {
                    for (auto& [id, deployment] : deployments_) look_prepared(deployment);
                  },
              .gone = [this](NodeId peer) { gone(peer); }}),
      learners_(host, peers_, refusals_, totals_, options_.name) {}

Expected<> Worker::Impl::start() {
  auto stored = host_.store.load(kEpochFile);
  if (!stored) return fail(stored.error());
  if (*stored) {
    if ((*stored)->size() != 8) {
      return fail(text::cat("the highest epoch obeyed should be 8 bytes, it is ", (*stored)->size()),
                  "the node's store, 'epoch'",
                  "restore it from a backup, or remove it if no other coordinator can still be running");
    }
    for (std::size_t i = 0; i < 8; ++i) seen_.value |= std::uint64_t{(**stored)[i]} << (8 * i);
  }
  peers_.start();
  return {};
}

void Worker::Impl::message(NodeId from, Message&& message, std::size_t bytes) {
  // Data first: it is nearly all there is. Everything that changes the node comes from its holder alone.
  if (auto* m = std::get_if<SpikeFrame>(&message)) {
    if (auto* d = deployment_of(m->id.deployment, m->id.epoch)) {
      d->shard ? d->shard->frame(from, std::move(*m), bytes) : refusals_.count("not_prepared");
    }
    return;
  }
  if (auto* m = std::get_if<Ack>(&message)) {
    if (auto* d = deployment_of(m->deployment, m->epoch)) {
      d->shard ? d->shard->ack(from, *m) : refusals_.count("not_prepared");
    }
    return;
  }
  if (auto* m = std::get_if<Sample>(&message)) {
    return from == holder_ ? learners_.sample(std::move(*m)) : refusals_.count("not_holder");
  }
  if (auto* m = std::get_if<Lease>(&message)) return lease(from, *m);
  if (std::get_if<StatusRequest>(&message)) return peers_.post(from, status());
  if (from != holder_) return refusals_.count("not_holder");
  if (auto* m = std::get_if<Prepare>(&message)) return prepare(from, std::move(*m));
  if (auto* m = std::get_if<Chunk>(&message)) return chunk(std::move(*m));
  if (auto* m = std::get_if<Activate>(&message)) return activate(*m);
  if (auto* m = std::get_if<Retire>(&message)) {
    if (learners_.holds(m->deployment)) {
      learners_.close(m->deployment, m->epoch);
    } else if (deployment_of(m->deployment, m->epoch)) {
      retire(m->deployment);
    }
    return look_drained();
  }
  if (auto* m = std::get_if<Cancel>(&message)) {
    if (auto* d = deployment_of(m->deployment, m->epoch); d && d->shard) d->shard->cancel(m->inference);
    return;
  }
  if (auto* m = std::get_if<OpenLearner>(&message)) return open_learner(from, *m);
  if (auto* m = std::get_if<KeepLearner>(&message)) return learners_.keep(*m);
  if (auto* m = std::get_if<FetchLearner>(&message)) return learners_.fetch(*m);
  refusals_.count("unexpected_message");
}

// ---- whose it is --------------------------------------------------------------------------------------------------

void Worker::Impl::lease(NodeId from, const Lease& m) {
  if (holder_ != NodeId{} && holder_ != from) {
    refusals_.count("busy");
    return reply(from, m, false);
  }
  if (m.epoch < seen_ || (m.epoch == seen_ && holder_ != from)) {
    // An equal epoch from anyone but its holder: another coordinator that counted the same way, or one whose lease is
    // over and whose deployments are gone. Both must count higher first.
    refusals_.count("old_epoch");
    return reply(from, m, false);
  }
  if (m.lease <= Duration::zero()) return release("given back");
  if (draining_ && holder_ != from) return reply(from, m, false);
  if (m.epoch > seen_) {
    if (holder_ == from && m.epoch.term() > lease_epoch_.term()) drop_deployments();  // it started anew
    holder_ = from;
    seen_ = lease_epoch_ = m.epoch;
    waiting_.emplace_back(from, m);
    persisting_ = true;
    host_.store.replace(kEpochFile, to_bytes(seen_), [this, epoch = seen_](Expected<> done) {
      if (epoch != seen_) return;  // a later one is on its way
      persisting_ = false;
      for (const auto& [to, lease] : std::exchange(waiting_, {})) {
        if (!done) host_.log.event(Level::error, "store_failed", {{"what", done.error().what}});
        if (to != holder_) continue;
        reply(to, lease, done.has_value());
        done ? renew(lease) : release("store failed");
      }
    });
    return;
  }
  if (persisting_) {
    if (waiting_.size() < 16) waiting_.emplace_back(from, m);
    return;
  }
  reply(from, m, true);
  renew(m);
}

void Worker::Impl::renew(const Lease& m) {
  const bool first = !lease_timer_;
  lease_timer_ = host_.clock.call_in(std::min(m.lease, kLongestLease), [this] {
    host_.log.event(Level::warn, "lease_over", {{"holder", holder_.value}, {"name", peers_.name(holder_)}});
    release("lease over");
  });
  if (first) host_.log.event(Level::info, "leased", {{"holder", holder_.value}, {"epoch", m.epoch.value}});
}

void Worker::Impl::reply(NodeId to, const Lease& m, bool accepted) {
  peers_.post(to, LeaseReply{.accepted = accepted,
                             .holder = holder_,
                             .seen = seen_,
                             .echoed_ns = m.sent_ns,
                             .own_ns = host_.clock.now().ns,
                             .draining = draining_});
}

void Worker::Impl::release(const char* why) {
  if (holder_ == NodeId{}) return;
  host_.log.event(Level::info, "released", {{"holder", holder_.value}, {"why", why}});
  drop_deployments();
  holder_ = {};
  waiting_.clear();
  lease_timer_.reset();
  look_drained();
}

void Worker::Impl::gone(NodeId peer) {
  if (peer == holder_) return release("coordinator gone");
  const Error error{text::cat("the connection to node '", peers_.name(peer), "' broke"),
                    text::cat("node '", options_.name, "'"), "see that node's log; deploy again"};
  for (auto& [id, deployment] : deployments_) {
    if (deployment.shard) deployment.shard->peer_gone(peer, error);
  }
}

// ---- stopping -----------------------------------------------------------------------------------------------------

void Worker::Impl::drain(Duration limit, std::move_only_function<void()> done) {
  drained_ = std::move(done);
  if (!std::exchange(draining_, true)) {
    host_.log.event(Level::info, "draining", {{"limit_ms", limit.count() / 1'000'000}});
    if (holder_ != NodeId{}) peers_.post(holder_, Draining{});
  }
  drain_timer_ = host_.clock.call_in(limit, [this] {
    host_.log.event(Level::warn, "drain_over", {{"deployments", deployments_.size() + learners_.count()}});
    if (drained_) std::exchange(drained_, {})();
  });
  look_drained();
}

void Worker::Impl::look_drained() {
  if (!draining_ || !drained_) return;
  // Who holds this node knows best what is still on its way to it, and retires it when nothing is.
  if (!deployments_.empty() || learners_.count() > 0) return;
  drain_timer_ = host_.clock.call_in(Duration::zero(), [this] {
    if (drained_) std::exchange(drained_, {})();
  });
}

Status Worker::Impl::status() const {
  constexpr std::size_t kMaxEdges = 512;  // fits in a control message
  Status s{.name = options_.name,
           .epoch = seen_,
           .resident_bytes = held_bytes(),
           .work = totals_.work,
           .spikes = totals_.spikes,
           .events = totals_.events,
           .busy_ns = totals_.busy_ns,
           .messages_sent = peers_.messages_sent(),
           .bytes_sent = peers_.bytes_sent(),
           .edges = past_,
           .refused = refusals_.list()};
  for (const auto& [id, deployment] : deployments_) {
    if (!deployment.shard) continue;
    for (const auto& account : deployment.shard->accounts()) s.edges.push_back(account);
  }
  if (s.edges.size() > kMaxEdges) s.edges.erase(s.edges.begin(), s.edges.end() - kMaxEdges);
  return s;
}

// ---- the door -----------------------------------------------------------------------------------------------------

Worker::Worker(Host host, WorkerOptions options) : impl_(std::make_unique<Impl>(host, std::move(options))) {}
Worker::~Worker() = default;
Expected<> Worker::start() {
  return impl_->start();
}
void Worker::drain(Duration limit, std::move_only_function<void()> done) {
  impl_->drain(limit, std::move(done));
}
Status Worker::status() const {
  return impl_->status();
}
NodeId Worker::holder() const {
  return impl_->holder_;
}
Epoch Worker::epoch() const {
  return impl_->seen_;
}
std::uint64_t Worker::held_bytes() const {
  return impl_->held_bytes();
}

}  // namespace syn::nodes
