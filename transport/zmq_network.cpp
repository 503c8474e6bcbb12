#include "transport/zmq_network.hpp"

#include <zmq.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <set>

#include "core/assert.hpp"
#include "core/messages.hpp"
#include "core/text.hpp"
#include "transport/zmq/peer.hpp"
#include "transport/zmq/zap.hpp"

namespace syn {

using namespace mq;

namespace {

constexpr unsigned kMostATurn = 64;  // messages of one socket before others have their turn
constexpr Duration kPatience = std::chrono::seconds(3);
constexpr Duration kStalledRetry = std::chrono::milliseconds(5);
constexpr int kHandshakeMs = 2000;
constexpr int kHeartbeatMs = 1000;
constexpr int kHeartbeatTimeoutMs = 3000;  // a peer whose machine died is down after this
constexpr int kCurveBytes = 128;           // what CURVE and our channel byte add to a message, at most

void set_common(Socket& socket) {
  socket.set(ZMQ_LINGER, 0);
  socket.set(ZMQ_IPV6, 1);
  socket.set(ZMQ_SNDHWM, ZmqNetwork::kPipe);
  socket.set(ZMQ_RCVHWM, ZmqNetwork::kPipe);
  socket.set(ZMQ_HANDSHAKE_IVL, kHandshakeMs);
  socket.set(ZMQ_HEARTBEAT_IVL, kHeartbeatMs);
  socket.set(ZMQ_HEARTBEAT_TIMEOUT, kHeartbeatTimeoutMs);
  socket.set(ZMQ_HEARTBEAT_TTL, kHeartbeatTimeoutMs);
  const std::int64_t most = static_cast<std::int64_t>(kMaxFrameBytes) + kCurveBytes;
  socket.set(ZMQ_MAXMSGSIZE, ByteView(reinterpret_cast<const std::uint8_t*>(&most), sizeof most));
}

}  // namespace

struct ZmqNetwork::Impl {
  Impl(Loop& l, Clock& c, Log& g, ZmqOptions o)
      : loop(l), clock(c), log(g), options(std::move(o)), self(node_id(options.keys.public_key)) {}

  // ---- what is turned away
  // -------------------------------------------------------------------------------------------
  void refuse(std::string_view reason, NodeId peer = {}) {
    auto at = refused.find(reason);
    if (at == refused.end()) at = refused.emplace(std::string(reason), 0).first;
    // A line for the first, second, fourth, ...: a flood must not become a flood of lines.
    if (std::has_single_bit(++at->second)) {
      log.event(Level::warn, "transport_refused", {{"reason", reason}, {"peer", peer.value}, {"count", at->second}});
    }
  }

  Peer* find(NodeId id) {
    const auto at = peers.find(id);
    return at == peers.end() || !at->second.listed ? nullptr : &at->second;
  }

  void list(const ListedPeer& listed) {
    const NodeId id = node_id(listed.public_key);
    Peer& peer = peers[id];
    peer.id = id;
    peer.name = listed.name;
    peer.key = listed.public_key;
    peer.listed = true;
  }

  // ---- up and down
  // ---------------------------------------------------------------------------------------------------
  void come_up(Peer& peer) {
    peer.up = true;
    ++peer.generation;
    log.event(Level::debug, "transport_up", {{"peer", peer.name}, {"generation", peer.generation}});
    if (on_peer) loop.turn([&] { on_peer(peer.id, PeerState::up, peer.generation); });
  }

  // True if there was one.
  bool forget_connection(Peer& peer) {
    peer.queue.clear();
    if (!peer.routing.empty()) routes.erase(peer.routing);
    peer.routing.clear();
    peer.fd = -1;
    return std::exchange(peer.up, false);
  }

  void go_down(Peer& peer) {
    if (!forget_connection(peer)) return;
    log.event(Level::debug, "transport_down", {{"peer", peer.name}, {"generation", peer.generation}});
    if (on_peer) loop.turn([&] { on_peer(peer.id, PeerState::down, peer.generation); });
  }

  // The accepted connection `generation` of this peer has ended; said only when what it still delivered is read.
  void end_accepted(const Peer& peer) {
    endings.push_back({peer.id, peer.generation});
    inbox->poke();
  }

