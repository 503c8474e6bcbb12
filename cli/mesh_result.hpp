// What came of a run over several nodes, real or simulated: one struct, one table, one JSON object, so that `run` and
// `sim` can be laid side by side.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/verb.hpp"
#include "core/plan.hpp"
#include "nodes/session.hpp"
#include "report/evaluation.hpp"
#include "snn/model.hpp"

namespace syn::cli {

struct EdgeTraffic {
  std::string from, to, population;
  std::uint64_t frames = 0, bytes = 0;  // 32-byte frame headers included
  // For comparison at the same cut: what int8 features of the same neurons would take.
  std::uint64_t int8_bytes_per_inference = 0;
};

struct NodeTime {
  std::string node;
  double compute_us = 0;  // per inference, measured (real) or modelled (simulated)
};

struct MeshResult {
  report::Evaluation evaluation;
  nodes::SessionCounts counts;
  std::uint64_t not_accepted = 0;  // inputs that were refused at the door, since the mesh was broken
  Plan plan;
  std::vector<EdgeTraffic> edges;
  std::vector<NodeTime> times;
  double wire_bytes_per_inference = 0;  // data, acks and control, with each message's overhead on the wire
  std::uint64_t raw_input_bytes = 0;
  std::uint32_t recoveries = 0;
  std::string event_log_hash;                                  // of a simulation
  double joule_per_inference = 0;                              // of a simulation
  std::vector<std::pair<std::string, std::uint64_t>> refused;  // by reason, all nodes together
  Error trouble;                                               // why some inferences ended as errors; empty: none did
};

// Evaluation and counts from the outcomes in order of input.
void judge(MeshResult& result, const std::vector<nodes::Outcome>& outcomes, std::span<const std::uint8_t> labels,
           const snn::Model& model);

Answer answer(const MeshResult& result, const snn::Model& model);

}  // namespace syn::cli
