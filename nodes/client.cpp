#include "nodes/client.hpp"

#include <algorithm>

#include "nodes/coordinator.hpp"
#include "nodes/gateway.hpp"
#include "nodes/peers.hpp"

namespace syn::nodes {
namespace {

constexpr DeploymentId kDeployment{1};

}  // namespace

struct Client::Impl {
  Impl(Host host, ClientOptions options)
      : host_(host),
        options_(std::move(options)),
        peers_(host, {.name = options_.name, .version = options_.version}, refusals_,
               {.message = [this](NodeId from, Message&& m, std::size_t bytes) { message(from, std::move(m), bytes); },
                .ready =
                    [this](NodeId peer) {
                      if (coordinator_) coordinator_->peer_ready(peer);
                    },
                .gone =
                    [this](NodeId peer) {
                      if (coordinator_) coordinator_->peer_gone(peer);
                    }}) {
    peers_.start();
  }

  void message(NodeId from, Message&& message, std::size_t bytes);
  void deploy(Planned planned, std::move_only_function<void(Expected<>)> ready);
  void stands(Expected<> result);
  void trouble(const Trouble& trouble);
  void statuses(Duration timeout, std::move_only_function<void(std::vector<NodeStatus>)> done);
  void have_statuses();
  void close(std::move_only_function<void()> done);

