#include "cli/json.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace syn::cli {

namespace {
// Thousandths; the digits beyond are noise, and nothing is computed from the printed number.
double rounded(double value) {
  return std::round(value * 1000) / 1000;
}
}  // namespace

Json error_json(const Error& error) {
  return {{"error", {{"what", error.what}, {"where", error.where}, {"do", error.todo}}}};
}

Json evaluation_json(const report::Evaluation& e) {
  Json json;
  json["correct"] = e.correct;
  json["total"] = e.total;
  json["accuracy"] = e.accuracy();
  json["code"] = e.code;
  json["steps"] = e.steps;
  const auto optional = [](const std::optional<double>& v) { return v ? Json(*v) : Json(nullptr); };
  json["spikes_per_inference"] = optional(e.spikes_per_inference);
  json["events_per_inference"] = optional(e.events_per_inference);
  json["synops_per_inference"] = optional(e.synops_per_inference);
  json["latency_us_p50"] = rounded(e.latency_us_p50);
  json["latency_us_p95"] = rounded(e.latency_us_p95);
  json["latency_us_p99"] = rounded(e.latency_us_p99);
  json["throughput_per_s"] = rounded(e.throughput_per_s);
  json["digest"] = e.digest;
  json["spike_digest"] = e.spike_digest;
  if (e.agreeing) json["agreeing"] = *e.agreeing;
  return json;
}

}  // namespace syn::cli