  // ---- receiving
  // -----------------------------------------------------------------------------------------------------
  void deliver(Peer& peer, Incoming& in) {
    if (!in.whole) return refuse("multipart", peer.id);
    if (in.lead >= kChannels) return refuse("unknown_channel", peer.id);
    if (in.body.size() > kMaxFrameBytes) return refuse("too_long", peer.id);
    if (on_receive) loop.turn([&] { on_receive(peer.id, Channel{in.lead}, std::move(in.body)); });
  }

  void take_greeting(const Incoming& in) {
    const auto claimed = introduced(in.body);
    if (!claimed) return refuse("bad_greeting");
    Peer* const peer = find(*claimed);
    // With CURVE the key decides who it is, and the greeting has to agree.
    if (!options.plain && (peer == nullptr || in.user_id != to_z85(peer->key)))
      return refuse("unlisted_peer", *claimed);
    if (peer == nullptr) return refuse("unlisted_peer", *claimed);
    // A descriptor may be a closed connection's, reused: hear of all that ended before this one began. And this one
    // may be over already.
    inbox_monitor->drain(~0u);
    if (!open_fds.contains(in.fd)) return;
    drop_dialled(*peer);
    go_down(*peer);  // the newest connection counts
    peer->routing = in.routing;
    peer->fd = in.fd;
    routes[in.routing] = peer->id;
    inbox->send(in.routing, kWelcome, introduction(self));
    come_up(*peer);
  }

  bool serve_inbox() {
    const auto ended = std::exchange(endings, {});
    for (unsigned i = 0; i < kMostATurn; ++i) {
      auto in = inbox->receive();
      if (!in) {
        for (const auto& [id, generation] : ended) {
          Peer& peer = peers.at(id);
          if (peer.generation != generation || peer.routing.empty()) continue;
          go_down(peer);
          if (!peer.address.empty()) dial_soon(peer);
        }
        flush_all();
        return false;
      }
      if (in->whole && in->lead == kGreeting) {
        take_greeting(*in);
        continue;
      }
      const auto route = routes.find(in->routing);
      Peer* const peer = route == routes.end() ? nullptr : find(route->second);
      if (peer != nullptr) {
        deliver(*peer, *in);
      } else {
        refuse(in->whole ? "not_connected" : "multipart");
      }
    }
    endings.insert(endings.begin(), ended.begin(), ended.end());  // there is more to read first
    flush_all();
    return true;
  }

  void heard_of_inbox(Happened happened, int fd) {
    switch (happened) {
      case Happened::handshake_broken:
        return refuse("handshake_broken");
      case Happened::handshake_foreign:
        return refuse("handshake_foreign");
      case Happened::handshake_refused:
        return;  // ZAP has counted it
      case Happened::accepted:
        open_fds.insert(fd);
        return;
      case Happened::connected:
      case Happened::not_connected:
        return;
      case Happened::disconnected:
        break;
    }
    open_fds.erase(fd);
    for (auto& [id, peer] : peers) {
      if (!peer.routing.empty() && peer.fd == fd) end_accepted(peer);
    }
  }

  Expected<> bind() {
    inbox.emplace(*context, loop, Kind::router);
    set_common(*inbox);
    inbox->set(ZMQ_ROUTER_MANDATORY, 1);
    if (!options.plain) {
      inbox->set(ZMQ_CURVE_SERVER, 1);
      inbox->set(ZMQ_CURVE_SECRETKEY, ByteView(options.keys.secret_key));
      inbox->set(ZMQ_ZAP_DOMAIN, kZapDomain);
    }
    inbox_monitor.emplace(*context, loop, *inbox, [this](Happened h, int fd) { heard_of_inbox(h, fd); });
    if (!inbox->bind(options.bind)) {
      const int error = errno;
      return fail(text::cat("cannot listen: ", zmq_strerror(error)), options.bind,
                  error == EADDRINUSE ? "another program, perhaps another synfired, has this port: stop it or choose "
                                        "another port"
                                      : "an address looks like tcp://127.0.0.1:7000 or tcp://*:7000");
    }
    // As it was asked for, with the port that it got: libzmq answers 127.0.0.1 with [::ffff:127.0.0.1], * with [::].
    const std::string resolved = inbox->bound_address();
    bound = options.bind.substr(0, options.bind.rfind(':')) + resolved.substr(resolved.rfind(':'));
    inbox->watch([this] { return serve_inbox(); });
    return {};
  }

