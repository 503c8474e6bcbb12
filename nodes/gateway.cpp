#include "nodes/gateway.hpp"

#include <algorithm>

namespace syn::nodes {
namespace {

constexpr Duration kRetry = std::chrono::milliseconds(1);
constexpr Duration kLongestDeadline = std::chrono::hours(24);

}  // namespace

const char* name_of(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::result:
      return "result";
    case Outcome::Kind::deadline:
      return "deadline";
    case Outcome::Kind::node_lost:
      return "node_lost";
    case Outcome::Kind::failed:
      return "failed";
    case Outcome::Kind::cancelled:
      return "cancelled";
    case Outcome::Kind::draining:
      return "draining";
  }
  return "unknown";
}

Gateway::Gateway(Host host, Peers& peers, Refusals& refusals, Options options, const Planned& planned,
                 DeploymentId deployment, Epoch epoch, OnOutcome& on_outcome)
    : host_(host),
      peers_(peers),
      refusals_(refusals),
      options_(options),
      planned_(planned),
      deployment_(deployment),
      epoch_(epoch),
      on_outcome_(on_outcome) {
  std::map<std::string, std::size_t> offset;
  for (const auto& input : planned.inputs) {
    offset[input.population] = row_size_;
    row_size_ += input.neurons;
  }
  for (const auto& shard : planned.plan.shards) {
    for (const auto& e : shard.spec.in) {
      if (e.from_shard != kGateway) continue;
      SYN_ASSERT(offset.contains(e.population), e.population);
      out_.emplace_back(e, deployment);
      offsets_.push_back(offset[e.population]);
    }
    for (const auto& e : shard.spec.out) {
      if (e.to_shard == kGateway) in_.emplace_back(e);
    }
  }
  SYN_ASSERT(in_.size() == 1, in_.size());  // placement: one readout, never sliced
}

Gateway::~Gateway() {
  for (auto& edge : out_) edge.close();
}

// ---- in -----------------------------------------------------------------------------------------------------------

Expected<InferenceId> Gateway::submit(std::span<const Count> row, Duration deadline) {
  if (closed_) return fail(*closed_);
  if (row.size() != row_size_) {
    return fail(text::cat("an input of ", row.size(), " counts; the model takes ", row_size_), "submit",
                "give one row of the model's input");
  }
  if (deadline <= Duration::zero())
    return fail("the deadline has passed already", "submit", "give a deadline in the future");
  const bool now = flying_.size() < planned_.plan.in_flight && backlog_.empty();
  if (!now && backlog_.size() >= options_.backlog) {
    return fail(text::cat(backlog_.size(), " inferences wait for admission already"), "submit",
                "submit more slowly, or use more nodes");
  }
  const InferenceId id{next_id_++};
  ++counts_.accepted;
  ++counts_.in_flight;
  Flight flight{.submitted = host_.clock.now(),
                .deadline = host_.clock.now() + std::min(deadline, kLongestDeadline),
                .allowed = deadline,
                .row = {}};
  deadlines_.emplace(flight.deadline, id);
  watch_deadlines();
  if (now) {
    flying_.emplace(id, std::move(flight));
    admit(id, row);
  } else {
    flight.row.assign(row.begin(), row.end());
    waiting_.emplace(id, std::move(flight));
    backlog_.push_back(id);
  }
  return id;
}

void Gateway::admit(InferenceId id, std::span<const Count> row) {
  struct Made {
    std::size_t offset;
    std::uint32_t encodings;
    Codec::Packed packed;
  };
  std::vector<Made> made;  // a source read by several shards is packed once
  for (std::size_t e = 0; e < out_.size(); ++e) {
    const auto& spec = out_[e].spec();
    const auto encodings = peers_.encodings(spec.to);
    auto at =
        std::ranges::find_if(made, [&](const Made& m) { return m.offset == offsets_[e] && m.encodings == encodings; });
    if (at == made.end()) {
      made.push_back(
          {offsets_[e], encodings, host_.codec.pack(row.subspan(offsets_[e], spec.neurons), spec.greatest, encodings)});
      at = made.end() - 1;
    }
    out_[e].push(id, host_.codec.encode(SpikeFrame{.id = {deployment_, epoch_, id, spec.id, 0},
                                                   .encoding = at->packed.encoding,
                                                   .checksum = 0,
                                                   .has_checksum = false,
                                                   .packed = at->packed.bytes}));
  }
  pump();
}

