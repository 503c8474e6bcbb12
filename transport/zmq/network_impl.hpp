// What ZmqNetwork is made of. Private to transport/: zmq_network.cpp (who is listed, up, down, cut), zmq/accepting.cpp
// (the bound socket), zmq/dialling.cpp, zmq/sending.cpp.
//
// Nothing that a stranger or a listed peer does may cost more than a bounded amount of memory and descriptors:
//   a connection without a greeting   lives kHandshake + kPatience; of more than kMostStrangers the oldest is ended
//   a message without an end          flow.hpp; the connection is ended and the peer shunned
//   messages that make no sense       counted by reason; after kMostStrikes in one generation the peer is shunned
//   a second connection of a peer     the newest counts, the older is ended
// "Ended" is Tcp::hang_up: one connection and no other. Binding anew, the only way that libzmq itself offers, would
// cost everybody else theirs.
#pragma once

#include "transport/zmq/peer.hpp"
#include "transport/zmq/zap.hpp"
#include "transport/zmq_network.hpp"

namespace syn {

inline constexpr unsigned kMostATurn = 64;                      // messages of one socket before others have their turn
inline constexpr Duration kPatience = std::chrono::seconds(3);  // for the greeting, and for its answer
inline constexpr Duration kHandshake = std::chrono::seconds(2);
inline constexpr Duration kLook = std::chrono::milliseconds(200);
inline constexpr std::size_t kMostStrangers = 64;
inline constexpr std::uint32_t kMostStrikes = 16;

struct ZmqNetwork::Impl {
  Impl(Loop& l, Clock& c, Log& g, ZmqOptions o);

  // ---- zmq_network.cpp
  void refuse(std::string_view reason, NodeId peer = {});
  mq::Peer* find(NodeId id);  // nullptr: not listed
  void list(const ListedPeer& listed);
  bool shunned(const mq::Peer& peer) const { return peer.shunned_until > clock.now(); }
  void come_up(mq::Peer& peer);
  bool forget_connection(mq::Peer& peer);  // true if there was one
  void go_down(mq::Peer& peer);
  void say_down(mq::Peer& peer);
  void deliver(mq::Peer& peer, mq::Incoming& in);
  void blame(mq::Peer& peer, std::string_view reason);  // refuse, and cut in the end
  void cut(mq::Peer& peer, std::string_view reason);    // callable from inside callbacks: on_peer(down) comes later

  // ---- zmq/accepting.cpp
  Expected<> bind();
  bool serve_inbox();
  void take_greeting(const mq::Incoming& in);
  void blame(int fd, std::string_view reason, NodeId claimed = {});  // a connection that is nobody's yet
  void heard_of_inbox(mq::Happened happened, int fd);
  void accepted(int fd);
  void end_accepted(const mq::Peer& peer);  // said only when what the connection still delivered is read
  void hang_up(const mq::Peer& peer);       // on the connection that it made
  void look_soon();
  void look();

  // ---- zmq/dialling.cpp
  void dial(NodeId id, std::string_view address);
  void dial_soon(mq::Peer& peer);
  void start_dial(mq::Peer& peer);
  bool serve_dialled(mq::Peer& peer);
  void heard_of_dialled(mq::Peer& peer, mq::Happened happened, int fd);
  void end_dialled(mq::Peer& peer);
  void drop_dialled(mq::Peer& peer);

  // ---- zmq/sending.cpp
  mq::Outcome transmit(mq::Peer& peer, Channel channel, ByteView bytes);
  void flush(mq::Peer& peer);
  void flush_all();
  void look_again();
  Sent send(NodeId to, Channel channel, Bytes bytes);
  void close(Duration linger);

  Loop& loop;
  Clock& clock;
  Log& log;
  ZmqOptions options;
  NodeId self;
  std::string bound;
  OnReceive on_receive;
  OnPeer on_peer;
  std::map<std::string, std::uint64_t, std::less<>> refused;

  std::optional<mq::Context> context{std::in_place};  // before the sockets: it outlives them
  std::optional<mq::Zap> zap;
  std::optional<mq::Socket> inbox;
  std::optional<mq::Monitor> inbox_monitor;
  std::map<NodeId, mq::Peer> peers;  // never erased from, so that references stay good
  std::map<std::string, NodeId> routes;
  struct Ending {
    NodeId peer;
    std::uint64_t generation;
  };
  std::vector<Ending> endings;
  std::map<int, mq::Accepted> open;  // the bound socket's connections by descriptor, as the monitor tells
  std::uint64_t connections = 0;     // ever accepted
  std::vector<std::unique_ptr<mq::Dialled>> dead;
  Timer burial;
  Timer looking;
  bool closed = false;
  Timer stalled;
};

void set_common(mq::Socket& socket);

}  // namespace syn
