#include "nodes/daemon/node_host.hpp"

#include "core/text.hpp"
#include "transport/asio_clock.hpp"
#include "transport/codec/wire_codec.hpp"
#include "transport/folder_store.hpp"
#include "transport/random_seed.hpp"
#include "transport/stderr_log.hpp"
#include "transport/thread_compute.hpp"
#include "transport/zmq_network.hpp"

namespace syn::daemon {

struct NodeHost::Impl {
  Impl(Loop& loop, const NodeHostOptions& options)
      : clock(loop),
        log({.format = options.log_format == LogFormat::json ? StderrLog::Format::json : StderrLog::Format::text,
             .least = options.log_level,
             .node = options.name}),
        random(seeded_random()),
        compute(loop, options.threads) {}

  AsioClock clock;
  StderrLog log;
  SeededRandom random;
  WireCodec codec;
  ThreadCompute compute;
  std::unique_ptr<FolderStore> store;
  std::unique_ptr<ZmqNetwork> network;
  std::vector<std::pair<NodeId, std::string>> known;
};

NodeHost::NodeHost(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NodeHost::~NodeHost() = default;

Expected<std::unique_ptr<NodeHost>> NodeHost::open(Loop& loop, NodeHostOptions options) {
  auto impl = std::make_unique<Impl>(loop, options);
  auto store = FolderStore::open(loop, options.state);
  if (!store) return fail(store.error());
  impl->store = std::move(*store);

  ZmqOptions zmq{.keys = options.keys, .bind = options.listen};
  for (const PeerConfig& peer : options.peers) {
    const auto key = from_z85(peer.key);
    if (!key) {
      Error e = key.error();
      e.where = text::cat("the key of peer '", peer.name, "'");
      return fail(std::move(e));
    }
    zmq.peers.push_back({peer.name, *key});
    if (!peer.address.empty()) impl->known.emplace_back(node_id(*key), peer.address);
  }
  auto network = ZmqNetwork::open(loop, impl->clock, impl->log, std::move(zmq));
  if (!network) return fail(network.error());
  impl->network = std::move(*network);
  return std::unique_ptr<NodeHost>(new NodeHost(std::move(impl)));
}

Host NodeHost::host() {
  return {impl_->clock, *impl_->network, impl_->compute, *impl_->store, impl_->random, impl_->log, impl_->codec};
}

ZmqNetwork& NodeHost::network() {
  return *impl_->network;
}

void NodeHost::dial_known() {
  for (const auto& [id, address] : impl_->known) impl_->network->dial(id, address);
}

}  // namespace syn::daemon
