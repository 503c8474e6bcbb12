// Who computes what. A plan is made by nodes/placement, carried in Prepare messages and obeyed by workers; it is data
// only, so that it can be printed, compared and diffed.
#pragma once

#include <string>
#include <vector>

#include "core/types.hpp"

namespace syn {

inline constexpr std::uint32_t kGateway = 0xffffffff;  // "shard" index of the session that feeds and reads the model

// One stream of windows from one shard (or the gateway) to another. An edge carries one population (or a channel slice
// of it); a window is rows x `neurons` counts in channel-last order, row-major, one row a step. In `volley` and
// `phase` code an inference is one row: the counts.
struct EdgeSpec {
  EdgeId id;
  std::uint32_t from_shard = kGateway;
  std::uint32_t to_shard = kGateway;
  NodeId from;
  NodeId to;
  std::string population;  // its name in the sender's and in the receiver's shard
  std::uint32_t neurons = 0;
  std::uint32_t greatest = 1;     // the largest count, g; bounds the codec's bit width. Unused for potentials
  bool potentials = false;        // the readout: int32 instead of counts, one frame per inference, with its last window
  bool constant = false;          // a directly coded input: one row, sent with window 0, holds for every step
  bool carries_checksum = false;  // one out-edge a shard: checksums form a tree towards the gateway
  std::uint32_t credit = 1;       // windows that may be unacknowledged
  bool operator==(const EdgeSpec&) const = default;
};

// Everything a worker must know besides the shard's own bytes.
struct ShardSpec {
  std::uint32_t shard = 0;
  std::uint32_t steps = 1;         // rows per inference: T in `step` code, else 1
  std::uint32_t window_steps = 1;  // D, rows per window (the last one may be shorter)
  std::vector<EdgeSpec> in;
  std::vector<EdgeSpec> out;
  std::uint32_t windows() const { return (steps + window_steps - 1) / window_steps; }
  bool operator==(const ShardSpec&) const = default;
};

// A contiguous range of one population's channels.
struct Piece {
  std::uint32_t population = 0;  // index in the model
  std::uint32_t channel_begin = 0;
  std::uint32_t channel_end = 0;
  bool operator==(const Piece&) const = default;
};

struct Placement {
  NodeId node;
  std::vector<Piece> pieces;
  ShardSpec spec;
  double predicted_us = 0;            // compute time of one inference on that node, from its device profile
  std::uint64_t predicted_bytes = 0;  // resident bytes
};

struct NodeEntry {
  NodeId id;
  std::string name;
  std::string address;  // "tcp://host:port"; empty: cannot be dialled
  bool operator==(const NodeEntry&) const = default;
};

struct Plan {
  ModelHash model;
  std::uint32_t in_flight = 1;  // inferences admitted at once (W)
  std::vector<NodeEntry> nodes;
  std::vector<Placement> shards;
  double predicted_latency_us = 0;
  double predicted_throughput = 0;  // inferences per second
  double predicted_wire_bytes = 0;  // per inference, headers included
  std::vector<std::string> notes;   // why this plan, why the runner-up lost, warnings
};

}  // namespace syn
