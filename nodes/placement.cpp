#include "nodes/placement.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "nodes/placement_search.hpp"
#include "nodes/shard.hpp"
#include "snn/cut.hpp"
#include "snn/model_file.hpp"
#include "snn/rules.hpp"

namespace syn::nodes {
namespace {

constexpr std::uint32_t kMinInFlight = 2, kMaxInFlight = 64;

Expected<> usable(const snn::Model& model) {
  if (auto ok = snn::check_rules(model); !ok) return ok;  // cutting and pricing rely on shapes that fit
  const auto where = text::cat("model '", model.name, "'");
  std::vector<bool> read(model.populations.size(), false);
  for (const auto& p : model.projections) read[p.from] = true;
  std::size_t readouts = 0, sources = 0;
  for (std::size_t p = 0; p < model.populations.size(); ++p) {
    const bool readout = std::holds_alternative<snn::Readout>(model.populations[p].kind);
    readouts += readout;
    sources += std::holds_alternative<snn::Source>(model.populations[p].kind);
    if (!readout && !read[p]) {
      return fail(text::cat("nobody reads population '", model.populations[p].name, "'"), where,
                  "leave it out of the model");
    }
  }
  if (readouts != 1 || sources == 0 || !std::holds_alternative<snn::Readout>(model.populations.back().kind)) {
    return fail(text::cat("a plan needs a model with one readout, its last population, and a source; this one has ",
                          readouts, " and ", sources),
                where, "convert the model again");
  }
  return {};
}

struct Prediction {
  double latency_us = 0, bottleneck_us = 0, wire_bytes = 0;
  std::vector<double> compute_us;
  std::vector<double> resident;
};

// With the real edges. Latency: the longest path through the shards; a window leaves as soon as it is made, so that all
// but the first window of each stage overlap with the others'.
Prediction predict(const snn::Model& model, const Layout& layout, std::span<const PlanNode> nodes,
                   const PlanOptions& options, const snn::CutModel& cut, std::uint32_t windows) {
  const auto costs = snn::costs(model);
  const auto shards = layout.pieces.size();
  Prediction out;
  out.compute_us.resize(shards);
  out.resident.resize(shards);
  for (std::size_t s = 0; s < shards; ++s) {
    for (const auto& piece : layout.pieces[s]) {
      const double share =
          double(piece.channel_end - piece.channel_begin) / model.populations[piece.population].shape.channels;
      out.compute_us[s] += compute_us(costs[piece.population], share, nodes[layout.devices[s]].device);
      out.resident[s] += share * static_cast<double>(costs[piece.population].bytes);
    }
  }
  const auto device = [&](std::uint32_t shard) -> const DeviceProfile& {
    return shard == kGateway ? options.gateway_device : nodes[layout.devices[shard]].device;
  };
  std::vector<double> messages(shards + 1), bytes(shards + 1), start(shards + 1);
  const auto slot = [&](std::uint32_t shard) { return shard == kGateway ? shards : std::size_t{shard}; };
  double slowest_window = 0;
  for (std::size_t s = 0; s < shards; ++s) slowest_window = std::max(slowest_window, out.compute_us[s] / windows);
  auto ordered = cut.cuts;
  std::ranges::stable_sort(ordered, {},
                           [](const snn::Cut& c) { return c.from_shard == kGateway ? 0 : c.from_shard + 1; });
  for (const auto& c : ordered) {
    // The cut's own activity, or the population's as a whole where the cut does not say.
    snn::Population p;
    p.shape = {1, 1, c.neurons};
    p.greatest = c.greatest;
    p.mean_events = c.mean_events;
    if (c.potentials) p.kind = snn::Readout{};
    if (c.from_shard == kGateway) p.kind = snn::Source{};
    const double size = wire_bytes_of(p, 1, model.rows(), windows);
    const double count = c.potentials || c.from_shard == kGateway ? 1 : windows;
    out.wire_bytes += size;
    for (const auto end : {slot(c.from_shard), slot(c.to_shard)}) {
      messages[end] += count;
      bytes[end] += size;
    }
    const double made = c.from_shard == kGateway ? 0 : start[c.from_shard] + out.compute_us[c.from_shard] / windows;
    const double one =
        message_us(1, size / count, device(c.from_shard)) + message_us(1, size / count, device(c.to_shard)) +
        std::max(link_us(size / count, device(c.from_shard)), link_us(size / count, device(c.to_shard))) +
        (device(c.from_shard).link_latency_us + device(c.to_shard).link_latency_us) / 2;
    start[slot(c.to_shard)] = std::max(start[slot(c.to_shard)], made + one);
  }
  out.latency_us = start[shards] + (windows - 1) * slowest_window;
  for (std::size_t s = 0; s <= shards; ++s) {
    const auto& d = device(s == shards ? kGateway : std::uint32_t(s));
    const double compute = s == shards ? 0 : out.compute_us[s] / std::max(1u, d.cores);
    out.bottleneck_us =
        std::max({out.bottleneck_us, compute, message_us(messages[s], bytes[s], d), link_us(bytes[s], d)});
  }
  return out;
}

std::string names(const Layout& layout, std::span<const PlanNode> nodes) {
  std::string out;
  for (const auto d : layout.devices) out += text::cat(out.empty() ? "" : ", ", nodes[d].entry.name);
  return out;
}

// D: as asked for, else whole inferences, unless an edge's frames would grow too large.
std::uint32_t window_of(const snn::Model& model, const PlanOptions& options) {
  if (options.window_steps != 0) return std::min(options.window_steps, model.rows());
  std::uint64_t widest = 1;
  for (const auto& p : model.populations) widest = std::max<std::uint64_t>(widest, p.shape.neurons());
  const auto fits = std::max<std::uint64_t>(1, (kMaxFrameBytes / 2) / (2 * widest));
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(model.rows(), fits));
}

}  // namespace

