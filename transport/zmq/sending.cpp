#include <zmq.h>

#include "core/assert.hpp"
#include "core/messages.hpp"
#include "transport/zmq/network_impl.hpp"

namespace syn {

using namespace mq;

namespace {

constexpr Duration kStalledRetry = std::chrono::milliseconds(5);

}  // namespace

Outcome ZmqNetwork::Impl::transmit(Peer& peer, Channel channel, ByteView bytes) {
  const auto lead = static_cast<std::uint8_t>(channel);
  Socket& socket = peer.dialled ? peer.dialled->socket : *inbox;
  const Outcome outcome = socket.send(peer.routing, lead, bytes);
  socket.poke();  // libzmq may have worked off commands meanwhile
  if (outcome == Outcome::unreachable) end_accepted(peer);
  return outcome;
}

void ZmqNetwork::Impl::flush(Peer& peer) {
  while (peer.up && !peer.queue.empty()) {
    const auto& [channel, bytes] = peer.queue.front();
    if (transmit(peer, channel, bytes) != Outcome::sent) return;
    peer.queue.pop();
  }
}

// A router does not say for whom there is room again, so everyone who waits is tried whenever it stirs; and a timer
// looks after what was missed, as libzmq may notice the room inside a call that was about somebody else.
void ZmqNetwork::Impl::flush_all() {
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

void ZmqNetwork::Impl::look_again() {
  if (!stalled) {
    stalled = clock.call_in(kStalledRetry, [this] {
      stalled.reset();
      flush_all();
    });
  }
}

Sent ZmqNetwork::Impl::send(NodeId to, Channel channel, Bytes bytes) {
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

void ZmqNetwork::Impl::close(Duration linger) {
  if (closed) return;
  closed = true;
  flush_all();
  stalled.reset();
  looking.reset();
  const int linger_ms = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(linger).count());
  for (auto& [id, peer] : peers) {
    if (peer.dialled && peer.up) peer.dialled->socket.set(ZMQ_LINGER, linger_ms);
    peer.farewell.reset();
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

}  // namespace syn
