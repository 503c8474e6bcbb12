// Moves bytes between nodes and does nothing else: credits, acks, leases, epochs and accounting are code in nodes/,
// above this seam, so that the simulator runs the very lines that production runs.
#pragma once

#include <functional>
#include <string_view>

#include "core/types.hpp"

namespace syn {

// A channel is a number in our own header and a share of the sender's queue; there is one connection per pair.
enum class Channel : std::uint8_t { control, data, bulk, telemetry };

enum class Sent { taken, full, no_peer };
enum class PeerState { up, down };

class Network {
 public:
  using OnReceive = std::move_only_function<void(NodeId from, Channel, Bytes)>;
  // `generation` grows with every new connection to that peer. Delivery is in order and at most once within one
  // generation; nothing is promised across generations: what was in flight when a connection broke is lost.
  using OnPeer = std::move_only_function<void(NodeId, PeerState, std::uint64_t generation)>;

  virtual ~Network() = default;
  virtual NodeId self() const = 0;
  // Where a peer can be dialled ("tcp://10.0.0.7:7000"). The connection is kept up from then on, and dialled again
  // after a break. The peer's key must be listed already; an unknown id is ignored and counted.
  virtual void dial(NodeId peer, std::string_view address) = 0;
  // Never blocks and never delivers inline. full: the peer's queue is at its cap, nothing was taken.
  virtual Sent send(NodeId to, Channel channel, Bytes bytes) = 0;
  // What came from this peer makes no sense, again and again: its connection is ended (on_peer(down) follows, not
  // inline) and none of it is taken for a while; then it may come back. Others notice nothing.
  virtual void cut(NodeId peer) = 0;
  virtual void on_receive(OnReceive fn) = 0;
  virtual void on_peer(OnPeer fn) = 0;
};

}  // namespace syn