  // ---- dialling
  // ------------------------------------------------------------------------------------------------------ Sockets are
  // destroyed later, from the loop: this may have been called by their own events.
  void drop_dialled(Peer& peer) {
    ++peer.attempt;
    peer.redial.reset();
    if (!peer.dialled) return;
    peer.dialled->patience.reset();
    dead.push_back(std::move(peer.dialled));
    if (!burial) {
      burial = clock.call_in({}, [this] {
        burial.reset();
        dead.clear();
      });
    }
  }

  void dial(NodeId id, std::string_view address) {
    Peer* const peer = find(id);
    if (closed || id == self) return;
    if (peer == nullptr) return refuse("dial_unlisted", id);
    if (options.plain && !is_loopback(address)) return refuse("dial_off_loopback", id);
    if (!options.bind.empty() && self > id) return;  // it dials us
    if (peer->address == address) return;
    peer->address = address;
    peer->retry = {};
    if (peer->routing.empty()) dial_soon(*peer);  // else when the connection that it made ends
  }

  void dial_soon(Peer& peer) {
    peer.redial = clock.call_in(peer.retry, [this, &peer] {
      if (!peer.listed || peer.address.empty() || !peer.routing.empty()) return;
      go_down(peer);  // if its address has changed
      if (peer.listed && !peer.address.empty()) start_dial(peer);
    });
  }

  void start_dial(Peer& peer) {
    drop_dialled(peer);
    const std::uint64_t attempt = peer.attempt;
    peer.dialled = std::make_unique<Dialled>(*context, loop);
    Socket& socket = peer.dialled->socket;
    set_common(socket);
    socket.set(ZMQ_RECONNECT_IVL, -1);  // each attempt is a new socket
    if (!options.plain) {
      socket.set(ZMQ_CURVE_SERVERKEY, ByteView(peer.key));
      socket.set(ZMQ_CURVE_PUBLICKEY, ByteView(options.keys.public_key));
      socket.set(ZMQ_CURVE_SECRETKEY, ByteView(options.keys.secret_key));
    }
    const auto current = [this, &peer, attempt] { return peer.attempt == attempt; };
    peer.dialled->monitor.emplace(*context, loop, socket, [this, &peer, current](Happened happened, int) {
      if (current()) heard_of_dialled(peer, happened);
    });
    if (!socket.connect(peer.address)) {
      refuse("bad_address", peer.id);
      return end_dialled(peer);
    }
    socket.send({}, kGreeting, introduction(self));  // waits in the pipe for the handshake
    socket.watch([this, &peer, current] { return current() && serve_dialled(peer); });
    peer.dialled->patience = clock.call_in(kPatience, [this, &peer, current] {
      if (!current() || peer.up) return;
      refuse("no_answer", peer.id);
      end_dialled(peer);
    });
  }

  bool serve_dialled(Peer& peer) {
    const std::uint64_t attempt = peer.attempt;
    for (unsigned i = 0; i < kMostATurn; ++i) {
      auto in = peer.dialled->socket.receive();
      if (!in) {
        flush(peer);
        return false;
      }
      if (in->whole && in->lead == kWelcome && !peer.up) {
        if (introduced(in->body) != peer.id) {
          refuse("another_node_answered", peer.id);
          end_dialled(peer);
          return false;
        }
        peer.retry = {};
        come_up(peer);
      } else if (peer.up) {
        deliver(peer, *in);
      } else {
        refuse("no_welcome", peer.id);
      }
      if (peer.attempt != attempt) return false;  // a callback dialled anew or forgot the peer
    }
    flush(peer);
    return true;
  }

  void heard_of_dialled(Peer& peer, Happened happened) {
    switch (happened) {
      case Happened::accepted:
      case Happened::connected:
        return;
      case Happened::handshake_refused:
        refuse("refused_by_peer", peer.id);
        break;
      case Happened::handshake_broken:
      case Happened::handshake_foreign:
        refuse("handshake_failed", peer.id);
        break;
      case Happened::disconnected:
      case Happened::not_connected:
        break;
    }
    const std::uint64_t attempt = peer.attempt;
    while (peer.attempt == attempt && serve_dialled(peer)) {  // what had arrived before it broke
    }
    if (peer.attempt == attempt) end_dialled(peer);
  }