  Host host_;
  ClientOptions options_;
  Refusals refusals_;
  Peers peers_;
  Planned planned_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<Gateway> gateway_;
  Gateway::OnOutcome on_outcome_;
  std::move_only_function<void(const Trouble&)> on_trouble_;
  std::move_only_function<void(Expected<>)> ready_;
  std::vector<NodeStatus> statuses_;
  std::move_only_function<void(std::vector<NodeStatus>)> have_statuses_;
  SessionCounts none_;
  Timer start_, drain_, status_, close_, broken_;
};

void Client::Impl::message(NodeId from, Message&& message, std::size_t bytes) {
  if (!coordinator_ || !coordinator_->is_node(from)) return refusals_.count("not_of_the_plan");
  if (auto* m = std::get_if<PotentialFrame>(&message)) {
    return gateway_ ? gateway_->potentials(from, std::move(*m), bytes) : refusals_.count("not_deployed");
  }
  if (auto* m = std::get_if<Ack>(&message)) return gateway_ ? gateway_->ack(from, *m) : refusals_.count("not_deployed");
  if (auto* m = std::get_if<Failed>(&message))
    return gateway_ ? gateway_->failed(from, *m) : refusals_.count("not_deployed");
  if (auto* m = std::get_if<LeaseReply>(&message)) return coordinator_->lease_reply(from, *m);
  if (auto* m = std::get_if<Prepared>(&message)) return coordinator_->prepared(from, *m);
  if (auto* m = std::get_if<Activated>(&message)) return coordinator_->activated(from, *m);
  if (std::get_if<Draining>(&message)) return coordinator_->draining(from);
  if (auto* m = std::get_if<Status>(&message)) {
    for (auto& s : statuses_) {
      if (s.node.id == from && !s.status) s.status = std::move(*m);
    }
    if (std::ranges::all_of(statuses_, [](const auto& s) { return s.status.has_value(); })) have_statuses();
    return;
  }
  refusals_.count("unexpected_message");
}

void Client::Impl::deploy(Planned planned, std::move_only_function<void(Expected<>)> ready) {
  SYN_ASSERT(!coordinator_);  // one deployment a client
  planned_ = std::move(planned);
  ready_ = std::move(ready);
  coordinator_ = std::make_unique<Coordinator>(
      host_, peers_, refusals_, options_, planned_, kDeployment,
      Coordinator::Callbacks{.ready = [this](Expected<> result) { stands(std::move(result)); },
                             .trouble = [this](const Trouble& t) { trouble(t); }});
  start_ = host_.clock.call_in(Duration::zero(), [this] { coordinator_->start(); });
}

void Client::Impl::stands(Expected<> result) {
  if (result) {
    gateway_ = std::make_unique<Gateway>(host_, peers_, refusals_,
                                         Gateway::Options{.backlog = options_.backlog, .ack_delay = options_.ack_delay},
                                         planned_, kDeployment, coordinator_->epoch(), on_outcome_);
  }
  std::exchange(ready_, {})(std::move(result));
}

// Every shard is needed for every inference: without one of the nodes nothing can finish any more.
void Client::Impl::trouble(const Trouble& t) {
  gateway_->close_door(t.error);
  if (on_trouble_) on_trouble_(t);
  if (t.draining) {
    gateway_->on_empty([this] { coordinator_->release(); });  // the node waits for its deployment to be retired
  } else {
    broken_ = host_.clock.call_in(Duration::zero(),
                                  [this, error = t.error] { gateway_->end_all(Outcome::Kind::node_lost, error); });
  }
}

void Client::Impl::statuses(Duration timeout, std::move_only_function<void(std::vector<NodeStatus>)> done) {
  if (have_statuses_) have_statuses();  // an earlier question gets what it has
  have_statuses_ = std::move(done);
  statuses_.clear();
  for (const auto& shard : planned_.plan.shards) {
    const auto entry = std::ranges::find(planned_.plan.nodes, shard.node, &NodeEntry::id);
    statuses_.push_back(
        {.node = entry == planned_.plan.nodes.end() ? NodeEntry{.id = shard.node, .name = {}, .address = {}} : *entry,
         .status = std::nullopt});
    peers_.post(shard.node, StatusRequest{});
  }
  status_ = host_.clock.call_in(timeout, [this] { have_statuses(); });
}

void Client::Impl::have_statuses() {
  status_.reset();
  if (have_statuses_) std::exchange(have_statuses_, {})(std::exchange(statuses_, {}));
}

void Client::Impl::close(std::move_only_function<void()> done) {
  // Its callbacks may come from deep inside an outcome: the work is done from a fresh turn.
  close_ = host_.clock.call_in(Duration::zero(), [this, done = std::move(done)]() mutable {
    const Error closed{"the client was closed", "client", "deploy again"};
    if (gateway_) {
      gateway_->close_door(closed);
      gateway_->end_all(Outcome::Kind::cancelled, closed);
    }
    if (coordinator_) coordinator_->release();
    start_.reset();
    // One more turn, so that what was just sent has been handed over when `done` ends the loop.
    close_ = host_.clock.call_in(std::chrono::milliseconds(1), std::move(done));
  });
}

Client::Client(Host host, ClientOptions options) : impl_(std::make_unique<Impl>(host, std::move(options))) {}
Client::~Client() = default;

void Client::on_outcome(std::move_only_function<void(const Outcome&)> fn) {
  impl_->on_outcome_ = std::move(fn);
}
void Client::on_trouble(std::move_only_function<void(const Trouble&)> fn) {
  impl_->on_trouble_ = std::move(fn);
}

void Client::deploy(Planned planned, std::move_only_function<void(Expected<>)> ready) {
  impl_->deploy(std::move(planned), std::move(ready));
}

Expected<InferenceId> Client::submit(std::span<const Count> row, Duration deadline) {
  if (!impl_->gateway_) return fail("no deployment stands", "submit", "deploy first, and wait until it is ready");
  return impl_->gateway_->submit(row, deadline);
}

void Client::cancel(InferenceId id) {
  if (impl_->gateway_) impl_->gateway_->cancel(id);
}

bool Client::can_admit() const {
  return impl_->gateway_ && impl_->gateway_->can_admit();
}

void Client::drain(Duration limit, std::move_only_function<void()> done) {
  auto& self = *impl_;
  const Error draining{"the client is draining", "client", "submit to another one"};
  if (!self.gateway_) {
    self.drain_ = self.host_.clock.call_in(Duration::zero(), std::move(done));
    return;
  }
  self.gateway_->close_door(draining);
  self.drain_ =
      self.host_.clock.call_in(limit, [&self, draining] { self.gateway_->end_all(Outcome::Kind::draining, draining); });
  self.gateway_->on_empty([&self, done = std::move(done)]() mutable {
    self.drain_.reset();
    done();
  });
}

void Client::statuses(Duration timeout, std::move_only_function<void(std::vector<NodeStatus>)> done) {
  impl_->statuses(timeout, std::move(done));
}

void Client::close(std::move_only_function<void()> done) {
  impl_->close(std::move(done));
}

const SessionCounts& Client::counts() const {
  return impl_->gateway_ ? impl_->gateway_->counts() : impl_->none_;
}

Status Client::status() const {
  Status s{.name = impl_->options_.name,
           .epoch = epoch(),
           .resident_bytes = 0,
           .work = {},
           .spikes = 0,
           .events = 0,
           .busy_ns = 0,
           .messages_sent = impl_->peers_.messages_sent(),
           .bytes_sent = impl_->peers_.bytes_sent(),
           .edges = {},
           .refused = impl_->refusals_.list()};
  if (impl_->gateway_) s.edges = impl_->gateway_->accounts();
  return s;
}

Epoch Client::epoch() const {
  return impl_->coordinator_ ? impl_->coordinator_->epoch() : Epoch{};
}

}  // namespace syn::nodes