void Gateway::admit_more() {
  while (!backlog_.empty() && flying_.size() < planned_.plan.in_flight) {
    const auto id = backlog_.front();
    backlog_.pop_front();
    auto node = waiting_.extract(id);
    if (node.empty()) continue;  // ended while it waited
    const auto row = std::move(node.mapped().row);
    flying_.insert(std::move(node));
    admit(id, row);
  }
}

void Gateway::pump() {
  bool full = false;
  for (auto& edge : out_) full |= edge.pump(peers_);
  if (full && !full_timer_) {
    full_timer_ = host_.clock.call_in(kRetry, [this] {
      full_timer_.reset();
      pump();
    });
  }
}

void Gateway::ack(NodeId from, const Ack& ack) {
  const auto edge = std::ranges::find(out_, ack.edge, [](const OutEdge& e) { return e.spec().id; });
  if (ack.deployment != deployment_ || edge == out_.end()) return refusals_.count("unknown_edge");
  if (ack.epoch != epoch_) return refusals_.count("old_epoch");
  if (edge->spec().to != from) return refusals_.count("wrong_sender");
  if (!edge->ack(ack.consumed)) refusals_.count("bad_ack");
  pump();
}

// ---- out ----------------------------------------------------------------------------------------------------------

void Gateway::potentials(NodeId from, PotentialFrame&& frame, std::size_t bytes) {
  InEdge& edge = in_.front();
  if (frame.id.deployment != deployment_ || frame.id.edge != edge.spec().id) return refusals_.count("unknown_edge");
  if (frame.id.epoch != epoch_) return refusals_.count("old_epoch");
  if (edge.spec().from != from) return refusals_.count("wrong_sender");
  if (!edge.receive(bytes)) return refusals_.count("over_credit");
  consume(edge);
  if (frame.potentials.size() != edge.spec().neurons) return refusals_.count("bad_potentials");
  const auto id = frame.id.inference;
  if (!flying_.contains(id)) {
    if (id.value == 0 || id.value >= next_id_) return refusals_.count("unknown_inference");
    if (!with_result_.contains(id)) return refusals_.count("after_end");  // too late: its error is out already
    ++counts_.duplicated;
    return refusals_.count("duplicate_result");
  }
  Outcome outcome;
  outcome.potentials = std::move(frame.potentials);
  outcome.checksum = frame.checksum;
  finish(id, std::move(outcome));
  flush();
}

void Gateway::failed(NodeId from, const Failed& m) {
  if (m.deployment != deployment_ || m.epoch != epoch_) return refusals_.count("old_epoch");
  if (!flying_.contains(m.inference)) return refusals_.count("after_end");
  Outcome outcome;
  outcome.kind = Outcome::Kind::failed;
  outcome.error = m.error;
  host_.log.event(Level::warn, "inference_failed",
                  {{"id", m.inference.value}, {"by", peers_.name(from)}, {"what", m.error.what}});
  finish(m.inference, std::move(outcome));
  flush();
}

void Gateway::cancel(InferenceId id) {
  if (!flying_.contains(id) && !waiting_.contains(id)) return;
  Outcome outcome;
  outcome.kind = Outcome::Kind::cancelled;
  outcome.error = {"the inference was cancelled", text::cat("inference ", id.value),
                   "submit it again if it is still wanted"};
  finish(id, std::move(outcome));
  flush_timer_ = host_.clock.call_in(Duration::zero(), [this] { flush(); });
}

void Gateway::end_all(Outcome::Kind kind, const Error& error) {
  const auto all = [&](std::map<InferenceId, Flight>& flights) {
    while (!flights.empty()) {
      Outcome outcome;
      outcome.kind = kind;
      outcome.error = error;
      finish(flights.begin()->first, std::move(outcome));
    }
  };
  all(flying_);
  all(waiting_);
  flush();
}

