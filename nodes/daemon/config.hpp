// The two configuration files, as values. `synfired NODE.toml` says what one daemon is; CLUSTER.toml, read by
// `synfire`, says which daemons there are. Paths in a file are relative to it. Unknown keys are refused: a misspelt one
// would be silently ignored.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/log.hpp"
#include "core/types.hpp"

namespace syn::daemon {

struct PeerConfig {
  std::string name;
  std::string key;      // public, Z85, 40 characters
  std::string address;  // "tcp://host:port"; empty: it dials us, or its address comes with the plan
  bool operator==(const PeerConfig&) const = default;
};

enum class LogFormat { text, json };

//   name = "pi-1"                        # required
//   listen = "tcp://*:7000"              # required
//   key = "pi-1.key"                     # required; made by `synfire keygen`
//   state = "/var/lib/synfire"           # required; what the daemon remembers over a restart
//   log = "text"                         # or "json"
//   log_level = "info"                   # debug, info, warn, error
//   drain = "10s"                        # how long SIGTERM lets what is in flight finish
//   memory = "256MB"                     # cap for shards, windows and learners
//   threads = 1
//   [[peer]]                             # whoever may talk with this daemon: nodes and gateways
//   name = "laptop"
//   key = "..."                          # its public key
//   address = "tcp://10.0.0.5:7000"      # optional
struct NodeConfig {
  std::string name;
  std::string listen;
  std::filesystem::path key_file;
  std::filesystem::path state;
  LogFormat log_format = LogFormat::text;
  Level log_level = Level::info;
  Duration drain = std::chrono::seconds(10);
  std::uint64_t memory = 256'000'000;
  std::uint32_t threads = 1;
  std::vector<PeerConfig> peers;
};
Expected<NodeConfig> read_node_config(const std::filesystem::path& path);
std::string write_node_config(const NodeConfig& config);  // read back, it is the same

//   [gateway]
//   name = "laptop"
//   key = "laptop.key"                   # its secret key; `run` needs it, `plan` and `sim` do not
//   device = "this-machine"              # a device profile
//   [[node]]
//   name = "pi-1"
//   key = "..."                          # its public key; for `run`
//   address = "tcp://10.0.0.11:7000"     # for `run`
//   device = "pi4"
struct ClusterConfig {
  struct Node {
    std::string name, key, address, device;
  };
  std::string gateway_name;
  std::filesystem::path gateway_key_file;
  std::string gateway_device = "this-machine";
  std::vector<Node> nodes;
};
Expected<ClusterConfig> read_cluster_config(const std::filesystem::path& path);

}  // namespace syn::daemon
