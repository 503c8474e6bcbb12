#include <zmq.h>

#include <algorithm>
#include <cerrno>

#include "core/messages.hpp"
#include "core/text.hpp"
#include "transport/zmq/network_impl.hpp"

namespace syn {

using namespace mq;

namespace {

constexpr int kHandshakeMs =
    static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(kHandshake).count());
constexpr int kHeartbeatMs = 1000;
constexpr int kHeartbeatTimeoutMs = 3000;  // a peer whose machine died is down after this
constexpr int kCurveBytes = 128;           // what CURVE and our channel byte add to a message, at most

}  // namespace

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

Expected<> ZmqNetwork::Impl::bind() {
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

void ZmqNetwork::Impl::take_greeting(const Incoming& in) {
  // A descriptor may be a closed connection's, reused: hear of all that ended before this one began. And this one may
  // be over already.
  inbox_monitor->drain(~0u);
  const auto connection = open.find(in.fd);
  if (connection == open.end()) return;
  const auto claimed = introduced(in.body);
  if (!claimed) return blame(in.fd, "bad_greeting");
  Peer* const peer = find(*claimed);
  // With CURVE the key decides who it is, and the greeting has to agree.
  if (peer == nullptr || (!options.plain && in.user_id != to_z85(peer->key))) {
    return blame(in.fd, "unlisted_peer", *claimed);
  }
  if (shunned(*peer)) {
    refuse("shunned", peer->id);
    return connection->second.flow.tcp().hang_up();
  }
  drop_dialled(*peer);
  if (peer->fd != in.fd) hang_up(*peer);
  go_down(*peer);                                         // the newest connection counts
  if (shunned(*peer) || !peer->listed || closed) return;  // by what was called
  peer->routing = in.routing;
  peer->fd = in.fd;
  connection->second.peer = peer->id;
  routes[in.routing] = peer->id;
  inbox->send(in.routing, kWelcome, introduction(self));
  come_up(*peer);
}

void ZmqNetwork::Impl::blame(int fd, std::string_view reason, NodeId claimed) {
  refuse(reason, claimed);
  const auto connection = open.find(fd);
  if (connection != open.end() && ++connection->second.strikes == kMostStrikes) {
    connection->second.flow.tcp().hang_up();
  }
}

bool ZmqNetwork::Impl::serve_inbox() {
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
      for (auto& [fd, connection] : open) {
        if (!connection.flow.endless()) continue;
        connection.flow.delivered();  // said once
        connection.flow.tcp().hang_up();
        Peer* const peer = find(connection.peer);
        peer != nullptr && peer->fd == fd ? cut(*peer, "endless_message") : refuse("endless_message");
      }
      flush_all();
      return false;
    }
    if (const auto connection = open.find(in->fd); connection != open.end()) connection->second.flow.delivered();
    if (in->whole && in->lead == kGreeting) {
      take_greeting(*in);
      continue;
    }
    const auto route = routes.find(in->routing);
    Peer* const peer = route == routes.end() ? nullptr : find(route->second);
    if (peer != nullptr) {
      deliver(*peer, *in);
    } else {
      blame(in->fd, "not_connected");
    }
  }
  endings.insert(endings.begin(), ended.begin(), ended.end());  // there is more to read first
  flush_all();
  return true;
}

void ZmqNetwork::Impl::heard_of_inbox(Happened happened, int fd) {
  switch (happened) {
    case Happened::handshake_broken:
      return refuse("handshake_broken");
    case Happened::handshake_foreign:
      return refuse("handshake_foreign");
    case Happened::handshake_refused:
      return;  // ZAP has counted it
    case Happened::accepted:
      return accepted(fd);
    case Happened::attached:
    case Happened::connected:
    case Happened::not_connected:
      return;
    case Happened::disconnected:
      break;
  }
  open.erase(fd);
  for (auto& [id, peer] : peers) {
    if (!peer.routing.empty() && peer.fd == fd) end_accepted(peer);
  }
}

void ZmqNetwork::Impl::accepted(int fd) {
  open[fd] = {.number = ++connections, .since = clock.now(), .flow = Flow(Tcp(fd)), .peer = {}};
  std::size_t strangers = 0;
  const Accepted* oldest = nullptr;
  for (const auto& [other, connection] : open) {
    if (connection.peer.value != 0) continue;
    ++strangers;
    if (oldest == nullptr || connection.number < oldest->number) oldest = &connection;
  }
  // The oldest, not the newest: one of ours needs milliseconds and gets through, whoever fills the house.
  if (strangers > kMostStrangers) {
    refuse("too_many_strangers");
    oldest->flow.tcp().hang_up();
  }
  look_soon();
}

void ZmqNetwork::Impl::end_accepted(const Peer& peer) {
  endings.push_back({peer.id, peer.generation});
  inbox->poke();
}

void ZmqNetwork::Impl::hang_up(const Peer& peer) {
  if (peer.routing.empty()) return;
  const auto connection = open.find(peer.fd);
  if (connection == open.end() || connection->second.peer != peer.id) return;
  connection->second.peer = {};
  connection->second.flow.tcp().hang_up();
}

void ZmqNetwork::Impl::look_soon() {
  if (!looking && !closed)
    looking = clock.call_in(kLook, [this] {
      looking.reset();
      look();
    });
}

void ZmqNetwork::Impl::look() {
  const Instant now = clock.now();
  bool endless = false, any = !open.empty();
  for (auto& [fd, connection] : open) {
    connection.flow.look();
    endless = endless || connection.flow.endless();
    if (connection.peer.value == 0 && now - connection.since > kHandshake + kPatience) {
      refuse("no_greeting");
      connection.since = now;  // said once, unless it stays
      connection.flow.tcp().hang_up();
    }
  }
  if (endless) inbox->poke();  // judged when there is nothing left to read
  for (auto& [id, peer] : peers) {
    if (!peer.dialled) continue;
    any = true;
    peer.dialled->flow.look();
    if (peer.dialled->flow.endless()) peer.dialled->socket.poke();
  }
  if (any) look_soon();
}

}  // namespace syn
