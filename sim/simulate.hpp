// Runs a model over a data set on simulated machines: the very code of nodes/, on a virtual clock, with true byte
// counts and modelled costs. `synfire sim` is this function and a table.
// Deliberately not here: measuring. Same commit, seed and options give the same result, to the bit (P3).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/error.hpp"
#include "nodes/placement.hpp"
#include "nodes/session.hpp"
#include "snn/model.hpp"

namespace syn::sim {

// What goes wrong, and when. Nodes are indices of SimOptions::nodes, from 0; kGateway is the client's machine.
inline constexpr std::uint32_t kClientNode = 0xffffffff;
struct Fault {
  enum class Kind : std::uint8_t {
    kill,         // `node` ends at once; what it held is gone
    cut,          // the link between `node` and `other` breaks; what is in flight on it is lost; heals at `until`
    slow,         // `node` computes `factor` times slower between `at` and `until`
    jitter,       // deliveries to `node` are delayed by up to `delay`, seeded, in order, between `at` and `until`
    drop_frame,   // a bug's canary: a data frame to `node` vanishes without the connection breaking (P14)
    repeat_frame  // a bug's canary: a data frame to `node` arrives twice
  };
  Kind kind = Kind::kill;
  Duration at{};
  Duration until{};  // 0: for good
  std::uint32_t node = 0;
  std::uint32_t other = 0;
  std::uint32_t factor = 10;
  Duration delay{};
};
const char* name_of(Fault::Kind kind);

struct SimOptions {
  std::uint64_t seed = 1;
  std::vector<nodes::PlanNode> nodes;  // ids may be 0: then they are numbered from 1
  DeviceProfile gateway;               // the machine that submits
  std::uint32_t window_steps = 0;      // as in PlanOptions
  std::uint32_t in_flight = 0;
  double rate = 0;  // submissions a second of virtual time; 0: as fast as admission allows
  Duration deadline = std::chrono::seconds(10);
  std::vector<Fault> faults;  // times count from the first submission
};

struct SimInput {
  std::uint64_t count = 0;
  std::move_only_function<std::span<const Count>(std::uint64_t)> row_of;  // one input row; valid until the next call
};

struct SimEdge {
  EdgeId id;
  std::string from, to, population;  // names of nodes
  std::uint32_t neurons = 0;
  std::uint64_t frames = 0, bytes = 0;
};

struct SimResult {
  std::vector<nodes::Outcome> outcomes;  // by index of the input; latencies in virtual time
  nodes::SessionCounts counts;
  nodes::Planned planned;
  std::vector<SimEdge> edges;
  Work work;  // of all nodes together, as their Status says
  std::uint64_t spikes = 0, spike_events = 0;
  std::uint64_t data_bytes = 0;  // frames of spikes and potentials, headers included
  std::uint64_t wire_bytes = 0;  // all messages from the first submission on, with the overhead of each on the wire
  std::uint64_t messages = 0;
  Duration elapsed{};              // virtual: first submission to last outcome
  std::vector<double> busy;        // per node: share of its compute time in use
  std::vector<Duration> compute;   // per node: what its shard took, messages left out
  double joule_per_inference = 0;  // busy time x watts; idle draw is not in it
  std::string event_log_hash;      // SHA-256 over all events and deliveries
  std::uint64_t events = 0;
  std::vector<std::pair<std::string, std::uint64_t>> faults_fired;  // coverage marks (P14)
  std::vector<std::pair<std::string, std::uint64_t>> refused;       // all nodes together, by reason
};

// Plans, deploys, streams. `progress` is called with the number of outcomes so far. Fails when the plan or the
// deployment does; an inference's own error is in its outcome.
Expected<SimResult> run_simulation(const snn::Model& model, const ModelHash& hash, SimInput input,
                                   const SimOptions& options, std::function<void(std::uint64_t)> progress = {});

}  // namespace syn::sim
