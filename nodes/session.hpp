// What a submitted inference becomes. Exactly one Outcome an accepted id: a result or an explicit error, never silence,
// never two (P2). The session itself is behind nodes/client.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/messages.hpp"
#include "core/types.hpp"

namespace syn::nodes {

struct Outcome {
  enum class Kind : std::uint8_t { result, deadline, node_lost, failed, cancelled, draining };
  InferenceId id;
  Kind kind = Kind::result;
  std::vector<std::int32_t> potentials;  // of a result
  std::uint64_t checksum = 0;            // of a result: snn/metrics.hpp, spike_digest
  Error error;                           // of anything else
  Duration latency{};                    // from submission
  ModelHash model;
  Epoch epoch;
};
const char* name_of(Outcome::Kind kind);

struct SessionCounts {
  std::uint64_t accepted = 0;
  std::uint64_t results = 0;
  std::uint64_t errors = 0;      // outcomes that are not results
  std::uint64_t lost = 0;        // accepted, and neither a result nor an error nor in flight: must be 0
  std::uint64_t duplicated = 0;  // potentials that came again for an inference that had its outcome
  std::uint64_t in_flight = 0;   // admitted or waiting for admission
  bool operator==(const SessionCounts&) const = default;
};

}  // namespace syn::nodes