  void end_dialled(Peer& peer) {
    drop_dialled(peer);
    peer.retry = std::clamp(peer.retry * 2, options.first_retry, options.longest_retry);
    dial_soon(peer);
    go_down(peer);
  }

  // ---- sending
  // -------------------------------------------------------------------------------------------------------
  Outcome transmit(Peer& peer, Channel channel, ByteView bytes) {
    const auto lead = static_cast<std::uint8_t>(channel);
    Socket& socket = peer.dialled ? peer.dialled->socket : *inbox;
    const Outcome outcome = socket.send(peer.routing, lead, bytes);
    socket.poke();  // libzmq may have worked off commands meanwhile
    if (outcome == Outcome::unreachable) end_accepted(peer);
    return outcome;
  }

  void flush(Peer& peer) {
    while (peer.up && !peer.queue.empty()) {
      const auto& [channel, bytes] = peer.queue.front();
      if (transmit(peer, channel, bytes) != Outcome::sent) return;
      peer.queue.pop();
    }
  }

  // A router does not say for whom there is room again, so everyone who waits is tried whenever it stirs; and a timer
  // looks after what was missed, as libzmq may notice the room inside a call that was about somebody else.
  void flush_all() {
    bool waiting = false;
    for (auto& [id, peer] : peers) {
      flush(peer);
      waiting = waiting || !peer.queue.empty();
    }
    if (waiting) {
      look_again();
    } else {
      stalled.reset();
    }
  }
  void look_again() {
    if (!stalled) {
      stalled = clock.call_in(kStalledRetry, [this] {
        stalled.reset();
        flush_all();
      });
    }
  }

  Sent send(NodeId to, Channel channel, Bytes bytes) {
    SYN_ASSERT(bytes.size() <= kMaxFrameBytes, bytes.size());
    Peer* const peer = find(to);
    if (peer == nullptr || !peer->up) return Sent::no_peer;
    const std::size_t cap = options.queue_bytes[static_cast<std::size_t>(channel)];
    if (peer->queue.empty()) {
      switch (transmit(*peer, channel, bytes)) {
        case Outcome::sent:
          return Sent::taken;
        case Outcome::unreachable:
          return Sent::no_peer;
        case Outcome::busy:
          break;
      }
    } else if (!peer->queue.fits(channel, bytes.size(), cap)) {
      return Sent::full;
    }
    peer->queue.push(channel, std::move(bytes));
    look_again();
    return Sent::taken;
  }

  void close(Duration linger) {
    if (closed) return;
    closed = true;
    flush_all();
    stalled.reset();
    const int linger_ms = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(linger).count());
    for (auto& [id, peer] : peers) {
      if (peer.dialled && peer.up) peer.dialled->socket.set(ZMQ_LINGER, linger_ms);
      forget_connection(peer);
      drop_dialled(peer);
    }
    burial.reset();
    dead.clear();
    if (inbox) inbox->set(ZMQ_LINGER, linger_ms);
    inbox_monitor.reset();
    inbox.reset();
    zap.reset();
    context.reset();  // waits for the lingering
  }

  Loop& loop;
  Clock& clock;
  Log& log;
  ZmqOptions options;
  NodeId self;
  std::string bound;
  OnReceive on_receive;
  OnPeer on_peer;
  std::map<std::string, std::uint64_t, std::less<>> refused;

  std::optional<Context> context{std::in_place};  // before the sockets: it outlives them
  std::optional<Zap> zap;
  std::optional<Socket> inbox;
  std::optional<Monitor> inbox_monitor;
  std::map<NodeId, Peer> peers;  // never erased from, so that references stay good
  std::map<std::string, NodeId> routes;
  struct Ending {
    NodeId peer;
    std::uint64_t generation;
  };
  std::vector<Ending> endings;
  std::set<int> open_fds;  // of the bound socket's connections, as the monitor tells
  std::vector<std::unique_ptr<Dialled>> dead;
  Timer burial;
  bool closed = false;
  Timer stalled;
};

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
      if (!listed) i->refuse("unlisted_key", node_id(key));
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
  impl_->drop_dialled(*peer);
  impl_->forget_connection(*peer);
}

void ZmqNetwork::close(Duration linger) {
  impl_->close(linger);
}

}  // namespace syn
