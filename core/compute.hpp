// Runs the heavy work of a node away from its loop. Production: a thread pool; simulator: inline, charged to the
// virtual clock by the node's device profile.
#pragma once

#include <functional>

#include "core/types.hpp"

namespace syn {

// What a piece of work cost, in units that a device profile can turn into time.
struct Work {
  std::uint64_t synaptic_operations = 0;  // non-zero input x weight pairs that were added
  std::uint64_t neuron_updates = 0;
  std::uint64_t bytes_touched = 0;  // encoded bytes read and written
  Work& operator+=(const Work& o) {
    synaptic_operations += o.synaptic_operations;
    neuron_updates += o.neuron_updates;
    bytes_touched += o.bytes_touched;
    return *this;
  }
  bool operator==(const Work&) const = default;
};

class Compute {
 public:
  // The job owns everything it touches (shard state moves in, results are captured by `done` through it) and returns
  // its cost. `done` runs on the loop, never inline; it is dropped if the node has ended.
  using Job = std::move_only_function<Work()>;
  using Done = std::move_only_function<void(Work, Duration measured)>;

  virtual ~Compute() = default;
  virtual void run(Job job, Done done) = 0;
  virtual std::uint32_t threads() const = 0;
};

}  // namespace syn
