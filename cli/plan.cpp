// `synfire plan`: who would compute what, and what it would cost; nothing is started.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/files.hpp"
#include "cli/json.hpp"
#include "cli/mesh_options.hpp"
#include "cli/verb.hpp"
#include "core/text.hpp"

namespace syn::cli {

namespace {

Json as_json(const Plan& plan, const snn::Model& model) {
  Json json{{"model", to_hex(plan.model)},
            {"in_flight", plan.in_flight},
            {"predicted_latency_us", plan.predicted_latency_us},
            {"predicted_throughput_per_s", plan.predicted_throughput},
            {"predicted_wire_bytes_per_inference", plan.predicted_wire_bytes},
            {"notes", plan.notes},
            {"shards", Json::array()},
            {"edges", Json::array()}};
  for (const Placement& shard : plan.shards) {
    Json pieces = Json::array();
    for (const Piece& piece : shard.pieces) {
      pieces.push_back({{"population", model.populations[piece.population].name},
                        {"channels", {piece.channel_begin, piece.channel_end}}});
    }
    std::string name;
    for (const NodeEntry& node : plan.nodes) {
      if (node.id == shard.node) name = node.name;
    }
    json["shards"].push_back({{"node", name},
                              {"pieces", pieces},
                              {"predicted_us", shard.predicted_us},
                              {"predicted_bytes", shard.predicted_bytes}});
    for (const EdgeSpec& edge : shard.spec.out) {
      json["edges"].push_back({{"id", edge.id.value},
                               {"population", edge.population},
                               {"from_shard", edge.from_shard},
                               {"to_shard", edge.to_shard == kGateway ? Json("gateway") : Json(edge.to_shard)},
                               {"neurons", edge.neurons},
                               {"credit", edge.credit}});
    }
  }
  return json;
}

class PlanVerb final : public Verb {
 public:
  const char* name() const override { return "plan"; }
  const char* summary() const override { return "who would compute what on which machines, and what it would cost"; }
  const char* example() const override { return "synfire plan student.syn --cluster cluster.toml"; }
  void declare(CLI::App& app) override {
    app.add_option("model", model_, ".syn")->required();
    mesh_.declare(app);
  }

  Expected<Answer> run(Terminal&) override {
    const auto file = load_spiking(model_);
    if (!file) return fail(file.error());
    const auto machines = mesh_.machines();
    if (!machines) return fail(machines.error());
    const nodes::PlanOptions options{.gateway = {NodeId{0xffff}, "gateway", ""},
                                     .gateway_device = machines->gateway,
                                     .window_steps = mesh_.window_steps,
                                     .in_flight = mesh_.in_flight};
    const auto planned = nodes::plan(file->model, file->hash, machines->nodes, options);
    if (!planned) return fail(planned.error());
    return Answer{as_json(planned->plan, file->model).dump(), show(planned->plan, file->model), {}};
  }

 private:
  std::string model_;
  MeshOptions mesh_;
};

}  // namespace

std::unique_ptr<Verb> make_plan() {
  return std::make_unique<PlanVerb>();
}

}  // namespace syn::cli
