// The world of a production node, put together: loop, clock, ZeroMQ network, threads, folder, log. The one place that
// joins nodes/ with transport/; `synfired` and the gateway inside `synfire run` are made of it.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "core/host.hpp"
#include "nodes/daemon/config.hpp"
#include "transport/keys.hpp"
#include "transport/loop.hpp"

namespace syn {
class ZmqNetwork;
}

namespace syn::daemon {

struct NodeHostOptions {
  std::string name;
  KeyPair keys{};
  std::string listen;             // empty: cannot be dialled
  std::vector<PeerConfig> peers;  // the only ones that are spoken with; those with an address are dialled
  std::filesystem::path state;
  std::uint32_t threads = 1;
  LogFormat log_format = LogFormat::text;
  Level log_level = Level::warn;
};

class NodeHost {
 public:
  // Fails by name: a peer's key that is no key, an address in use, a folder that cannot be written.
  static Expected<std::unique_ptr<NodeHost>> open(Loop& loop, NodeHostOptions options);
  ~NodeHost();

  Host host();
  ZmqNetwork& network();
  // Dials every peer whose address is known. After the node's behaviour has taken over the network's callbacks.
  void dial_known();

 private:
  struct Impl;
  explicit NodeHost(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace syn::daemon
