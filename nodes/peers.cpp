#include "nodes/peers.hpp"

#include <algorithm>

namespace syn::nodes {
namespace {

// Control messages are few and small; a peer for which so many wait is not reading.
constexpr std::size_t kMaxWaiting = 4096;
constexpr Duration kRetry = std::chrono::milliseconds(1);
// A connection that brought so much rubbish is not listened to any more, and cut.
constexpr std::uint32_t kMaxMalformed = 64;
constexpr std::size_t kMaxNameBytes = 128;
constexpr std::uint32_t kLowestProtocol = kProtocol;

}  // namespace

Peers::Peers(Host host, PeersOptions options, Refusals& refusals, Callbacks callbacks)
    : host_(host),
      options_(std::move(options)),
      refusals_(refusals),
      callbacks_(std::move(callbacks)),
      instance_(host.random.u64()) {}

void Peers::start() {
  host_.network.on_receive([this](NodeId from, Channel, Bytes bytes) { received(from, std::move(bytes)); });
  host_.network.on_peer(
      [this](NodeId id, PeerState state, std::uint64_t generation) { peer_changed(id, state, generation); });
}

bool Peers::ready(NodeId peer) const {
  const auto at = peers_.find(peer);
  return at != peers_.end() && at->second.ready;
}

std::uint32_t Peers::encodings(NodeId peer) const {
  const auto at = peers_.find(peer);
  return at == peers_.end() ? 1u : at->second.encodings;
}

std::uint32_t Peers::features(NodeId peer) const {
  const auto at = peers_.find(peer);
  return at == peers_.end() ? 0 : at->second.features;
}

std::string Peers::name(NodeId peer) const {
  const auto at = peers_.find(peer);
  return at == peers_.end() ? "" : at->second.name;
}

std::string Peers::objection(NodeId peer) const {
  const auto at = peers_.find(peer);
  return at == peers_.end() ? "" : at->second.objection;
}

void Peers::peer_changed(NodeId id, PeerState state, std::uint64_t generation) {
  Peer& peer = peers_[id];
  if (state == PeerState::down) {
    if (generation < peer.generation) return;  // news of a connection that has been replaced already
    lose(id, peer);
    peer.up = false;
    return;
  }
  if (peer.up) lose(id, peer);  // replaced without a word: what was in flight on the old one is lost all the same
  peer.up = true;
  peer.generation = generation;
  peer.malformed = 0;
  peer.objection = "it has not said Hello";
  post(id,
       Hello{.encodings = kAllEncodings, .name = options_.name, .version = options_.version, .instance = instance_});
}

void Peers::lose(NodeId id, Peer& peer) {
  peer.waiting.clear();
  if (!std::exchange(peer.ready, false)) return;
  host_.log.event(Level::info, "peer_down", {{"peer", id.value}, {"name", peer.name}});
  callbacks_.gone(id);
}

void Peers::received(NodeId from, Bytes bytes) {
  Peer& peer = peers_[from];
  if (!peer.up) return refusals_.count("not_connected");
  if (peer.malformed >= kMaxMalformed) return refusals_.count("ignored_peer");
  auto message = host_.codec.decode(bytes);
  if (!message) {
    ++peer.malformed;
    refusals_.count("malformed");
    host_.log.event(Level::warn, "malformed",
                    {{"peer", from.value}, {"bytes", bytes.size()}, {"what", message.error().what}});
    if (peer.malformed == kMaxMalformed) host_.network.cut(from);
    return;
  }
  if (const auto* h = std::get_if<Hello>(&*message)) return hello(from, peer, *h);
  if (!peer.ready) return refusals_.count("before_hello");
  callbacks_.message(from, std::move(*message), bytes.size());
}

void Peers::hello(NodeId from, Peer& peer, const Hello& h) {
  if (h.lowest_protocol > kProtocol || h.highest_protocol < kLowestProtocol) {
    refusals_.count("protocol");
    peer.objection = text::cat("it speaks protocol ", h.lowest_protocol, " to ", h.highest_protocol,
                               ", this node speaks ", kLowestProtocol, " to ", kProtocol);
    host_.log.event(Level::warn, "protocol", {{"peer", from.value}, {"what", peer.objection}});
    return;
  }
  // A second Hello on one connection from another start of the same node: whatever it knew is gone.
  if (peer.ready && peer.instance != h.instance) lose(from, peer);
  if (peer.ready) return;
  peer.instance = h.instance;
  peer.encodings = (h.encodings & kAllEncodings) | 1u;
  peer.features = h.features & kAllFeatures;
  peer.name = h.name.substr(0, kMaxNameBytes);
  peer.objection.clear();
  peer.ready = true;
  host_.log.event(Level::info, "peer_up",
                  {{"peer", from.value}, {"name", peer.name}, {"version", h.version.substr(0, 64)}});
  callbacks_.ready(from);
}

void Peers::post(NodeId to, const Message& message, Channel channel) {
  const auto at = peers_.find(to);
  if (at == peers_.end() || !at->second.up) return;  // whoever needs an answer has a timer of its own
  Peer& peer = at->second;
  Bytes bytes = host_.codec.encode(message);
  if (peer.waiting.empty() && hand_over(to, channel, bytes) != Sent::full) return;
  if (peer.waiting.size() >= kMaxWaiting) return refusals_.count("control_overflow");
  peer.waiting.emplace_back(channel, std::move(bytes));
  if (!retry_) retry_ = host_.clock.call_in(kRetry, [this] { retry(); });
}

void Peers::retry() {
  retry_.reset();
  bool more = false;
  for (auto& [id, peer] : peers_) {
    while (!peer.waiting.empty()) {
      if (hand_over(id, peer.waiting.front().first, peer.waiting.front().second) == Sent::full) break;
      peer.waiting.pop_front();
    }
    more |= !peer.waiting.empty();
  }
  if (more) retry_ = host_.clock.call_in(kRetry, [this] { retry(); });
}

Sent Peers::hand_over(NodeId to, Channel channel, const Bytes& encoded) {
  const auto sent = host_.network.send(to, channel, encoded);
  if (sent == Sent::taken) {
    ++messages_sent_;
    bytes_sent_ += encoded.size();
  }
  return sent;
}

Sent Peers::send(NodeId to, Channel channel, const Bytes& encoded) {
  if (!ready(to)) return Sent::no_peer;
  return hand_over(to, channel, encoded);
}

}  // namespace syn::nodes
