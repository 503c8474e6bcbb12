#include "nodes/daemon/config.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "nodes/daemon/children.hpp"
#include "nodes/daemon/trial_mesh.hpp"
#include "transport/keys.hpp"

using namespace syn;
using namespace std::chrono_literals;

namespace {

struct Folder {
  Folder() : scratch(daemon::ScratchFolder::make("synfire-config-test-")) { REQUIRE(scratch); }
  std::filesystem::path write(const std::string& content) const {
    const auto path = scratch->path() / "file.toml";
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  Expected<daemon::ScratchFolder> scratch;
};

constexpr const char* kMinimal = "name = \"a\"\nlisten = \"tcp://*:7000\"\nkey = \"a.key\"\nstate = \"state\"\n";

}  // namespace

TEST_CASE("a node's configuration is read back as it was written") {
  const Folder folder;
  daemon::NodeConfig config{.name = "pi \"one\" \\ \n",
                            .listen = "tcp://*:7000",
                            .key_file = "/keys/pi.key",
                            .state = "/var/lib/synfire",
                            .log_format = daemon::LogFormat::json,
                            .log_level = Level::debug,
                            .drain = 1500ms,
                            .memory = 64'000'000,
                            .threads = 3,
                            .peers = {{"laptop", "key-1", ""}, {"pi-2", "key-2", "tcp://10.0.0.2:7000"}}};
  const auto back = daemon::read_node_config(folder.write(write_node_config(config)));
  REQUIRE_MESSAGE(back, back.error().what);
  CHECK(back->name == config.name);
  CHECK(back->listen == config.listen);
  CHECK(back->key_file == config.key_file);
  CHECK(back->state == config.state);
  CHECK(back->log_format == config.log_format);
  CHECK(back->log_level == config.log_level);
  CHECK(back->drain == config.drain);
  CHECK(back->memory == config.memory);
  CHECK(back->threads == config.threads);
  CHECK(back->peers == config.peers);
}

TEST_CASE("a name of several lines, quotes and all, comes back as it was") {
  const Folder folder;
  const daemon::NodeConfig config{
      .name = "\n'''x\"\"\"\\`\x01\xc3\xa9\n", .listen = "tcp://*:1", .key_file = "/k", .state = "/s"};
  const auto back = daemon::read_node_config(folder.write(write_node_config(config)));
  REQUIRE_MESSAGE(back, back.error().what);
  CHECK(back->name == config.name);
}

TEST_CASE("paths are relative to the file, and what is not said has a default") {
  const Folder folder;
  const auto path = folder.write(kMinimal);
  const auto config = daemon::read_node_config(path);
  REQUIRE(config);
  CHECK(config->key_file == path.parent_path() / "a.key");
  CHECK(config->drain == 10s);
  CHECK(config->peers.empty());
}

TEST_CASE("a configuration that is wrong is one message that names what and where") {
  const Folder folder;
  const auto complaint = [&](const std::string& more) {
    const auto config = daemon::read_node_config(folder.write(kMinimal + more));
    REQUIRE_FALSE(config);
    CHECK_FALSE(config.error().todo.empty());
    return config.error();
  };
  CHECK(complaint("speed = 1\n").what.find("speed") != std::string::npos);
  CHECK(complaint("speed = 1\n").where.find("line 5") != std::string::npos);
  CHECK(complaint("drain = \"fast\"\n").what.find("fast") != std::string::npos);
  CHECK(complaint("drain = 3\n").what.find("drain") != std::string::npos);
  CHECK(complaint("memory = \"64\"\n").what.find("64") != std::string::npos);
  CHECK(complaint("threads = 0\n").what.find("threads") != std::string::npos);
  CHECK(complaint("log = \"xml\"\n").todo.find("json") != std::string::npos);
  CHECK(complaint("peer = 3\n").what.find("peer") != std::string::npos);
  CHECK(complaint("[[peer]]\nname = \"x\"\n").what.find("key") != std::string::npos);
  CHECK(complaint("[[peer]]\nname = \"x\"\nkey = \"k\"\n[[peer]]\nname = \"x\"\nkey = \"l\"\n").what.find("x") !=
        std::string::npos);
  CHECK(complaint("[[peer]]\nname = \"x\"\nkey = \"k\"\n[[peer]]\nname = \"y\"\nkey = \"k\"\n").what.find("y") !=
        std::string::npos);
  CHECK(complaint("not toml at all").where.find("line 5") != std::string::npos);
  CHECK_FALSE(daemon::read_node_config(folder.scratch->path() / "none.toml"));
  CHECK_FALSE(daemon::read_node_config(folder.scratch->path()));
  CHECK_FALSE(daemon::read_node_config(folder.write(std::string(2 << 20, '#'))));
}

TEST_CASE("every truncation of a configuration is read or refused, never worse") {
  const Folder folder;
  const std::string whole = std::string(kMinimal) + "drain = \"10s\"\n[[peer]]\nname = \"x\"\nkey = \"k\"\n";
  for (std::size_t keep = 0; keep < whole.size(); ++keep) {
    const auto config = daemon::read_node_config(folder.write(whole.substr(0, keep)));
    if (!config) CHECK_FALSE(config.error().what.empty());
  }
}

TEST_CASE("a trial mesh has keys that belong together and files that can be read") {
  const Folder folder;
  const auto mesh = daemon::write_trial_mesh(folder.scratch->path() / "mesh", 3, 7100, {});
  REQUIRE_MESSAGE(mesh, mesh.error().what);
  const auto cluster = daemon::read_cluster_config(mesh->cluster);
  REQUIRE_MESSAGE(cluster, cluster.error().what);
  REQUIRE(cluster->nodes.size() == 3);
  const auto gateway = read_key_file(cluster->gateway_key_file);
  REQUIRE(gateway);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto node = daemon::read_node_config(mesh->nodes[i]);
    REQUIRE_MESSAGE(node, node.error().what);
    const auto keys = read_key_file(node->key_file);
    REQUIRE(keys);
    CHECK(to_z85(keys->public_key) == cluster->nodes[i].key);
    CHECK(node->listen == cluster->nodes[i].address);
    REQUIRE(node->peers.size() == 3);
    CHECK(node->peers[0].key == to_z85(gateway->public_key));
  }
}
