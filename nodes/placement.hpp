// Decides who computes what: cuts a model into one shard a node so that the slowest stage of the pipeline is as fast as
// it can be, from the device profiles alone. Pure: same model, same nodes, same options, same plan.
// Deliberately not here: measuring devices, moving shards (coordinator.hpp), reacting to trouble.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/error.hpp"
#include "core/plan.hpp"
#include "snn/model.hpp"

namespace syn::nodes {

struct PlanNode {
  NodeEntry entry;
  DeviceProfile device;
};

struct PlanOptions {
  NodeEntry gateway;               // who submits and collects; it computes nothing
  DeviceProfile gateway_device;    // its link and its cost per message
  std::uint32_t nodes = 0;         // use exactly the first so many; 0: all that were given
  std::uint32_t window_steps = 0;  // D; 0: one window an inference. Framing only where an inference is one row
  std::uint32_t in_flight = 0;     // W; 0: enough to keep every stage busy
};

// A model's own input, in the order in which a submitted row holds them.
struct Input {
  std::string population;
  std::uint32_t neurons = 0;
};

// A plan, and what it takes to carry it out.
struct Planned {
  Plan plan;
  std::vector<Bytes> shards;  // the .syn of each of plan.shards
  std::vector<Input> inputs;
  std::uint32_t classes = 0;  // potentials of one result
};

// One shard a node, always as many as asked for: contiguous ranges of populations, and channel ranges of the heavy ones
// where there are more nodes than populations worth one. Refuses a model that cannot be cut that often, by name.
Expected<Planned> plan(const snn::Model& model, const ModelHash& hash, std::span<const PlanNode> nodes,
                       const PlanOptions& options);

// Whether a plan may run at all: every population computed exactly once, every edge has one sender and one receiver
// that agree on it, credits that cannot deadlock, one checksum path from every shard to the gateway.
Expected<> check(const Plan& plan, const snn::Model& model);

}  // namespace syn::nodes
