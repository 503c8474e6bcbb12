// Configuration files; one byte chooses the reader.
#include "nodes/daemon/config.hpp"
#include "sim/profiles.hpp"
#include "tests/fuzz/memory_file.hpp"
#include "tests/fuzz/targets.hpp"

namespace syn::fuzz {

namespace {

void node(ByteView text) {
  const MemoryFile file(text);
  auto config = daemon::read_node_config(file.path());
  if (!accepted(config)) return;
  const std::string written = daemon::write_node_config(*config);
  const MemoryFile copy({reinterpret_cast<const std::uint8_t*>(written.data()), written.size()});
  const auto again = daemon::read_node_config(copy.path());
  SYN_ASSERT(again.has_value(), again.error().what, written);
  SYN_ASSERT(again->name == config->name && again->listen == config->listen && again->peers == config->peers, written);
  SYN_ASSERT(again->key_file == config->key_file && again->state == config->state, written);
  SYN_ASSERT(again->drain == config->drain && again->memory == config->memory, written);
  SYN_ASSERT(daemon::write_node_config(*again) == written, written);
}

void cluster(ByteView text) {
  const MemoryFile file(text);
  const auto config = daemon::read_cluster_config(file.path());
  if (accepted(config)) SYN_ASSERT(!config->nodes.empty() && !config->gateway_name.empty());
}

void profile(ByteView text) {
  const auto read = sim::read_profile("fuzz", {reinterpret_cast<const char*>(text.data()), text.size()});
  if (!accepted(read)) return;
  SYN_ASSERT(read->cores >= 1 && read->memory_bytes > 0 && !read->source.empty());
  const Work work{
      .synaptic_operations = 1'000'000'000'000, .neuron_updates = 1'000'000'000, .bytes_touched = 1'000'000'000};
  SYN_ASSERT(read->time_of(work).count() >= 0);
  SYN_ASSERT(read->time_of_message(1 << 20).count() >= 0);
}

}  // namespace

void toml(ByteView input) {
  switch (take_byte(input) % 3) {
    case 0:
      return node(input);
    case 1:
      return cluster(input);
    default:
      return profile(input);
  }
}

}  // namespace syn::fuzz
