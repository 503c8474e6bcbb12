// --nodes N | --cluster FILE and what goes with them: which machines a plan is made for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/error.hpp"
#include "nodes/daemon/config.hpp"
#include "nodes/placement.hpp"

namespace CLI {
class App;
}

namespace syn::cli {

struct MeshOptions {
  std::uint32_t nodes = 0;
  std::string cluster;
  std::string device = "this-machine";
  std::uint32_t window_steps = 0;
  std::uint32_t in_flight = 0;

  void declare(CLI::App& app, bool cluster_only = false);

  struct Machines {
    std::optional<daemon::ClusterConfig> cluster;
    std::vector<nodes::PlanNode> nodes;  // ids 1, 2, ... : production replaces them by the keys' ids
    DeviceProfile gateway;
  };
  Expected<Machines> machines() const;
};

// The placement as a table, its predictions, and the planner's notes.
std::string show(const Plan& plan, const snn::Model& model);

}  // namespace syn::cli
