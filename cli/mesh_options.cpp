#include "cli/mesh_options.hpp"

#include <CLI/CLI.hpp>

#include "core/text.hpp"
#include "report/table.hpp"
#include "sim/profiles.hpp"

namespace syn::cli {

namespace {

Expected<DeviceProfile> with_context(Expected<DeviceProfile> profile, const std::string& who) {
  if (profile) return profile;
  Error e = profile.error();
  e.where = who + ": " + e.where;
  return fail(std::move(e));
}

}  // namespace

void MeshOptions::declare(CLI::App& app, bool cluster_only) {
  auto* group = app.add_option_group("machines");
  auto* file = group->add_option("--cluster", cluster, "TOML file that lists the machines (docs/operating.md)");
  if (cluster_only) {
    file->required();
  } else {
    group->add_option("--nodes", nodes, "so many nodes of one kind")->check(CLI::Range(1, 64));
    group->require_option(1);
    app.add_option("--device", device, "device profile of --nodes")->capture_default_str();
  }
  app.add_option("--window", window_steps, "steps per window (D); 0: all of an inference. Any gives the same bits")
      ->capture_default_str();
  app.add_option("--in-flight", in_flight, "inferences admitted at once; 0: the planner's choice")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
}

Expected<MeshOptions::Machines> MeshOptions::machines() const {
  Machines machines;
  if (cluster.empty()) {
    auto profile = with_context(sim::profile(device), "--device");
    if (!profile) return fail(profile.error());
    for (std::uint32_t i = 1; i <= nodes; ++i) {
      machines.nodes.push_back({{NodeId{i}, text::cat("node-", i), ""}, *profile});
    }
    machines.gateway = *profile;
    return machines;
  }
  auto config = daemon::read_cluster_config(cluster);
  if (!config) return fail(config.error());
  std::uint64_t id = 0;
  for (const auto& node : config->nodes) {
    auto profile = with_context(sim::profile(node.device), text::cat(cluster, ", node '", node.name, "'"));
    if (!profile) return fail(profile.error());
    machines.nodes.push_back({{NodeId{++id}, node.name, node.address}, *profile});
  }
  auto gateway = with_context(sim::profile(config->gateway_device), cluster + ", [gateway]");
  if (!gateway) return fail(gateway.error());
  machines.gateway = *gateway;
  machines.cluster = std::move(*config);
  return machines;
}

std::string show(const Plan& plan, const snn::Model& model) {
  report::Table table({"node", "computes", "us per inference", "memory", "in", "out"});
  for (const Placement& shard : plan.shards) {
    std::string pieces, name;
    for (const Piece& piece : shard.pieces) {
      const snn::Population& p = model.populations[piece.population];
      pieces += (pieces.empty() ? "" : " ") + p.name;
      if (piece.channel_begin != 0 || piece.channel_end != p.shape.channels) {
        pieces += text::cat("[", piece.channel_begin, ":", piece.channel_end, "]");
      }
    }
    for (const NodeEntry& node : plan.nodes) {
      if (node.id == shard.node) name = node.name;
    }
    table.row({name, pieces, text::fixed(shard.predicted_us, 0),
               text::bytes(static_cast<double>(shard.predicted_bytes)), text::cat(shard.spec.in.size()),
               text::cat(shard.spec.out.size())});
  }
  std::string out = table.text();
  out += text::cat("\npredicted: ", text::fixed(plan.predicted_latency_us, 0), " us latency, ",
                   text::fixed(plan.predicted_throughput, 0), " inferences/s, ", text::bytes(plan.predicted_wire_bytes),
                   " on the wire per inference; ", plan.in_flight, " in flight\n");
  for (const std::string& note : plan.notes) out += text::cat("- ", note, "\n");
  return out;
}

}  // namespace syn::cli
