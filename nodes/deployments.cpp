// What a worker holds on behalf of its coordinator: uploads on their way, engines, shards at work.
#include <algorithm>

#include "nodes/worker_impl.hpp"
#include "snn/model_file.hpp"

namespace syn::nodes {
namespace {

// A shard's bytes are there as bytes, as a model and as the engine's own copy, for a moment at the same time.
constexpr std::uint64_t kCopies = 3;
constexpr std::size_t kMaxPeers = 1024;
constexpr std::size_t kMaxPastAccounts = 64;

}  // namespace

Worker::Impl::Deployment* Worker::Impl::deployment_of(DeploymentId id, Epoch epoch) {
  const auto at = deployments_.find(id);
  if (at == deployments_.end() || at->second.prepare.epoch != epoch) {
    refusals_.count(epoch < seen_ ? "old_epoch" : "unknown_deployment");
    return nullptr;
  }
  return &at->second;
}

std::uint64_t Worker::Impl::reserved() const {
  std::uint64_t sum = learners_.reserved();
  for (const auto& [id, deployment] : deployments_) sum += deployment.reserved;
  return sum;
}

std::uint64_t Worker::Impl::held_bytes() const {
  std::uint64_t sum = learners_.held_bytes();
  for (const auto& [id, deployment] : deployments_) {
    sum += deployment.bytes.capacity();
    if (deployment.engine) sum += deployment.engine->resident_bytes();
    if (deployment.shard) sum += deployment.shard->held_bytes();
  }
  return sum;
}

Expected<> Worker::Impl::has_room(DeploymentId id) const {
  const auto where = text::cat("node '", options_.name, "'");
  if (draining_) return fail("the node is stopping", where, "wait until it is back, or leave it out");
  if (deployments_.contains(id) || learners_.holds(id))
    return fail("the deployment is here already", where, "retire it first");
  if (deployments_.size() + learners_.count() >= options_.deployments) {
    return fail(text::cat("it holds ", options_.deployments, " deployments, no more are allowed"), where, "retire one");
  }
  return {};
}

Expected<> Worker::Impl::admissible(const Prepare& p) const {
  const auto where = text::cat("node '", options_.name, "'");
  if (auto room = has_room(p.deployment); !room) return room;
  if (p.peers.size() > kMaxPeers) return fail(text::cat(p.peers.size(), " peers"), where, "use fewer nodes");
  if (p.shard_bytes == 0) return fail("an empty shard", where, "plan again");
  const auto held = reserved();
  if (p.shard_bytes > options_.memory_cap / kCopies || held + kCopies * p.shard_bytes > options_.memory_cap) {
    return fail(
        text::cat("a shard of ", text::bytes(static_cast<double>(p.shard_bytes)),
                  " does not fit under the memory cap of ", text::bytes(static_cast<double>(options_.memory_cap)),
                  ", of which ", text::bytes(static_cast<double>(held)), " are taken"),
        where, "raise the cap, or use more nodes");
  }
  return check_spec(p.spec, host_.network.self());
}

void Worker::Impl::prepare(NodeId from, Prepare&& p) {
  if (p.epoch != lease_epoch_ || persisting_) {
    return refusals_.count(p.epoch < seen_ ? "old_epoch" : "epoch_not_leased");
  }
  if (auto ok = admissible(p); !ok) {
    refusals_.count("not_admissible");
    return peers_.post(from, Prepared{.deployment = p.deployment, .epoch = p.epoch, .ok = false, .error = ok.error()});
  }
  host_.log.event(Level::info, "prepare",
                  {{"deployment", p.deployment.value}, {"epoch", p.epoch.value}, {"bytes", p.shard_bytes}});
  // Of two workers, the one with the lower id dials; who has no address dials us.
  for (const auto& peer : p.peers) {
    if (!peer.address.empty() && peer.id != host_.network.self() && host_.network.self() < peer.id) {
      host_.network.dial(peer.id, peer.address);
    }
  }
  Deployment& d = deployments_[p.deployment];
  d.reserved = kCopies * p.shard_bytes;
  d.bytes.reserve(static_cast<std::size_t>(p.shard_bytes));
  d.prepare = std::move(p);
}

void Worker::Impl::chunk(Chunk&& c) {
  auto* d = deployment_of(c.deployment, c.epoch);
  if (!d) return;
  // In order and exactly once within one connection; a new one would have ended the deployment.
  if (d->reading || d->engine || c.offset != d->bytes.size() ||
      c.bytes.size() > d->prepare.shard_bytes - d->bytes.size()) {
    return refusals_.count("bad_chunk");
  }
  d->bytes.insert(d->bytes.end(), c.bytes.begin(), c.bytes.end());
  if (d->bytes.size() == d->prepare.shard_bytes) read(*d);
}

void Worker::Impl::read(Deployment& d) {
  d.reading = true;
  auto reading = std::make_shared<Reading>();
  host_.compute.run(
      [reading, bytes = std::exchange(d.bytes, {}), spec = d.prepare.spec, name = options_.name,
       cap = options_.memory_cap] {
        const auto where = text::cat("the shard on node '", name, "'");
        const Work work{.bytes_touched = bytes.size()};
        auto model = snn::read_model(bytes, where);
        if (!model) return reading->error = fail(model.error()), work;
        auto wiring = wire(spec, *model);
        if (!wiring) return reading->error = fail(wiring.error()), work;
        auto engine = snn::Engine::make(std::move(*model));
        if (!engine) return reading->error = fail(engine.error()), work;
        if (const auto most = held_at_most(spec, *engine); most > cap) {
          reading->error =
              fail(text::cat("with its windows in flight the shard may take ", text::bytes(static_cast<double>(most)),
                             ", the memory cap is ", text::bytes(static_cast<double>(cap))),
                   where, "raise the cap, admit fewer inferences at once, or use more nodes");
          return work;
        }
        reading->wiring = std::move(*wiring);
        reading->engine = std::make_shared<const snn::Engine>(std::move(*engine));
        return work;
      },
      [this, reading, id = d.prepare.deployment, epoch = d.prepare.epoch](Work, Duration) {
        have_read(id, epoch, *reading);
      });
}

void Worker::Impl::have_read(DeploymentId id, Epoch epoch, const Reading& reading) {
  const auto at = deployments_.find(id);
  if (at == deployments_.end() || at->second.prepare.epoch != epoch) return;  // dropped meanwhile
  Deployment& d = at->second;
  d.reading = false;
  if (!reading.error) return refuse(d, reading.error.error());
  const auto most = held_at_most(d.prepare.spec, *reading.engine);
  if (reserved() - d.reserved + most > options_.memory_cap) {
    return refuse(d, {text::cat("with its windows in flight the shard may take ",
                                text::bytes(static_cast<double>(most)), "; other deployments leave less"),
                      text::cat("node '", options_.name, "'"), "retire one, or raise the memory cap"});
  }
  d.reserved = most;
  d.engine = reading.engine;
  d.shard = std::make_unique<Shard>(Shard::Context{.host = host_,
                                                   .peers = peers_,
                                                   .refusals = refusals_,
                                                   .deployment = id,
                                                   .epoch = epoch,
                                                   .gateway = holder_,
                                                   .ack_delay = options_.ack_delay,
                                                   .totals = totals_},
                                    d.prepare.spec, d.engine, reading.wiring);
  d.connect = host_.clock.call_in(options_.connect_timeout, [this, id] {
    const auto late = deployments_.find(id);
    if (late == deployments_.end() || late->second.answered) return;
    for (const auto& peer : late->second.prepare.peers) {
      if (peer.id == host_.network.self() || peers_.ready(peer.id)) continue;
      const auto why = peers_.objection(peer.id);
      return refuse(late->second,
                    {text::cat("no connection to node '", peer.name, "'", why.empty() ? "" : ": ", why),
                     text::cat("node '", options_.name, "', dialling ", peer.address),
                     "check that it runs, that the address is right and that both list each other's keys"});
    }
  });
  look_prepared(d);
}

void Worker::Impl::look_prepared(Deployment& d) {
  if (!d.shard || d.answered) return;
  for (const auto& peer : d.prepare.peers) {
    if (peer.id != host_.network.self() && !peers_.ready(peer.id)) return;
  }
  d.answered = true;
  d.connect.reset();
  peers_.post(holder_, Prepared{.deployment = d.prepare.deployment,
                                .epoch = d.prepare.epoch,
                                .ok = true,
                                .error = {},
                                .resident_bytes = d.engine->resident_bytes()});
}

void Worker::Impl::refuse(Deployment& d, Error error) {
  host_.log.event(Level::warn, "shard_refused", {{"deployment", d.prepare.deployment.value}, {"what", error.what}});
  peers_.post(
      holder_,
      Prepared{.deployment = d.prepare.deployment, .epoch = d.prepare.epoch, .ok = false, .error = std::move(error)});
  const auto id = d.prepare.deployment;
  deployments_.erase(id);
}

void Worker::Impl::activate(const Activate& m) {
  auto* d = deployment_of(m.deployment, m.epoch);
  if (!d) return;
  if (!d->shard) return refusals_.count("not_prepared");
  peers_.post(holder_, Activated{m.deployment, m.epoch});
  if (std::exchange(d->active, true)) return;
  host_.log.event(Level::info, "active", {{"deployment", m.deployment.value}, {"epoch", m.epoch.value}});
  d->shard->activate();
}

void Worker::Impl::open_learner(NodeId from, const OpenLearner& request) {
  if (request.epoch != lease_epoch_ || persisting_) {
    return refusals_.count(request.epoch < seen_ ? "old_epoch" : "epoch_not_leased");
  }
  if (auto room = has_room(request.deployment); !room) {
    refusals_.count("not_admissible");
    return peers_.post(
        from, LearnerState{.deployment = request.deployment, .epoch = request.epoch, .error = std::move(room.error())});
  }
  learners_.open(from, request, options_.memory_cap - std::min(options_.memory_cap, reserved()));
}

void Worker::Impl::retire(DeploymentId id) {
  const auto at = deployments_.find(id);
  if (at == deployments_.end()) return;
  if (at->second.shard) {
    for (const auto& account : at->second.shard->close()) past_.push_back(account);
    if (past_.size() > kMaxPastAccounts) past_.erase(past_.begin(), past_.end() - kMaxPastAccounts);
  }
  host_.log.event(Level::info, "retired", {{"deployment", id.value}});
  deployments_.erase(at);
}

void Worker::Impl::drop_deployments() {
  while (!deployments_.empty()) retire(deployments_.begin()->first);
  learners_.close_all();
}

}  // namespace syn::nodes
