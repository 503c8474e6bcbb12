// What every Network owes its users, run on the real and on the simulated one (real_network_test.cpp,
// sim_network_test.cpp). `make()` returns a World (or a pointer-like owner of one, dereferenced with *):
//
//   struct World {
//     Network& a();  Network& b();       // two nodes; neither knows the other yet
//     void introduce();                  // let one dial the other
//     void break_connection();           // whatever is in flight is lost; the connection may come back by itself
//     bool run_until(std::move_only_function<bool()> done, Duration limit);  // false: not within `limit`
//     void stop_reading_b();             // b's loop does not run: its consumer has stopped
//     void start_reading_b();
//   };
//
// Limits are generous, and only bound a failing test: nothing asserts how long a thing takes.
#pragma once

#include <doctest/doctest.h>

#include "core/messages.hpp"
#include "core/network.hpp"
#include "core/text.hpp"

namespace syn::contract {

inline constexpr Duration kLimit = std::chrono::seconds(20);

struct Received {
  NodeId from;
  Channel channel;
  Bytes bytes;
  bool operator==(const Received&) const = default;
};
struct PeerEvent {
  NodeId peer;
  PeerState state;
  std::uint64_t generation;
  bool operator==(const PeerEvent&) const = default;
};

// Listens to one network and keeps everything.
struct Ear {
  explicit Ear(Network& network) {
    network.on_receive([this](NodeId from, Channel channel, Bytes bytes) {
      CHECK_MESSAGE(!inside, "a callback was called inside another call");
      CHECK_MESSAGE(is_up(from), "a message came before its peer was up");
      received.push_back({from, channel, std::move(bytes)});
    });
    network.on_peer([this](NodeId peer, PeerState state, std::uint64_t generation) {
      CHECK_MESSAGE(!inside, "a callback was called inside another call");
      events.push_back({peer, state, generation});
    });
  }
  bool is_up(NodeId peer) const {
    for (auto at = events.rbegin(); at != events.rend(); ++at) {
      if (at->peer == peer) return at->state == PeerState::up;
    }
    return false;
  }
  std::uint64_t generation() const { return events.empty() ? 0 : events.back().generation; }

