// What a run over a data set amounted to: accuracy, activity, latency and the two digests, whoever ran it (one process,
// simulated nodes, real ones). One struct, so that the figures are comparable and printed by one hand.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace syn::report {

// One inference as the gateway saw it. No potentials: it ended as an explicit error.
struct Outcome {
  std::vector<std::int32_t> potentials;
  std::uint64_t checksum = 0;
  std::int64_t latency_ns = 0;
};

struct Evaluation {
  std::uint64_t correct = 0, total = 0;
  std::string code;  // "volley", "step"; "float32" for a network that has not been converted
  std::uint32_t steps = 0;
  std::optional<double> spikes_per_inference, events_per_inference, synops_per_inference;
  double latency_us_p50 = 0, latency_us_p95 = 0, latency_us_p99 = 0;
  std::vector<double> latencies_us = {};  // of every result, in order of inferences
  double throughput_per_s = 0;
  std::string digest, spike_digest;       // empty for a float network
  std::optional<std::uint64_t> agreeing;  // inferences with the class that another network gave, where asked for

  double accuracy() const { return total == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(total); }
};

// Judges outcomes against labels, in order of inference ids, and takes both digests over those that have a result.
Evaluation evaluate(std::span<const Outcome> outcomes, std::span<const std::uint8_t> labels);

// The value below which `fraction` of the values lie (nearest rank); 0 for none.
double percentile(std::vector<double> values, double fraction);

}  // namespace syn::report
