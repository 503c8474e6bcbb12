#include "nodes/daemon/trial_mesh.hpp"

#include <fstream>

#include "core/text.hpp"
#include "transport/keys.hpp"

namespace syn::daemon {

namespace fs = std::filesystem;

namespace {

Expected<> write(const fs::path& path, const std::string& content) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << content;
  out.close();
  if (!out)
    return fail("a file of the mesh cannot be written", path.string(), "check the folder's rights and the free space");
  return {};
}

}  // namespace

Expected<TrialMesh> write_trial_mesh(const fs::path& folder, std::uint32_t nodes, std::uint16_t first_port,
                                     const NodeConfig& like) {
  std::error_code trouble;
  fs::create_directories(folder, trouble);
  if (trouble)
    return fail("the folder cannot be made: " + trouble.message(), folder.string(), "check its parent's rights");

  TrialMesh mesh{.cluster = folder / "cluster.toml",
                 .gateway_key = folder / "gateway.key",
                 .nodes = {},
                 .names = {},
                 .public_keys = {}};
  const KeyPair gateway = make_key_pair();
  if (auto written = write_key_file(mesh.gateway_key, gateway); !written) return fail(written.error());
  std::vector<KeyPair> keys;
  for (std::uint32_t i = 1; i <= nodes; ++i) {
    keys.push_back(make_key_pair());
    mesh.names.push_back(text::cat("node-", i));
    mesh.public_keys.push_back(to_z85(keys.back().public_key));
    if (auto written = write_key_file(folder / (mesh.names.back() + ".key"), keys.back()); !written)
      return fail(written.error());
  }
  const auto address = [&](std::uint32_t i) {
    return first_port == 0 ? std::string("tcp://127.0.0.1:0") : text::cat("tcp://127.0.0.1:", first_port + i);
  };

  std::string cluster = text::cat("[gateway]\nname = \"gateway\"\nkey = \"gateway.key\"\n");
  for (std::uint32_t i = 0; i < nodes; ++i) {
    NodeConfig config = like;
    config.name = mesh.names[i];
    config.listen = address(i);
    config.key_file = mesh.names[i] + ".key";
    config.state = mesh.names[i] + ".state";
    config.peers = {{"gateway", to_z85(gateway.public_key), ""}};
    for (std::uint32_t other = 0; other < nodes; ++other) {
      if (other != i)
        config.peers.push_back({mesh.names[other], mesh.public_keys[other], first_port == 0 ? "" : address(other)});
    }
    mesh.nodes.push_back(folder / (mesh.names[i] + ".toml"));
    if (auto written = write(mesh.nodes.back(), write_node_config(config)); !written) return fail(written.error());
    // Keys are Z85: they hold no quote, backslash or control character that TOML would read otherwise.
    cluster += text::cat("\n[[node]]\nname = \"", mesh.names[i], "\"\nkey = \"", mesh.public_keys[i],
                         "\"\ndevice = \"this-machine\"\n");
    if (first_port != 0) cluster += text::cat("address = \"", address(i), "\"\n");
  }
  if (auto written = write(mesh.cluster, cluster); !written) return fail(written.error());
  return mesh;
}

}  // namespace syn::daemon
