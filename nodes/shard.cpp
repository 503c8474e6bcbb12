#include "nodes/shard.hpp"

#include <algorithm>

namespace syn::nodes {
namespace {

constexpr Duration kRetry = std::chrono::milliseconds(1);

}  // namespace

Shard::Shard(Context context, ShardSpec spec, std::shared_ptr<const snn::Engine> engine, Wiring wiring)
    : context_(context),
      fixed_(std::make_shared<const Fixed>(Fixed{context.host.codec, context.deployment, context.epoch, std::move(spec),
                                                 std::move(engine), std::move(wiring)})) {
  for (const auto& e : fixed_->spec.in) {
    in_.emplace_back(e);
    const auto windows = e.constant ? 1 : fixed_->spec.windows();
    max_flows_ = std::max<std::size_t>(max_flows_, (e.credit + windows - 1) / windows);
  }
  for (const auto& e : fixed_->spec.out) out_.emplace_back(e, context.deployment);
}

std::vector<EdgeAccount> Shard::close() {
  for (auto& edge : out_) edge.close();
  return accounts();
}

void Shard::activate() {
  active_ = true;
  start_ready();
}

void Shard::frame(NodeId from, SpikeFrame&& frame, std::size_t bytes) {
  const auto& spec = fixed_->spec;
  const auto edge = std::ranges::find(in_, frame.id.edge, [](const InEdge& e) { return e.spec().id; });
  if (edge == in_.end()) return context_.refusals.count("unknown_edge");
  if (edge->spec().from != from) return context_.refusals.count("wrong_sender");
  if (!edge->receive(bytes)) return context_.refusals.count("over_credit");
  // From here on the frame has used credit: whatever becomes of it, it is consumed once.
  const auto e = static_cast<std::size_t>(edge - in_.begin());
  const auto id = frame.id.inference;
  const auto refuse = [&](const char* reason) {
    context_.refusals.count(reason);
    consume(e);
  };
  if (done_.contains(id)) return refuse("after_end");
  const auto windows = edge->spec().constant ? 1 : spec.windows();
  if (frame.id.window >= windows) return refuse("bad_window");
  if (frame.has_checksum != edge->spec().carries_checksum) return refuse("bad_checksum_flag");
  if (frame.packed.size() > window_bytes(spec, edge->spec()) + 64) return refuse("too_long");
  if (broken_) {
    consume(e);
    return failed(id, *broken_);
  }
  auto at = flows_.find(id);
  if (at == flows_.end()) {
    if (flows_.size() >= max_flows_) {
      refuse("too_many_inferences");
      return failed(id, {text::cat("more than ", max_flows_, " inferences at once"), context_.peers.name(from),
                         "submit fewer at once"});
    }
    at = flows_.try_emplace(id).first;
    for (const auto& i : in_) at->second.held.emplace_back(i.spec().constant ? 1 : spec.windows());
  }
  Flow& flow = at->second;
  Held& held = flow.held[e][frame.id.window];
  if (held.here || frame.id.window < flow.next_window || (flow.running && frame.id.window == flow.next_window)) {
    return refuse("duplicate_frame");
  }
  held_bytes_ += frame.packed.size();
  held = {.here = true, .encoding = frame.encoding, .checksum = frame.checksum, .packed = std::move(frame.packed)};
  if (!flow.running && complete(flow)) {
    ready_.insert(id);
    start_ready();
  }
}

bool Shard::complete(const Flow& flow) const {
  for (std::size_t e = 0; e < in_.size(); ++e) {
    if (in_[e].spec().constant ? flow.next_window == 0 && !flow.held[e][0].here
                               : !flow.held[e][flow.next_window].here) {
      return false;
    }
  }
  return true;
}

void Shard::start_ready() {
  while (active_ && !ready_.empty() &&
         std::ranges::all_of(out_, [&](const OutEdge& edge) { return edge.room(computing_); })) {
    const auto id = *ready_.begin();
    ready_.erase(ready_.begin());
    start(id, flows_.at(id));
  }
}

void Shard::start(InferenceId id, Flow& flow) {
  if (!flow.step) {
    flow.step = spare_.empty() ? std::make_shared<Step>() : std::move(spare_.back());
    if (!spare_.empty()) spare_.pop_back();
    flow.step->state = {};
    flow.step->checksum = 0;
    flow.step->frames.resize(in_.size());
    flow.step->encoded.resize(out_.size());
    flow.step->encodings.resize(out_.size());
  }
  for (std::size_t e = 0; e < in_.size(); ++e) {
    if (in_[e].spec().constant && flow.next_window > 0) {
      flow.step->frames[e].here = false;  // came with the first window
      continue;
    }
    Held& held = flow.held[e][in_[e].spec().constant ? 0 : flow.next_window];
    held_bytes_ -= held.packed.size();
    std::swap(flow.step->frames[e], held);
    held = {};
  }
  for (std::size_t o = 0; o < out_.size(); ++o) flow.step->encodings[o] = context_.peers.encodings(out_[o].spec().to);
  flow.running = true;
  ++computing_;
  const auto window = flow.next_window;
  context_.host.compute.run(
      [fixed = fixed_, step = flow.step, id, window] { return run(*fixed, id, window, *step); },
      [this, alive = std::weak_ptr(alive_), step = flow.step, id](Work work, Duration measured) mutable {
        if (alive.expired()) return;
        context_.totals.work += work;
        context_.totals.busy_ns += static_cast<std::uint64_t>(measured.count());
        stepped(id, std::move(step));
      });
  // The job owns its frames: they are out of the edge's credit now.
  for (std::size_t e = 0; e < in_.size(); ++e) {
    if (flow.step->frames[e].here) consume(e);
  }
}

void Shard::stepped(InferenceId id, std::shared_ptr<Step> step) {
  --computing_;
  Flow& flow = flows_.at(id);
  flow.running = false;
  if (flow.cancelled) {
    end(id);
  } else if (!step->error) {
    context_.refusals.count("bad_counts");
    failed(id, step->error.error());
  } else {
    context_.totals.spikes += step->window.spikes;
    context_.totals.events += step->window.events;
    for (std::size_t o = 0; o < out_.size(); ++o) {
      if (!step->encoded[o].empty()) out_[o].push(id, std::move(step->encoded[o]));
    }
    if (++flow.next_window == fixed_->spec.windows()) {
      end(id);
    } else if (complete(flow)) {
      ready_.insert(id);
    }
    pump();
  }
  start_ready();
}

void Shard::end(InferenceId id) {
  const auto at = flows_.find(id);
  if (at != flows_.end()) {
    for (std::size_t e = 0; e < in_.size(); ++e) {
      for (const auto& held : at->second.held[e]) {
        if (!held.here) continue;
        held_bytes_ -= held.packed.size();
        consume(e);
      }
    }
    if (at->second.step && spare_.size() < max_flows_) spare_.push_back(std::move(at->second.step));
    flows_.erase(at);
  }
  ready_.erase(id);
  done_.add(id);
}

void Shard::failed(InferenceId id, const Error& error) {
  if (done_.contains(id)) return;
  context_.peers.post(context_.gateway, Failed{context_.deployment, context_.epoch, id, error});
  cancel(id);
}

void Shard::cancel(InferenceId id) {
  for (auto& edge : out_) edge.drop(id);
  const auto at = flows_.find(id);
  if (at != flows_.end() && at->second.running) {
    at->second.cancelled = true;  // the job owns its step; the rest goes when it is back
    done_.add(id);
  } else {
    end(id);
  }
  start_ready();  // dropping may have made room
}

void Shard::ack(NodeId from, const Ack& ack) {
  const auto edge = std::ranges::find(out_, ack.edge, [](const OutEdge& e) { return e.spec().id; });
  if (edge == out_.end()) return context_.refusals.count("unknown_edge");
  if (edge->spec().to != from) return context_.refusals.count("wrong_sender");
  if (!edge->ack(ack.consumed)) context_.refusals.count("bad_ack");
  pump();
  start_ready();
}

void Shard::peer_gone(NodeId peer, const Error& error) {
  const auto concerns = [&](const auto& edges, auto end_of) {
    return std::ranges::any_of(edges, [&](const auto& edge) { return edge.spec().*end_of == peer; });
  };
  if (!concerns(in_, &EdgeSpec::from) && !concerns(out_, &EdgeSpec::to)) return;
  if (!broken_) broken_ = error;
  std::set<InferenceId> hit;
  for (auto& edge : out_) {
    if (edge.spec().to == peer) {
      for (const auto id : edge.close()) hit.insert(id);
    }
  }
  for (const auto& [id, flow] : flows_) {
    if (!flow.cancelled) hit.insert(id);
  }
  for (const auto id : hit) {
    // Ones that ended here may have been lost on the way: the gateway must hear of them too.
    if (done_.contains(id)) {
      context_.peers.post(context_.gateway, Failed{context_.deployment, context_.epoch, id, error});
    } else {
      failed(id, error);
    }
  }
}

bool Shard::idle() const {
  return flows_.empty() && std::ranges::all_of(out_, [](const OutEdge& edge) {
           return edge.account().queued == 0 && edge.account().in_flight == 0;
         });
}

std::vector<EdgeAccount> Shard::accounts() const {
  std::vector<EdgeAccount> all;
  for (const auto& edge : out_) all.push_back(edge.account());
  return all;
}

void Shard::consume(std::size_t e) {
  in_[e].consume();
  if (in_[e].due()) {
    send_ack(in_[e]);
  } else if (!ack_timer_) {
    ack_timer_ = context_.host.clock.call_in(context_.ack_delay, [this] {
      ack_timer_.reset();
      for (auto& edge : in_) {
        if (edge.unacked()) send_ack(edge);
      }
    });
  }
}

void Shard::send_ack(InEdge& edge) {
  context_.peers.post(edge.spec().from, Ack{context_.deployment, context_.epoch, edge.spec().id, edge.take_ack()});
}

void Shard::pump() {
  bool full = false;
  for (auto& edge : out_) full |= edge.pump(context_.peers);
  if (full && !full_timer_) {
    full_timer_ = context_.host.clock.call_in(kRetry, [this] {
      full_timer_.reset();
      pump();
      start_ready();
    });
  }
}

}  // namespace syn::nodes
