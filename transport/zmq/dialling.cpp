#include <zmq.h>

#include <algorithm>

#include "core/text.hpp"
#include "transport/zmq/network_impl.hpp"

namespace syn {

using namespace mq;

// Sockets are destroyed later, from the loop: this may have been called by their own events.
void ZmqNetwork::Impl::drop_dialled(Peer& peer) {
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

void ZmqNetwork::Impl::dial(NodeId id, std::string_view address) {
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

void ZmqNetwork::Impl::dial_soon(Peer& peer) {
  const Duration delay = std::max(peer.retry, peer.shunned_until - clock.now());
  peer.redial = clock.call_in(delay, [this, &peer] {
    if (!peer.listed || peer.address.empty() || !peer.routing.empty()) return;
    go_down(peer);  // if its address has changed
    if (!peer.listed || peer.address.empty()) return;
    shunned(peer) ? dial_soon(peer) : start_dial(peer);
  });
}

void ZmqNetwork::Impl::start_dial(Peer& peer) {
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
  peer.dialled->monitor.emplace(*context, loop, socket, [this, &peer, current](Happened happened, int fd) {
    if (current()) heard_of_dialled(peer, happened, fd);
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

bool ZmqNetwork::Impl::serve_dialled(Peer& peer) {
  const std::uint64_t attempt = peer.attempt;
  for (unsigned i = 0; i < kMostATurn; ++i) {
    auto in = peer.dialled->socket.receive();
    if (!in) {
      if (peer.dialled->flow.endless()) {
        cut(peer, "endless_message");
      } else {
        flush(peer);
      }
      return false;
    }
    peer.dialled->flow.delivered();
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
      blame(peer, "no_welcome");
    }
    if (peer.attempt != attempt) return false;  // a callback dialled anew or forgot the peer, or it was cut
  }
  flush(peer);
  return true;
}

void ZmqNetwork::Impl::heard_of_dialled(Peer& peer, Happened happened, int fd) {
  switch (happened) {
    case Happened::attached:
      peer.dialled->flow = Flow(Tcp(fd));
      return look_soon();
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

void ZmqNetwork::Impl::end_dialled(Peer& peer) {
  drop_dialled(peer);
  peer.retry = std::clamp(peer.retry * 2, options.first_retry, options.longest_retry);
  dial_soon(peer);
  go_down(peer);
}

}  // namespace syn
