// Who is connected and understood: says Hello on every new connection, checks the other's, and hands on only what
// comes from a peer that was understood. Also turns messages into bytes and back, and keeps control messages that the
// network is too full for.
// Deliberately not here: leases (worker.hpp, coordinator.hpp), dialling decisions, keys (transport).
#pragma once

#include <deque>
#include <map>
#include <string>

#include "core/host.hpp"
#include "nodes/refusals.hpp"

namespace syn::nodes {

struct PeersOptions {
  std::string name;
  std::string version;
};

class Peers {
 public:
  struct Callbacks {
    std::move_only_function<void(NodeId, Message&&, std::size_t bytes)> message;
    std::move_only_function<void(NodeId)> ready;  // its Hello was understood; sending makes sense from now on
    std::move_only_function<void(NodeId)> gone;   // the connection of a peer that was ready broke, or it started anew
  };

  Peers(Host host, PeersOptions options, Refusals& refusals, Callbacks callbacks);
  void start();  // takes over the network's callbacks

  bool ready(NodeId peer) const;
  std::uint32_t encodings(NodeId peer) const;  // what it listed (P13); raw16 alone for a stranger
  std::uint32_t features(NodeId peer) const;   // likewise; none for a stranger
  std::string name(NodeId peer) const;
  // Why a connected peer is not ready, or "".
  std::string objection(NodeId peer) const;

  // For messages that must arrive while the connection lasts: waits in a bounded queue when the network is full.
  void post(NodeId to, const Message& message, Channel channel = Channel::control);
  // For those whose sender has a queue of its own.
  Sent send(NodeId to, Channel channel, const Bytes& encoded);
  // Everything that the network took, acks and Hellos included.
  std::uint64_t messages_sent() const { return messages_sent_; }
  std::uint64_t bytes_sent() const { return bytes_sent_; }

 private:
  struct Peer {
    bool up = false, ready = false;
    std::uint64_t generation = 0, instance = 0;
    std::uint32_t encodings = 1, features = 0;
    std::uint32_t malformed = 0;
    std::string name, objection;
    std::deque<std::pair<Channel, Bytes>> waiting;
  };

  void peer_changed(NodeId id, PeerState state, std::uint64_t generation);
  void received(NodeId from, Bytes bytes);
  void hello(NodeId from, Peer& peer, const Hello& message);
  void lose(NodeId id, Peer& peer);
  void retry();
  Sent hand_over(NodeId to, Channel channel, const Bytes& encoded);

  Host host_;
  PeersOptions options_;
  Refusals& refusals_;
  Callbacks callbacks_;
  std::uint64_t instance_;
  std::map<NodeId, Peer> peers_;
  Timer retry_;
  std::uint64_t messages_sent_ = 0, bytes_sent_ = 0;
};

}  // namespace syn::nodes
