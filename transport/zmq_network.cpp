#include "transport/zmq_network.hpp"

#include <bit>

#include "core/messages.hpp"
#include "transport/zmq/network_impl.hpp"

namespace syn {

using namespace mq;

ZmqNetwork::Impl::Impl(Loop& l, Clock& c, Log& g, ZmqOptions o)
    : loop(l), clock(c), log(g), options(std::move(o)), self(node_id(options.keys.public_key)) {}

void ZmqNetwork::Impl::refuse(std::string_view reason, NodeId peer) {
  auto at = refused.find(reason);
  if (at == refused.end()) at = refused.emplace(std::string(reason), 0).first;
  // A line for the first, second, fourth, ...: a flood must not become a flood of lines.
  if (std::has_single_bit(++at->second)) {
    log.event(Level::warn, "transport_refused", {{"reason", reason}, {"peer", peer.value}, {"count", at->second}});
  }
}

Peer* ZmqNetwork::Impl::find(NodeId id) {
  const auto at = peers.find(id);
  return at == peers.end() || !at->second.listed ? nullptr : &at->second;
}

void ZmqNetwork::Impl::list(const ListedPeer& listed) {
  const NodeId id = node_id(listed.public_key);
  Peer& peer = peers[id];
  peer.id = id;
  peer.name = listed.name;
  peer.key = listed.public_key;
  peer.listed = true;
  peer.shunned_until = {};
}

void ZmqNetwork::Impl::come_up(Peer& peer) {
  peer.up = true;
  peer.strikes = 0;
  ++peer.generation;
  log.event(Level::debug, "transport_up", {{"peer", peer.name}, {"generation", peer.generation}});
  if (on_peer) loop.turn([&] { on_peer(peer.id, PeerState::up, peer.generation); });
}

bool ZmqNetwork::Impl::forget_connection(Peer& peer) {
  peer.queue.clear();
  if (!peer.routing.empty()) routes.erase(peer.routing);
  peer.routing.clear();
  peer.fd = -1;
  return std::exchange(peer.up, false);
}

void ZmqNetwork::Impl::go_down(Peer& peer) {
  if (forget_connection(peer) || peer.farewell) say_down(peer);
}

void ZmqNetwork::Impl::say_down(Peer& peer) {
  peer.farewell.reset();
  log.event(Level::debug, "transport_down", {{"peer", peer.name}, {"generation", peer.generation}});
  if (on_peer) loop.turn([&] { on_peer(peer.id, PeerState::down, peer.generation); });
}

void ZmqNetwork::Impl::deliver(Peer& peer, Incoming& in) {
  if (!in.whole) return blame(peer, "multipart");
  if (in.lead >= kChannels) return blame(peer, "unknown_channel");
  if (in.body.size() > kMaxFrameBytes) return blame(peer, "too_long");
  if (on_receive) loop.turn([&] { on_receive(peer.id, Channel{in.lead}, std::move(in.body)); });
}

void ZmqNetwork::Impl::blame(Peer& peer, std::string_view reason) {
  if (++peer.strikes >= kMostStrikes) return cut(peer, reason);
  refuse(reason, peer.id);
}

void ZmqNetwork::Impl::cut(Peer& peer, std::string_view reason) {
  if (shunned(peer)) return;
  refuse(reason, peer.id);
  log.event(Level::warn, "transport_cut", {{"peer", peer.name}, {"reason", reason}});
  peer.shunned_until = clock.now() + options.shun;
  hang_up(peer);
  drop_dialled(peer);
  if (forget_connection(peer)) peer.farewell = clock.call_in({}, [this, &peer] { say_down(peer); });
  if (!peer.address.empty()) dial_soon(peer);
}

Expected<std::unique_ptr<ZmqNetwork>> ZmqNetwork::open(Loop& loop, Clock& clock, Log& log, ZmqOptions options) {
  if (options.plain && !options.bind.empty() && !is_loopback(options.bind)) {
    return fail("plain text is allowed on loopback only", options.bind, "bind to 127.0.0.1, or use keys");
  }
  if (options.keys != pair_of(options.keys.secret_key)) {
    return fail("the public key does not belong to the secret key", "this node's keys", "read both from one key file");
  }
  auto impl = std::make_unique<Impl>(loop, clock, log, std::move(options));
  for (const ListedPeer& peer : impl->options.peers) impl->list(peer);
  if (!impl->options.plain) {
    impl->zap.emplace(*impl->context, loop, [i = impl.get()](const Key& key) {
      const Peer* const peer = i->find(node_id(key));
      const bool listed = peer != nullptr && peer->key == key;
      if (!listed) {
        i->refuse("unlisted_key", node_id(key));
      } else if (i->shunned(*peer)) {
        i->refuse("shunned", peer->id);
        return false;
      }
      return listed;
    });
  }
  if (!impl->options.bind.empty()) {
    if (auto bound = impl->bind(); !bound) return fail(bound.error());
  }
  return std::unique_ptr<ZmqNetwork>(new ZmqNetwork(std::move(impl)));
}

ZmqNetwork::ZmqNetwork(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ZmqNetwork::~ZmqNetwork() = default;

NodeId ZmqNetwork::self() const {
  return impl_->self;
}
const std::string& ZmqNetwork::bound_address() const {
  return impl_->bound;
}
const std::map<std::string, std::uint64_t, std::less<>>& ZmqNetwork::refused() const {
  return impl_->refused;
}
void ZmqNetwork::on_receive(OnReceive fn) {
  impl_->on_receive = std::move(fn);
}
void ZmqNetwork::on_peer(OnPeer fn) {
  impl_->on_peer = std::move(fn);
}
void ZmqNetwork::list(const ListedPeer& peer) {
  impl_->list(peer);
}
Sent ZmqNetwork::send(NodeId to, Channel channel, Bytes bytes) {
  return impl_->send(to, channel, std::move(bytes));
}

void ZmqNetwork::dial(NodeId peer, std::string_view address) {
  impl_->dial(peer, address);
}

void ZmqNetwork::forget(NodeId id) {
  Peer* const peer = impl_->find(id);
  if (peer == nullptr) return;
  peer->listed = false;
  peer->address.clear();
  peer->farewell.reset();
  impl_->hang_up(*peer);
  impl_->drop_dialled(*peer);
  impl_->forget_connection(*peer);
}

void ZmqNetwork::cut(NodeId id) {
  if (Peer* const peer = impl_->find(id)) impl_->cut(*peer, "cut");
}

void ZmqNetwork::close(Duration linger) {
  impl_->close(linger);
}

}  // namespace syn
