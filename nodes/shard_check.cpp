// Is a shard's description possible, and is the model that came with it the one it describes?
#include <algorithm>
#include <limits>

#include "nodes/shard.hpp"

namespace syn::nodes {
namespace {

constexpr std::size_t kMaxEdges = 1024;
constexpr std::uint32_t kMaxSteps = 1 << 16;
constexpr std::uint32_t kMaxCredit = 1 << 20;
constexpr const char* kPlanBug = "plan again with this version of synfire on every node";

std::unexpected<Error> refuse(std::string what, const EdgeSpec& e) {
  return fail(std::move(what), text::cat("edge ", e.id.value, ", '", e.population.substr(0, 64), "'"), kPlanBug);
}

}  // namespace

std::uint64_t window_bytes(const ShardSpec& spec, const EdgeSpec& edge) {
  const std::uint64_t rows = edge.constant ? 1 : std::min(spec.window_steps, spec.steps);
  return rows * edge.neurons * (edge.potentials ? 4 : 2);
}

Expected<> check_spec(const ShardSpec& spec, NodeId self) {
  if (spec.steps == 0 || spec.steps > kMaxSteps || spec.window_steps == 0 || spec.window_steps > spec.steps) {
    return fail(text::cat(spec.steps, " rows in windows of ", spec.window_steps), "the shard's description", kPlanBug);
  }
  if (spec.in.empty() || spec.out.empty() || spec.in.size() + spec.out.size() > kMaxEdges) {
    return fail(text::cat(spec.in.size(), " edges in and ", spec.out.size(), " out"), "the shard's description",
                kPlanBug);
  }
  std::uint32_t checksums = 0;
  std::set<EdgeId> ids;
  const auto edge = [&](const EdgeSpec& e, bool in) -> Expected<> {
    if (!ids.insert(e.id).second) return refuse("two edges have one number", e);
    if ((in ? e.to : e.from) != self) return refuse("the edge belongs to another node", e);
    if (in && e.potentials) return refuse("potentials go to the gateway, not to a shard", e);
    if (e.neurons == 0 || e.credit == 0 || e.credit > kMaxCredit) return refuse("no neurons or no credit", e);
    if (!e.potentials && (e.greatest == 0 || e.greatest > kGreatestCount)) return refuse("its counts have no bound", e);
    if (window_bytes(spec, e) + 256 > kMaxFrameBytes) {
      return fail(
          text::cat("a window of ", window_bytes(spec, e), " bytes does not fit in a frame of ", kMaxFrameBytes),
          text::cat("edge '", e.population.substr(0, 64), "'"), "use a smaller window (--window)");
    }
    if (!in && e.carries_checksum) ++checksums;
    return {};
  };
  for (const auto& e : spec.in) {
    if (auto ok = edge(e, true); !ok) return ok;
  }
  for (const auto& e : spec.out) {
    if (auto ok = edge(e, false); !ok) return ok;
  }
  if (checksums != 1)
    return fail(text::cat(checksums, " out-edges carry the checksum"), "the shard's description", kPlanBug);
  return {};
}

Expected<Wiring> wire(const ShardSpec& spec, const snn::Model& model) {
  Wiring wiring;
  if (model.rows() != spec.steps) {
    return fail(text::cat("the model has ", model.rows(), " rows an inference, the plan ", spec.steps), "the shard",
                kPlanBug);
  }
  std::vector<int> source_of(model.populations.size(), -1);
  int sources = 0;
  for (std::size_t p = 0; p < model.populations.size(); ++p) {
    if (std::holds_alternative<snn::Source>(model.populations[p].kind)) source_of[p] = sources++;
  }
  std::vector<bool> fed(static_cast<std::size_t>(sources), false);
  for (const auto& e : spec.in) {
    const int p = find(model, e.population);
    if (p < 0 || source_of[p] < 0) return refuse("the shard has no such source", e);
    const auto& population = model.populations[p];
    if (population.shape.neurons() != e.neurons || population.greatest != e.greatest) {
      return refuse(text::cat("the shard's source has ", population.shape.neurons(), " neurons with counts up to ",
                              population.greatest, ", the edge ", e.neurons, " with counts up to ", e.greatest),
                    e);
    }
    if (fed[source_of[p]]) return refuse("two edges feed one source", e);
    fed[source_of[p]] = true;
    wiring.sources.push_back(static_cast<std::size_t>(source_of[p]));
  }
  if (std::ranges::count(fed, false) != 0) return fail("a source of the shard has no edge", "the shard", kPlanBug);
  std::vector<int> place(model.populations.size(), -1);
  int outputs = 0;
  for (const auto& name : model.outputs) {
    const int p = find(model, name);
    if (p < 0) return fail("an output that is not in the model", name.substr(0, 64), kPlanBug);
    if (!std::holds_alternative<snn::Readout>(model.populations[p].kind)) place[p] = outputs++;
  }
  for (const auto& e : spec.out) {
    const int p = find(model, e.population);
    if (p < 0) return refuse("the shard has no such population", e);
    const auto& population = model.populations[p];
    const bool readout = std::holds_alternative<snn::Readout>(population.kind);
    if (readout != e.potentials || (!readout && place[p] < 0)) return refuse("the shard does not hand it out", e);
    if (population.shape.neurons() != e.neurons || (!readout && population.greatest > e.greatest)) {
      return refuse("the shard's population has another size or larger counts than the edge", e);
    }
    wiring.outputs.push_back(readout ? -1 : place[p]);
  }
  return wiring;
}

std::uint64_t held_at_most(const ShardSpec& spec, const snn::Engine& engine) {
  std::uint64_t bytes = engine.resident_bytes();
  std::uint64_t inferences = 0;
  for (const auto& e : spec.in) {
    bytes += e.credit * window_bytes(spec, e);
    inferences =
        std::max<std::uint64_t>(inferences, e.constant ? e.credit : (e.credit + spec.windows() - 1) / spec.windows());
  }
  for (const auto& e : spec.out) bytes += e.credit * window_bytes(spec, e);
  return bytes + inferences * engine.state_bytes();
}

}  // namespace syn::nodes
