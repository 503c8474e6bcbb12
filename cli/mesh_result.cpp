#include "cli/mesh_result.hpp"

#include <nlohmann/json.hpp>

#include "cli/json.hpp"
#include "cli/mesh_options.hpp"
#include "core/text.hpp"
#include "report/table.hpp"

namespace syn::cli {

void judge(MeshResult& result, const std::vector<nodes::Outcome>& outcomes, std::span<const std::uint8_t> labels,
           const snn::Model& model) {
  const auto spikes = result.evaluation.spikes_per_inference, events = result.evaluation.events_per_inference,
             synops = result.evaluation.synops_per_inference;
  const double throughput = result.evaluation.throughput_per_s;
  std::vector<report::Outcome> judged;
  judged.reserve(outcomes.size());
  for (const nodes::Outcome& o : outcomes) {
    judged.push_back({o.potentials, o.checksum, o.latency.count()});
    if (o.kind != nodes::Outcome::Kind::result && result.trouble.what.empty()) result.trouble = o.error;
  }
  result.not_accepted = outcomes.size() - std::min<std::uint64_t>(outcomes.size(), result.counts.accepted);
  result.evaluation = report::evaluate(judged, labels);
  result.evaluation.code = name_of(model.code);
  result.evaluation.steps = model.steps;
  result.evaluation.spikes_per_inference = spikes;
  result.evaluation.events_per_inference = events;
  result.evaluation.synops_per_inference = synops;
  result.evaluation.throughput_per_s = throughput;
  if (result.counts.errors > 0) {
    result.trouble.what = text::cat(result.counts.errors, " of ", result.counts.accepted,
                                    " inferences ended as errors; the first: ", result.trouble.what);
  }
}

namespace {

Json as_json(const MeshResult& r) {
  Json json = evaluation_json(r.evaluation);
  json["nodes"] = r.plan.shards.size();
  json["accepted"] = r.counts.accepted;
  json["not_accepted"] = r.not_accepted;
  json["results"] = r.counts.results;
  json["errors"] = r.counts.errors;
  json["lost"] = r.counts.lost;
  json["duplicated"] = r.counts.duplicated;
  json["recoveries"] = r.recoveries;
  json["wire_bytes_per_inference"] = r.wire_bytes_per_inference;
  json["raw_input_bytes"] = r.raw_input_bytes;
  json["edges"] = Json::array();
  const double inferences = static_cast<double>(std::max<std::uint64_t>(1, r.counts.results));
  for (const EdgeTraffic& e : r.edges) {
    json["edges"].push_back({{"from", e.from},
                             {"to", e.to},
                             {"population", e.population},
                             {"frames", e.frames},
                             {"bytes", e.bytes},
                             {"bytes_per_inference", static_cast<double>(e.bytes) / inferences},
                             {"int8_bytes_per_inference", e.int8_bytes_per_inference}});
  }
  json["refused"] = Json::object();
  for (const auto& [reason, count] : r.refused) json["refused"][reason] = count;
  if (!r.event_log_hash.empty()) {
    json["event_log_hash"] = r.event_log_hash;
    json["joule_per_inference"] = r.joule_per_inference;
  }
  if (!r.trouble.what.empty()) json.update(error_json(r.trouble));
  return json;
}

std::string as_text(const MeshResult& r, const snn::Model& model) {
  const report::Evaluation& e = r.evaluation;
  const double inferences = static_cast<double>(std::max<std::uint64_t>(1, r.counts.results));
  const auto whole = [](double v) { return text::grouped(static_cast<std::int64_t>(v + 0.5)); };
  report::Table table({"figure", "value"});
  table.row({"accuracy", text::cat(text::fixed(e.accuracy() * 100, 2), " %  (", e.correct, " of ", e.total, ")")});
  table.row({"code", text::cat(e.code, ", T = ", e.steps)});
  if (e.spikes_per_inference) {
    table.row({"spikes / events per inference",
               text::cat(whole(*e.spikes_per_inference), " / ", whole(*e.events_per_inference))});
    table.row({"synaptic operations", whole(*e.synops_per_inference)});
  }
  table.row({"on the wire per inference", text::bytes(r.wire_bytes_per_inference)});
  table.row({"latency p50 / p95 / p99",
             text::cat(text::fixed(e.latency_us_p50 / 1000, 2), " / ", text::fixed(e.latency_us_p95 / 1000, 2), " / ",
                       text::fixed(e.latency_us_p99 / 1000, 2), " ms")});
  table.row({"throughput", text::cat(text::fixed(e.throughput_per_s, 0), " /s")});
  table.row({"accepted", text::cat(r.counts.accepted, " = ", r.counts.results, " results + ", r.counts.errors,
                                   " errors; ", r.counts.lost, " lost, ", r.counts.duplicated, " duplicated",
                                   r.not_accepted ? text::cat("; ", r.not_accepted, " not accepted") : std::string())});
  if (!r.event_log_hash.empty()) {
    table.row({"energy (modelled)",
               text::cat(text::fixed(r.joule_per_inference * 1000, 3), " mJ per inference, busy time only")});
    table.row({"event log", r.event_log_hash});
  }
  table.row({"digest", e.digest});
  table.row({"spike digest", e.spike_digest});

  report::Table edges({"edge", "population", "bytes", "int8 features"});
  for (const EdgeTraffic& edge : r.edges) {
    edges.row({edge.from + " -> " + edge.to, edge.population, whole(static_cast<double>(edge.bytes) / inferences),
               text::cat(edge.int8_bytes_per_inference)});
  }
  return text::cat(table.text(), "\nbytes per inference and edge (frame headers included; the raw input is ",
                   r.raw_input_bytes, " B)\n", edges.text(), "\n", show(r.plan, model));
}

}  // namespace

Answer answer(const MeshResult& result, const snn::Model& model) {
  return {as_json(result).dump(), as_text(result, model), result.trouble};
}

}  // namespace syn::cli