void Gateway::close_door(Error reason) {
  if (!closed_) closed_ = std::move(reason);
}

void Gateway::on_empty(std::move_only_function<void()> fn) {
  on_empty_ = std::move(fn);
  flush_timer_ = host_.clock.call_in(Duration::zero(), [this] { flush(); });
}

// The one place where an inference ends.
void Gateway::finish(InferenceId id, Outcome outcome) {
  auto node = flying_.extract(id);
  const bool was_flying = !node.empty();
  if (!was_flying) node = waiting_.extract(id);
  SYN_ASSERT(!node.empty(), id.value);
  deadlines_.erase({node.mapped().deadline, id});
  outcome.id = id;
  outcome.latency = host_.clock.now() - node.mapped().submitted;
  outcome.model = planned_.plan.model;
  outcome.epoch = epoch_;
  --counts_.in_flight;
  if (outcome.kind == Outcome::Kind::result) {
    ++counts_.results;
    with_result_.add(id);
  } else {
    ++counts_.errors;
    if (was_flying) {
      for (auto& edge : out_) edge.drop(id);
      for (const auto& shard : planned_.plan.shards) peers_.post(shard.node, Cancel{deployment_, epoch_, id});
    }
  }
  counts_.lost = counts_.accepted - counts_.results - counts_.errors - counts_.in_flight;
  outcomes_.push_back(std::move(outcome));
}

void Gateway::flush() {
  if (flushing_) return;
  flushing_ = true;
  const auto alive = std::weak_ptr(alive_);
  while (!outcomes_.empty()) {
    const Outcome next = std::move(outcomes_.front());
    outcomes_.pop_front();
    if (on_outcome_) on_outcome_(next);
    if (alive.expired()) return;  // the callback ended us
  }
  flushing_ = false;
  admit_more();
  if (empty() && on_empty_) std::exchange(on_empty_, {})();
}

// ---- time ---------------------------------------------------------------------------------------------------------

// One timer for all deadlines, for the earliest. Ends and new arrivals leave it alone unless it would ring too late.
void Gateway::watch_deadlines() {
  if (deadlines_.empty()) return;
  const auto earliest = deadlines_.begin()->first;
  if (deadline_armed_ && *deadline_armed_ <= earliest) return;
  deadline_armed_ = earliest;
  deadline_timer_ = host_.clock.call_at(earliest, [this] {
    deadline_armed_.reset();
    expire();
  });
}

void Gateway::expire() {
  const auto now = host_.clock.now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto id = deadlines_.begin()->second;
    const auto flying = flying_.find(id);
    const bool sent = flying != flying_.end();
    const auto allowed = sent ? flying->second.allowed : waiting_.at(id).allowed;
    Outcome outcome;
    outcome.kind = Outcome::Kind::deadline;
    outcome.error = {text::cat("no result within ", text::fixed(static_cast<double>(allowed.count()) / 1e6, 1), " ms"),
                     text::cat("inference ", id.value, sent ? ", in flight" : ", waiting for admission"),
                     "allow more time, submit more slowly, or use more nodes"};
    finish(id, std::move(outcome));
  }
  watch_deadlines();
  flush();
}

void Gateway::consume(InEdge& edge) {
  edge.consume();
  const auto send = [this, &edge] {
    peers_.post(edge.spec().from, Ack{deployment_, epoch_, edge.spec().id, edge.take_ack()});
  };
  if (edge.due()) {
    send();
  } else if (!ack_timer_) {
    ack_timer_ = host_.clock.call_in(options_.ack_delay, [this, &edge, send] {
      ack_timer_.reset();
      if (edge.unacked()) send();
    });
  }
}

std::vector<EdgeAccount> Gateway::accounts() const {
  std::vector<EdgeAccount> all;
  for (const auto& edge : out_) all.push_back(edge.account());
  return all;
}

std::vector<EdgeAccount> Gateway::received() const {
  std::vector<EdgeAccount> all;
  for (const auto& edge : in_) {
    all.push_back(
        {.deployment = deployment_, .edge = edge.spec().id, .frames = edge.received(), .bytes = edge.bytes()});
  }
  return all;
}

}  // namespace syn::nodes
