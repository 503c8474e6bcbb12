// Every message that crosses the wire, as plain values. transport/codec turns them into bytes (a 32-byte frame header,
// then Protobuf for control and packed counts for spikes); nodes/ decides what they mean.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/compute.hpp"
#include "core/error.hpp"
#include "core/plan.hpp"
#include "core/types.hpp"

namespace syn {

inline constexpr std::uint32_t kProtocol = 1;
inline constexpr std::size_t kMaxFrameBytes = 1 << 20;
inline constexpr std::size_t kMaxControlBytes = 64 << 10;
inline constexpr std::size_t kMaxChunkBytes = 256 << 10;

// How a window of counts is packed; the sender picks the smallest that the receiver listed in its Hello (P13).
enum class Encoding : std::uint8_t { raw16 = 0, bitmap = 1, gaps = 2, packed = 3, sparse_packed = 4 };
inline constexpr std::uint32_t kAllEncodings = 0b11111;

// What a node can do beyond the protocol's first version; nobody sends what the peer did not list (P13). A node of an
// older version lists nothing.
inline constexpr std::uint32_t kLearning = 1;  // the messages under "learning" below
inline constexpr std::uint32_t kAllFeatures = kLearning;

// ---- who is there -------------------------------------------------------------------------------------------------
// First message on every new connection, both ways.
struct Hello {
  std::uint32_t lowest_protocol = kProtocol;
  std::uint32_t highest_protocol = kProtocol;
  std::uint32_t encodings = kAllEncodings;
  std::string name;
  std::string version;
  std::uint64_t instance = 0;  // random per start: tells a restarted node from one that came back
  std::uint32_t features = kAllFeatures;
  bool operator==(const Hello&) const = default;
};
// Coordinator to worker, every third of a lease: "you are mine for `lease` from now". Also the ping.
struct Lease {
  Epoch epoch;
  Duration lease{};
  std::int64_t sent_ns = 0;  // the sender's monotonic time, echoed
  bool operator==(const Lease&) const = default;
};
struct LeaseReply {
  bool accepted = false;
  NodeId holder;  // whose it is, if not accepted ("busy")
  Epoch seen;     // highest epoch ever obeyed; a coordinator starts above it
  std::int64_t echoed_ns = 0;
  std::int64_t own_ns = 0;
  bool draining = false;
  bool operator==(const LeaseReply&) const = default;
};
// A worker was told to stop (SIGTERM): no new inferences, please; what is in flight is finished.
struct Draining {
  bool operator==(const Draining&) const = default;
};

// ---- deployments --------------------------------------------------------------------------------------------------
struct Prepare {
  DeploymentId deployment;
  Epoch epoch;
  ModelHash model;
  ShardSpec spec;
  std::vector<NodeEntry> peers;   // whom this shard talks with, and where they can be dialled
  std::uint64_t shard_bytes = 0;  // length of the shard's .syn, which follows in Chunks on the bulk channel
  bool operator==(const Prepare&) const = default;
};
struct Chunk {
  DeploymentId deployment;
  Epoch epoch;
  std::uint64_t offset = 0;
  Bytes bytes;
  bool operator==(const Chunk&) const = default;
};
struct Prepared {
  DeploymentId deployment;
  Epoch epoch;
  bool ok = false;
  Error error;  // when not ok
  std::uint64_t resident_bytes = 0;
  bool operator==(const Prepared&) const = default;
};
struct Activate {
  DeploymentId deployment;
  Epoch epoch;
  bool operator==(const Activate&) const = default;
};
struct Activated {
  DeploymentId deployment;
  Epoch epoch;
  bool operator==(const Activated&) const = default;
};
struct Retire {
  DeploymentId deployment;
  Epoch epoch;
  bool operator==(const Retire&) const = default;
};

// ---- inferences ---------------------------------------------------------------------------------------------------
// What identifies a data frame; all of it is in the frame header.
struct FrameId {
  DeploymentId deployment;
  Epoch epoch;
  InferenceId inference;
  EdgeId edge;
  std::uint32_t window = 0;
  bool operator==(const FrameId&) const = default;
};
// Counts, still packed: the receiver unpacks them with the geometry that its plan states, never the sender's.
struct SpikeFrame {
  FrameId id;
  Encoding encoding = Encoding::raw16;
  std::uint64_t checksum = 0;  // travels only on edges with carries_checksum; else 0
  bool has_checksum = false;
  Bytes packed;
  bool operator==(const SpikeFrame&) const = default;
};
// The readout's potentials, to the gateway.
struct PotentialFrame {
  FrameId id;
  std::uint64_t checksum = 0;
  std::vector<std::int32_t> potentials;
  bool operator==(const PotentialFrame&) const = default;
};
// Cumulative per edge and epoch: how many windows the receiver has consumed. Returns credit.
struct Ack {
  DeploymentId deployment;
  Epoch epoch;
  EdgeId edge;
  std::uint64_t consumed = 0;
  bool operator==(const Ack&) const = default;
};
// A worker cannot finish this inference; the session turns it into the inference's one explicit error.
struct Failed {
  DeploymentId deployment;
  Epoch epoch;
  InferenceId inference;
  Error error;
  bool operator==(const Failed&) const = default;
};
struct Cancel {
  DeploymentId deployment;
  Epoch epoch;
  InferenceId inference;
  bool operator==(const Cancel&) const = default;
};

// ---- learning -----------------------------------------------------------------------------------------------------
// Coordinator to worker: be this learner. It goes on from what the node has stored under its name, if anything.
// Answered with a LearnerState. `deployment` is the coordinator's number for it until Retire, or until the lease is
// over.
struct OpenLearner {
  DeploymentId deployment;
  Epoch epoch;
  std::string name;              // [a-z0-9_-]{1,48}
  std::uint32_t keep_every = 0;  // presentations between two durable states; 1 or more
  Bytes spec;                    // snn/learning/learner.hpp; opaque here, as a shard's .syn is
  bool operator==(const OpenLearner&) const = default;
};
// Where a learner stands, and what a KeepLearner made durable.
struct LearnerState {
  DeploymentId deployment;
  Epoch epoch;
  bool ok = false;
  Error error;                          // when not ok
  std::uint64_t presentations = 0;      // taught so far: the number of the next sample to teach
  std::uint64_t durable = 0;            // a restart of the node goes on from here
  std::array<std::uint8_t, 32> hash{};  // of the durable state
  std::uint64_t state_bytes = 0;
  std::uint64_t resident_bytes = 0;
  bool operator==(const LearnerState&) const = default;
};
// One input. Those to be taught are numbered from 0 and taken in that order, each exactly once; others change nothing,
// and their number is the question's. Answered in order with a Learned, or with a Failed. So many may be unanswered:
inline constexpr std::size_t kMaxSamplesWaiting = 64;
struct Sample {
  DeploymentId deployment;
  Epoch epoch;
  InferenceId number;
  Encoding encoding = Encoding::raw16;
  bool teach = false;
  std::optional<std::uint16_t> label;
  Bytes packed;  // one intensity a source
  bool operator==(const Sample&) const = default;
};
struct Learned {
  DeploymentId deployment;
  Epoch epoch;
  InferenceId number;
  bool taught = false;
  std::uint32_t winner = 0;
  std::uint32_t spikes = 0;
  std::uint16_t said = 0;     // the class
  std::uint64_t durable = 0;  // as in LearnerState: samples from here on would have to be sent again
  bool operator==(const Learned&) const = default;
};
// Make the state durable now; answered with a LearnerState.
struct KeepLearner {
  DeploymentId deployment;
  Epoch epoch;
  bool operator==(const KeepLearner&) const = default;
};
// A piece of the state that was made durable last, from this byte on; answered with a Chunk.
struct FetchLearner {
  DeploymentId deployment;
  Epoch epoch;
  std::uint64_t offset = 0;
  bool operator==(const FetchLearner&) const = default;
};

// ---- looking inside -----------------------------------------------------------------------------------------------
struct StatusRequest {
  bool operator==(const StatusRequest&) const = default;
};
// Per out-edge: sent = acked + dropped + queued + in_flight, exactly, at any moment (P4).
struct EdgeAccount {
  DeploymentId deployment;
  EdgeId edge;
  std::uint64_t sent = 0, acked = 0, dropped = 0, queued = 0, in_flight = 0, lost = 0;
  std::uint64_t frames = 0, bytes = 0;
  bool operator==(const EdgeAccount&) const = default;
};
struct Status {
  std::string name;
  Epoch epoch;
  std::uint64_t resident_bytes = 0;
  Work work;
  std::uint64_t spikes = 0, events = 0;             // sum of counts, and non-zero counts, of the neurons computed here
  std::uint64_t busy_ns = 0;                        // time spent computing
  std::uint64_t messages_sent = 0, bytes_sent = 0;  // everything handed to the network since the start, acks included
  std::vector<EdgeAccount> edges;
  std::vector<std::pair<std::string, std::uint64_t>> refused;  // frames and messages refused, by reason
  bool operator==(const Status&) const = default;
};

using Message = std::variant<Hello, Lease, LeaseReply, Draining, Prepare, Chunk, Prepared, Activate, Activated, Retire,
                             SpikeFrame, PotentialFrame, Ack, Failed, Cancel, StatusRequest, Status, OpenLearner,
                             LearnerState, Sample, Learned, KeepLearner, FetchLearner>;

}  // namespace syn