  std::vector<Received> received;
  std::vector<PeerEvent> events;
  bool inside = false;
};

// Calls send() and fails if anything is delivered from inside it.
inline Sent send_from(Network& network, Ear& own, Ear& other, NodeId to, Channel channel, Bytes bytes) {
  own.inside = other.inside = true;
  const Sent sent = network.send(to, channel, std::move(bytes));
  own.inside = other.inside = false;
  return sent;
}

inline Bytes numbered(std::uint32_t n, std::size_t size = 4) {
  Bytes bytes(std::max<std::size_t>(size, 4), static_cast<std::uint8_t>(n));
  for (unsigned i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(n >> (8 * i));
  return bytes;
}

template <class Make>
void network_contract(Make make) {
  auto owner = make();
  auto& world = *owner;
  Network& a = world.a();
  Network& b = world.b();
  Ear at_a(a), at_b(b);
  const auto both_up = [&] { return at_a.is_up(b.self()) && at_b.is_up(a.self()); };
  const auto connect = [&] {
    world.introduce();
    REQUIRE(world.run_until(both_up, kLimit));
  };

  SUBCASE("nobody can be reached before the connection is up") {
    CHECK(send_from(a, at_a, at_b, b.self(), Channel::control, {1}) == Sent::no_peer);
    CHECK(send_from(b, at_b, at_a, a.self(), Channel::control, {1}) == Sent::no_peer);
    world.introduce();
    CHECK(at_a.events.empty());
    CHECK(send_from(a, at_a, at_b, a.self(), Channel::control, {1}) == Sent::no_peer);  // nor oneself, ever
    REQUIRE(world.run_until(both_up, kLimit));
    CHECK(at_a.events.size() == 1);
    CHECK(at_b.events.size() == 1);
    CHECK(at_a.received.empty());
    CHECK(at_b.received.empty());
  }

  SUBCASE("both directions and every channel carry bytes, empty ones too") {
    connect();
    for (const Channel channel : {Channel::control, Channel::data, Channel::bulk, Channel::telemetry}) {
      const auto tag = static_cast<std::uint8_t>(channel);
      CHECK(send_from(a, at_a, at_b, b.self(), channel, {1, tag}) == Sent::taken);
      CHECK(send_from(b, at_b, at_a, a.self(), channel, {2, tag}) == Sent::taken);
    }
    CHECK(send_from(a, at_a, at_b, b.self(), Channel::data, {}) == Sent::taken);
    REQUIRE(world.run_until([&] { return at_b.received.size() == 5 && at_a.received.size() == 4; }, kLimit));
    for (std::uint8_t tag = 0; tag < 4; ++tag) {
      CHECK(at_b.received[tag] == Received{a.self(), Channel{tag}, {1, tag}});
      CHECK(at_a.received[tag] == Received{b.self(), Channel{tag}, {2, tag}});
    }
    CHECK(at_b.received[4].bytes.empty());
  }

  SUBCASE("messages arrive once and in the order of sending, large and small mixed") {
    connect();
    std::uint32_t next = 0;
    const std::uint32_t total = 500;
    const auto size = [](std::uint32_t n) -> std::size_t { return n % 50 == 0 ? kMaxChunkBytes : n % 7 * 100; };
    const auto feed = [&] {
      while (next < total && send_from(a, at_a, at_b, b.self(), next % 50 == 0 ? Channel::bulk : Channel::data,
                                       numbered(next, size(next))) == Sent::taken) {
        ++next;
      }
      return at_b.received.size() == total;
    };
    const bool arrived = world.run_until(feed, kLimit);
    CAPTURE(next);
    CAPTURE(at_b.received.size());
    CAPTURE(at_b.events.size());
    CAPTURE(at_a.events.size());
    REQUIRE(arrived);
    for (std::uint32_t n = 0; n < total; ++n) REQUIRE(at_b.received[n].bytes == numbered(n, size(n)));
  }

  SUBCASE("the longest frame passes") {
    connect();
    Bytes longest(kMaxFrameBytes, 7);
    REQUIRE(send_from(a, at_a, at_b, b.self(), Channel::data, longest) == Sent::taken);
    REQUIRE(world.run_until([&] { return at_b.received.size() == 1; }, kLimit));
    CHECK(at_b.received[0].bytes == longest);
  }

  SUBCASE("a break is reported as down, and each new connection has a greater generation") {
    connect();
    for (int round = 0; round < 3; ++round) {
      const std::uint64_t before_a = at_a.generation(), before_b = at_b.generation();
      const std::size_t events_a = at_a.events.size(), events_b = at_b.events.size();
      world.break_connection();
      REQUIRE(world.run_until([&] { return both_up() && at_a.generation() > before_a && at_b.generation() > before_b; },
                              kLimit));
      CHECK(at_a.events.at(events_a) == PeerEvent{b.self(), PeerState::down, before_a});
      CHECK(at_b.events.at(events_b) == PeerEvent{a.self(), PeerState::down, before_b});
      CHECK(send_from(a, at_a, at_b, b.self(), Channel::data, numbered(7)) == Sent::taken);
      CHECK(send_from(b, at_b, at_a, a.self(), Channel::data, numbered(8)) == Sent::taken);
      REQUIRE(world.run_until([&] { return !at_b.received.empty() && !at_a.received.empty(); }, kLimit));
      CHECK(at_b.received.back().bytes == numbered(7));
      CHECK(at_a.received.back().bytes == numbered(8));
      at_a.received.clear();
      at_b.received.clear();
    }
  }

  SUBCASE("a peer that is cut goes down at both ends, not inline, and may come back when its time is over") {
    connect();
    const std::uint64_t before_a = at_a.generation(), before_b = at_b.generation();
    const std::size_t events_a = at_a.events.size(), events_b = at_b.events.size();
    at_a.inside = at_b.inside = true;
    b.cut(a.self());
    b.cut(NodeId{12345});  // nobody: nothing happens
    at_a.inside = at_b.inside = false;
    CHECK(send_from(b, at_b, at_a, a.self(), Channel::data, {1}) == Sent::no_peer);
    REQUIRE(world.run_until([&] { return both_up() && at_a.generation() > before_a && at_b.generation() > before_b; },
                            6 * kLimit));
    CHECK(at_a.events.at(events_a) == PeerEvent{b.self(), PeerState::down, before_a});
    CHECK(at_b.events.at(events_b) == PeerEvent{a.self(), PeerState::down, before_b});
    CHECK(at_a.received.empty());
    CHECK(at_b.received.empty());
  }

  SUBCASE("a sender whose peer stopped reading is told full, and loses nothing that was taken once it reads again") {
    connect();
    world.stop_reading_b();
    std::uint32_t taken = 0;
    bool full = false;
    world.run_until(
        [&] {
          for (int i = 0; i < 8 && !full; ++i) {
            const Sent sent = send_from(a, at_a, at_b, b.self(), Channel::data, numbered(taken, 100'000));
            full = sent == Sent::full;
            if (sent == Sent::taken) ++taken;
          }
          return full || taken > 5000;
        },
        kLimit);
    CHECK(full);
    CHECK(taken > 0);
    CHECK(taken <= 5000);
    CHECK(at_b.received.empty());
    world.start_reading_b();
    REQUIRE(world.run_until([&] { return at_b.received.size() == taken; }, kLimit));
    for (std::uint32_t n = 0; n < taken; ++n) REQUIRE(at_b.received[n].bytes == numbered(n, 100'000));
    CHECK(send_from(a, at_a, at_b, b.self(), Channel::data, {1}) == Sent::taken);
  }

  SUBCASE("a callback may send") {
    connect();
    b.on_receive([&](NodeId from, Channel channel, Bytes bytes) {
      if (bytes[0] < 100) bytes[0]++, b.send(from, channel, std::move(bytes));
    });
    a.on_receive([&](NodeId from, Channel channel, Bytes bytes) {
      at_a.received.push_back({from, channel, bytes});
      if (bytes[0] < 100) bytes[0]++, a.send(from, channel, std::move(bytes));
    });
    CHECK(a.send(b.self(), Channel::data, {0}) == Sent::taken);
    REQUIRE(world.run_until([&] { return at_a.received.size() == 50; }, kLimit));
    CHECK(at_a.received.back().bytes == Bytes{99});
  }
}

}  // namespace syn::contract
