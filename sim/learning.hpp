// A learner on a simulated node: the code of nodes/, the real codec, a virtual clock, and a disk that outlives the
// node.
#pragma once

#include "core/device.hpp"
#include "nodes/teacher.hpp"

namespace syn::sim {

struct LearningOptions {
  std::uint64_t seed = 1;
  DeviceProfile node, gateway;
  // The node is killed so many times, each at a moment drawn from `seed` between two of the first `lessons` answers,
  // and started again on its disk.
  std::uint32_t kills = 0;
  std::uint64_t lessons = 0;
};

struct Learning {
  nodes::Teacher::Finished finished;
  Duration elapsed{};       // virtual, from the first lesson on
  Duration computing{};     // of the node
  std::uint64_t bytes = 0;  // on the wire, with the overhead of each message
  std::uint64_t messages = 0;
  std::uint32_t kills = 0;  // that took place
  std::string event_log_hash;
};

// `callbacks.over` is not called: its value is returned.
Expected<Learning> run_learning(nodes::TeacherOptions teacher, nodes::Teacher::Callbacks callbacks,
                                const LearningOptions& options);

}  // namespace syn::sim
