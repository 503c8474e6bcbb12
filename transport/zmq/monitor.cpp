#include "transport/zmq/monitor.hpp"

#include <zmq.h>

#include <atomic>
#include <cstring>

#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::mq {

namespace {

constexpr int kEvents = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                        ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                        ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

std::optional<Happened> meaning(std::uint16_t event) {
  switch (event) {
    case ZMQ_EVENT_ACCEPTED:
      return Happened::accepted;
    case ZMQ_EVENT_CONNECTED:
      return Happened::attached;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      return Happened::connected;
    case ZMQ_EVENT_DISCONNECTED:
      return Happened::disconnected;
    case ZMQ_EVENT_CLOSED:
      return Happened::not_connected;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      return Happened::handshake_broken;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      return Happened::handshake_foreign;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      return Happened::handshake_refused;
    default:
      return std::nullopt;
  }
}

std::string fresh_address() {
  static std::atomic<std::uint64_t> next{0};  // inproc names are per context; unique in the process is simpler
  return text::cat("inproc://monitor-", next.fetch_add(1));
}

}  // namespace

Monitor::Monitor(Context& context, Loop& loop, Socket& watched, std::move_only_function<void(Happened, int)> fn)
    : watched_(watched), pair_(context, loop, Kind::pair), fn_(std::move(fn)) {
  const std::string address = fresh_address();
  watched.monitor(address, kEvents);
  pair_.set(ZMQ_LINGER, 0);
  const bool connected = pair_.connect(address);
  SYN_ASSERT(connected, zmq_strerror(errno));
  pair_.watch([this] { return drain(64); });
}

Monitor::~Monitor() {
  watched_.end_monitor();
}

bool Monitor::drain(unsigned most) {
  for (unsigned i = 0; i < most; ++i) {
    const auto parts = pair_.receive_parts();
    if (!parts) return false;
    if (parts->empty() || parts->front().size() != 6) continue;
    std::uint16_t event;
    std::int32_t value;
    std::memcpy(&event, parts->front().data(), 2);
    std::memcpy(&value, parts->front().data() + 2, 4);
    if (const auto happened = meaning(event)) fn_(*happened, value);
  }
  pair_.poke();  // taken outside of serve, perhaps: look again
  return true;
}

}  // namespace syn::mq
