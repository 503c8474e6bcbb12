// A whole mesh on one machine, as files: keys and configurations of N daemons and of a gateway. `synfire keygen --mesh`
// writes it for people to try; `synfire run --nodes N` starts it from a temporary folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "nodes/daemon/config.hpp"

namespace syn::daemon {

struct TrialMesh {
  std::filesystem::path cluster;  // CLUSTER.toml
  std::filesystem::path gateway_key;
  std::vector<std::filesystem::path> nodes;  // one NODE.toml each
  std::vector<std::string> names;            // "node-1", ...
  std::vector<std::string> public_keys;      // Z85, likewise
};

// `first_port` 0: each daemon takes a free port and says which; the cluster file then has no addresses.
Expected<TrialMesh> write_trial_mesh(const std::filesystem::path& folder, std::uint32_t nodes, std::uint16_t first_port,
                                     const NodeConfig& like);

}  // namespace syn::daemon