Expected<Planned> plan(const snn::Model& model, const ModelHash& hash, std::span<const PlanNode> all,
                       const PlanOptions& options) {
  const auto where = text::cat("model '", model.name, "'");
  if (auto ok = usable(model); !ok) return fail(ok.error());
  const std::size_t count = options.nodes == 0 ? all.size() : options.nodes;
  if (count == 0 || count > all.size()) {
    return fail(text::cat("a plan over ", count, " nodes; ", all.size(), " are known"), "plan",
                "name as many nodes as are to be used");
  }
  const auto nodes = all.first(count);
  const auto window = window_of(model, options);
  const auto windows = (model.rows() + window - 1) / window;

  const auto layout = search(model, nodes, windows);
  if (!layout) {
    return fail(text::cat("it cannot be cut into ", count, " shards: it has too few populations and channels"), where,
                "use fewer nodes");
  }
  auto cut = snn::cut(model, layout->pieces);
  if (!cut) return fail(cut.error());
  const auto prediction = predict(model, *layout, nodes, options, *cut, windows);

  Planned planned;
  auto& plan = planned.plan;
  plan.model = hash;
  plan.predicted_latency_us = prediction.latency_us;
  plan.predicted_throughput = 1e6 / prediction.bottleneck_us;
  plan.predicted_wire_bytes = prediction.wire_bytes;
  // As many inferences as fit into one latency keep every stage busy; one more covers what is on its way back.
  plan.in_flight =
      options.in_flight != 0
          ? options.in_flight
          : std::clamp(static_cast<std::uint32_t>(std::ceil(prediction.latency_us / prediction.bottleneck_us)) + 1,
                       kMinInFlight, kMaxInFlight);
  for (const auto& node : nodes) plan.nodes.push_back(node.entry);
  plan.nodes.push_back(options.gateway);
  for (std::size_t s = 0; s < layout->pieces.size(); ++s) {
    Placement placement{.node = nodes[layout->devices[s]].entry.id, .pieces = layout->pieces[s], .spec = {}};
    placement.spec = {.shard = std::uint32_t(s), .steps = model.rows(), .window_steps = window, .in = {}, .out = {}};
    placement.predicted_us = prediction.compute_us[s];
    placement.predicted_bytes = static_cast<std::uint64_t>(prediction.resident[s]);
    plan.shards.push_back(std::move(placement));
  }
  std::uint16_t next_edge = 1;
  for (const auto& c : cut->cuts) {
    const auto node = [&](std::uint32_t shard) {
      return shard == kGateway ? options.gateway.id : plan.shards[shard].node;
    };
    EdgeSpec edge{.id = EdgeId{next_edge++},
                  .from_shard = c.from_shard,
                  .to_shard = c.to_shard,
                  .from = node(c.from_shard),
                  .to = node(c.to_shard),
                  .population = c.population,
                  .neurons = c.neurons,
                  .greatest = std::max(1u, c.greatest),
                  .potentials = c.potentials,
                  .constant = c.constant};
    // W inferences never wait for credit, and acknowledgements may come W windows late (half the credit).
    edge.credit = 2 * plan.in_flight * (edge.constant || edge.potentials || c.from_shard == kGateway ? 1 : windows);
    if (c.from_shard != kGateway) plan.shards[c.from_shard].spec.out.push_back(edge);
    if (c.to_shard != kGateway) plan.shards[c.to_shard].spec.in.push_back(edge);
  }
  for (auto& shard : plan.shards) {
    auto& out = shard.spec.out;
    if (out.empty())
      return fail(text::cat("shard ", shard.spec.shard, " would have no reader"), where, "use fewer nodes");
    const auto carrier = std::ranges::find(out, true, &EdgeSpec::potentials);
    EdgeSpec& chosen = carrier == out.end() ? out.front() : *carrier;
    chosen.carries_checksum = true;
    if (chosen.to_shard != kGateway) {
      std::ranges::find(plan.shards[chosen.to_shard].spec.in, chosen.id, &EdgeSpec::id)->carries_checksum = true;
    }
  }
  for (const auto& shard : cut->shards) planned.shards.push_back(snn::write_model(shard));
  for (const auto& p : model.populations) {
    if (std::holds_alternative<snn::Source>(p.kind)) planned.inputs.push_back({p.name, p.shape.neurons()});
  }
  planned.classes = model.populations.back().shape.neurons();

  // Why, and what was refused.
  plan.notes.push_back(text::cat("cut for the slowest stage: ", text::fixed(prediction.bottleneck_us, 1),
                                 " us an inference on ", names(*layout, nodes), "; ", plan.in_flight,
                                 " inferences in flight, windows of ", window, window == 1 ? " row" : " rows"));
  if (count > 1) {
    if (const auto fewer = search(model, nodes.first(count - 1), windows)) {
      if (auto fewer_cut = snn::cut(model, fewer->pieces)) {
        const auto other = predict(model, *fewer, nodes.first(count - 1), options, *fewer_cut, windows);
        const bool slower = other.bottleneck_us <= prediction.bottleneck_us;
        plan.notes.push_back(
            text::cat(slower ? "warning: one node fewer would be no slower: " : "runner-up, one node fewer: ",
                      text::fixed(other.bottleneck_us, 1), " us an inference at the slowest stage, latency ",
                      text::fixed(other.latency_us, 0), " us against ", text::fixed(prediction.latency_us, 0), " us"));
      }
    }
  }
  for (std::size_t s = 0; s < plan.shards.size(); ++s) {
    const auto& device = nodes[layout->devices[s]].device;
    if (plan.shards[s].predicted_bytes > device.memory_bytes) {
      return fail(text::cat("a shard of ", text::bytes(prediction.resident[s]), " does not fit into node '",
                            nodes[layout->devices[s]].entry.name, "' with ", text::bytes(double(device.memory_bytes))),
                  where, "use more nodes, or one with more memory");
    }
  }
  if (auto ok = check(plan, model); !ok) return fail(ok.error());
  return planned;
}

}  // namespace syn::nodes
