// Is a plan legal? Told from the plan alone, so that plans from anywhere (a file, another version) are judged alike.
#include <algorithm>
#include <map>

#include "nodes/placement.hpp"
#include "nodes/shard.hpp"

namespace syn::nodes {
namespace {

std::unexpected<Error> illegal(std::string what) {
  return fail(std::move(what), "the plan", "make the plan again");
}

// Every channel of every population but the Sources, exactly once.
Expected<> check_cover(const Plan& plan, const snn::Model& model) {
  for (std::uint32_t p = 0; p < model.populations.size(); ++p) {
    const auto& population = model.populations[p];
    if (std::holds_alternative<snn::Source>(population.kind)) continue;
    std::vector<Piece> pieces;
    for (const auto& shard : plan.shards) {
      for (const auto& piece : shard.pieces) {
        if (piece.population == p) pieces.push_back(piece);
      }
    }
    std::ranges::sort(pieces, {}, &Piece::channel_begin);
    std::uint32_t covered = 0;
    for (const auto& piece : pieces) {
      if (piece.channel_begin != covered || piece.channel_end <= piece.channel_begin) {
        return illegal(text::cat("channel ", std::min(covered, piece.channel_begin), " of population '",
                                 population.name,
                                 piece.channel_begin < covered ? "' is computed twice" : "' is computed by nobody"));
      }
      covered = piece.channel_end;
    }
    if (covered != population.shape.channels) {
      return illegal(text::cat("channels ", covered, " to ", population.shape.channels, " of population '",
                               population.name, "' are computed by nobody, or do not exist"));
    }
  }
  for (const auto& shard : plan.shards) {
    for (const auto& piece : shard.pieces) {
      if (piece.population >= model.populations.size() ||
          std::holds_alternative<snn::Source>(model.populations[piece.population].kind)) {
        return illegal(
            text::cat("shard ", shard.spec.shard, " is to compute population ", piece.population, ", which is none"));
      }
    }
  }
  return {};
}

// Both ends of every edge say the same.
Expected<> check_edges(const Plan& plan) {
  std::map<EdgeId, std::vector<const EdgeSpec*>> senders, receivers;
  for (std::size_t s = 0; s < plan.shards.size(); ++s) {
    const auto& shard = plan.shards[s];
    if (shard.spec.shard != s) return illegal(text::cat("shard ", s, " is called ", shard.spec.shard));
    if (auto ok = check_spec(shard.spec, shard.node); !ok) return ok;
    for (const auto& e : shard.spec.out) {
      if (e.from_shard != s) return illegal(text::cat("edge ", e.id.value, " leaves another shard than ", s));
      senders[e.id].push_back(&e);
    }
    for (const auto& e : shard.spec.in) {
      if (e.to_shard != s) return illegal(text::cat("edge ", e.id.value, " reaches another shard than ", s));
      receivers[e.id].push_back(&e);
    }
  }
  const auto agree = [&](const auto& mine, const auto& others, bool sending) -> Expected<> {
    for (const auto& [id, ends] : mine) {
      if (ends.size() != 1) return illegal(text::cat("edge ", id.value, " has ", ends.size(), " ends of one kind"));
      const EdgeSpec& e = *ends.front();
      const bool outside = (sending ? e.to_shard : e.from_shard) == kGateway;
      const auto at = others.find(id);
      if (outside ? at != others.end() : (at == others.end() || *at->second.front() != e)) {
        return illegal(text::cat("the two ends of edge ", id.value, ", '", e.population, "', differ"));
      }
      if (sending && !outside && e.to_shard <= e.from_shard) {
        return illegal(text::cat("edge ", id.value, " runs from shard ", e.from_shard, " back to shard ", e.to_shard));
      }
    }
    return {};
  };
  if (auto ok = agree(senders, receivers, true); !ok) return ok;
  return agree(receivers, senders, false);
}

}  // namespace

Expected<> check(const Plan& plan, const snn::Model& model) {
  if (plan.shards.empty() || plan.in_flight == 0) return illegal("a plan without shards, or that admits nothing");
  if (auto ok = check_cover(plan, model); !ok) return ok;
  if (auto ok = check_edges(plan); !ok) return ok;
  std::vector<NodeId> used;
  for (const auto& shard : plan.shards) {
    if (std::ranges::find(used, shard.node) != used.end()) return illegal("a node has two shards");
    used.push_back(shard.node);
    if (std::ranges::none_of(plan.nodes, [&](const NodeEntry& n) { return n.id == shard.node; })) {
      return illegal(text::cat("shard ", shard.spec.shard, " is on a node that the plan does not list"));
    }
    // Where paths of unequal length meet, the short one must be able to hold what the long one has not yet brought:
    // at most all that is admitted. Whoever has credit for that on every edge cannot deadlock.
    const auto windows = [&](const EdgeSpec& e) {
      return e.constant || e.potentials || e.from_shard == kGateway ? 1u : shard.spec.windows();
    };
    for (const auto* edges : {&shard.spec.in, &shard.spec.out}) {
      for (const auto& e : *edges) {
        if (std::uint64_t{plan.in_flight} * windows(e) <= e.credit) continue;
        return illegal(text::cat("edge ", e.id.value, ", '", e.population, "', has credit for ", e.credit,
                                 " windows: with ", plan.in_flight, " inferences of ", windows(e),
                                 " in flight it could deadlock"));
      }
    }
  }
  std::size_t readouts = 0;
  for (const auto& shard : plan.shards) readouts += std::ranges::count(shard.spec.out, kGateway, &EdgeSpec::to_shard);
  if (readouts != 1) return illegal(text::cat(readouts, " edges reach the gateway instead of one"));
  return {};
}

}  // namespace syn::nodes
