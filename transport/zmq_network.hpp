// Network over ZeroMQ (design.md, section 6): one bound ROUTER for whoever dials us, one DEALER for each peer that we
// dial, CURVE and ZAP on all of them. Only listed keys are spoken with.
//
// - On the wire a message is one part: a byte for the channel, then the bytes. Transport's own messages (greeting and
//   welcome, below) use channel numbers that nodes/ cannot send.
// - The dialler greets first and the acceptor answers; each side reports the peer up at what it receives, so nothing is
//   delivered before on_peer(up). Who greets is known from the connection's key (User-Id), not from what it says.
// - A connection is never reused: each attempt of a dialler is a new socket, so nothing of an older generation can be
//   sent on a newer one. The acceptor learns of a lost connection from the socket monitor, by file descriptor, and
//   first delivers what had arrived.
// - Each peer has one queue, in order over all channels, bounded in bytes per channel; behind it libzmq's pipe holds at
//   most kPipe messages.
// - Strangers, and listed peers that misbehave, cost a bounded amount of memory and descriptors (network_impl.hpp says
//   how). Whoever keeps misbehaving is cut: its connection is ended and none of it taken for a while. Nobody else's
//   connection is touched by that.
//
// Does not do: credits, acks, replay (nodes/).
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/log.hpp"
#include "core/network.hpp"
#include "transport/asio_clock.hpp"
#include "transport/keys.hpp"

namespace syn {

struct ListedPeer {
  std::string name;  // for the log
  Key public_key{};
};

struct ZmqOptions {
  KeyPair keys{};
  std::string bind;  // "tcp://127.0.0.1:7000", port 0 for any; empty: a pure client, which cannot be dialled
  std::vector<ListedPeer> peers;
  // Most bytes queued for one peer, by channel (control, data, bulk, telemetry). A single message always fits an empty
  // queue.
  std::array<std::size_t, 4> queue_bytes{1 << 20, 4 << 20, 1 << 20, 256 << 10};
  Duration first_retry = std::chrono::milliseconds(50);
  Duration longest_retry = std::chrono::milliseconds(500);
  // For how long a peer that was cut is neither dialled nor let in.
  Duration shun = std::chrono::seconds(60);
  // No encryption and no authentication: a peer is who its greeting says. Refused unless every address is loopback.
  bool plain = false;
};

class ZmqNetwork final : public Network {
 public:
  static constexpr int kPipe =
      128;  // messages in libzmq's own queue, a direction and connection; 32 halves the throughput

  // All three outlive the network. An address that cannot be bound is an Error.
  static Expected<std::unique_ptr<ZmqNetwork>> open(Loop& loop, Clock& clock, Log& log, ZmqOptions options);
  ~ZmqNetwork() override;  // not from inside one of its callbacks

  NodeId self() const override;
  // The connection is made by the side that cannot be dialled, else by the lower NodeId: with a bound address and the
  // higher id this only waits.
  void dial(NodeId peer, std::string_view address) override;
  Sent send(NodeId to, Channel channel, Bytes bytes) override;
  void on_receive(OnReceive fn) override;
  void on_peer(OnPeer fn) override;

  void cut(NodeId peer) override;

  // Empty for a pure client; otherwise with the port that was really taken.
  const std::string& bound_address() const;
  // A key that may connect from now on.
  void list(const ListedPeer& peer);
  // For good, and without on_peer(down): nothing of it is listened to from now on, its key is forgotten, and its
  // connection is ended, whoever made it. The connections of others stay.
  void forget(NodeId peer);
  // Hands what is queued to libzmq as far as it fits and gives it `linger` to send that. Blocks for at most that long;
  // afterwards nobody can be reached. For an orderly end (SIGTERM).
  void close(Duration linger);
  // What was turned away, by reason.
  const std::map<std::string, std::uint64_t, std::less<>>& refused() const;

 private:
  struct Impl;
  explicit ZmqNetwork(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace syn
