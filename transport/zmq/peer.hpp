// What the ZeroMQ network knows of one listed peer, and the transport's own two messages.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "core/network.hpp"
#include "transport/keys.hpp"
#include "transport/zmq/flow.hpp"
#include "transport/zmq/monitor.hpp"
#include "transport/zmq/socket.hpp"

namespace syn::mq {

inline constexpr std::uint8_t kChannels = 4;     // lead bytes 0..3 are Channel
inline constexpr std::uint8_t kGreeting = 0xf0;  // dialler to acceptor, first on every connection
inline constexpr std::uint8_t kWelcome = 0xf1;   // its answer

// Both say the same: "SYN", the transport's version, who speaks.
Bytes introduction(NodeId self);
// nullopt: not an introduction of a version that we know.
std::optional<NodeId> introduced(ByteView body);

// The messages that libzmq had no room for yet.
class Queue {
 public:
  struct Entry {
    Channel channel;
    Bytes bytes;
  };
  // A message longer than the cap still fits an empty queue.
  bool fits(Channel channel, std::size_t size, std::size_t cap) const {
    const std::size_t held = held_[static_cast<std::size_t>(channel)];
    return held == 0 || held + size <= cap;
  }
  void push(Channel channel, Bytes bytes) {
    held_[static_cast<std::size_t>(channel)] += bytes.size();
    entries_.push_back({channel, std::move(bytes)});
  }
  const Entry& front() const { return entries_.front(); }
  void pop() {
    held_[static_cast<std::size_t>(front().channel)] -= front().bytes.size();
    entries_.pop_front();
  }
  bool empty() const { return entries_.empty(); }
  void clear() {
    entries_.clear();
    held_ = {};
  }

 private:
  std::deque<Entry> entries_;
  std::array<std::size_t, kChannels> held_{};
};

// One attempt to dial, and the connection that may come of it.
struct Dialled {
  explicit Dialled(Context& context, Loop& loop) : socket(context, loop, Kind::dealer) {}
  Socket socket;
  std::optional<Monitor> monitor;  // destroyed before the socket
  Timer patience;                  // for the welcome
  Flow flow;
};

struct Peer {
  NodeId id;
  std::string name;
  Key key{};
  bool listed = true;

  // The current connection, if up: by our socket or, with `routing`, over the bound one.
  bool up = false;
  std::uint64_t generation = 0;
  std::string routing;
  int fd = -1;
  Queue queue;

  // Misbehaving.
  std::uint32_t strikes = 0;  // in this generation
  Instant shunned_until{};    // nothing of it is taken before
  Timer farewell;             // its on_peer(down), when it was cut from inside a callback

  // Dialling.
  std::string address;  // empty: wait to be dialled
  std::unique_ptr<Dialled> dialled;
  std::uint64_t attempt = 0;  // tells the events of an older attempt from those of this one
  Duration retry{};
  Timer redial;
};

// One connection to the bound socket, from the moment that TCP has it.
struct Accepted {
  std::uint64_t number = 0;  // in the order of arrival
  Instant since{};
  Flow flow;
  NodeId peer{};  // who greeted over it; 0: nobody yet
  std::uint32_t strikes = 0;
};

// "tcp://127.0.0.1:7000", "tcp://[::1]:7000", "tcp://localhost:7000"
bool is_loopback(std::string_view address);

}  // namespace syn::mq
