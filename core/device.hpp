// What a machine can do, as figures from a file: the planner predicts with it and the simulator charges by it. Never
// measured while simulating.
#pragma once

#include <string>

#include "core/compute.hpp"
#include "core/types.hpp"

namespace syn {

// What the wire adds to each of our messages: ZMTP, CURVE, TCP and IP headers, and its share of their acks. The planner
// predicts with it, the simulator charges it, and a run over real sockets reports with it.
inline constexpr std::uint32_t kWireOverheadBytes = 125;

struct DeviceProfile {
  std::string name;             // "pi4"
  std::string source;           // where the figures come from
  double synops_per_us = 1000;  // synaptic operations, one core, within the first cache
  double updates_per_us = 100;  // neuron updates
  double message_us = 20;       // CPU per message sent or received, encryption included
  double byte_ns = 5;           // CPU per byte on the wire: encryption, packing
  double link_mbit = 1000;      // of its network port
  double link_latency_us = 60;  // one way, to any other node
  double watts = 5;             // under load
  std::uint64_t memory_bytes = 1ull << 30;
  std::uint32_t cores = 4;
  bool operator==(const DeviceProfile&) const = default;

  // Integer nanoseconds, rounded up: simulated time holds no floating point.
  Duration time_of(const Work& work) const;
  Duration time_of_message(std::size_t bytes) const;

  // What is left of this machine for each of `processes` (at least one) busy at once on it, if they share alike.
  DeviceProfile shared_by(std::uint32_t processes) const;
};

}  // namespace syn
