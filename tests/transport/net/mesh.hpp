// Real networks on loopback for tests: each node on a loop of its own, stepped in turn.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "transport/zmq_network.hpp"

namespace syn {

inline constexpr Duration kTestLimit = std::chrono::seconds(20);

struct TestNode {
  struct Got {
    NodeId from;
    Channel channel;
    Bytes bytes;
  };

  NodeId id() const { return node_id(keys.public_key); }
  ListedPeer listed() const { return {"peer", keys.public_key}; }
  Expected<> open(ZmqOptions options) {
    options.keys = keys;
    auto opened = ZmqNetwork::open(loop, clock, log, std::move(options));
    if (!opened) return fail(opened.error());
    network = std::move(*opened);
    network->on_receive([this](NodeId from, Channel c, Bytes bytes) { got.push_back({from, c, std::move(bytes)}); });
    network->on_peer([this](NodeId, PeerState state, std::uint64_t g) {
      up = state == PeerState::up;
      generation = g;
      ++changes;
    });
    return {};
  }
  std::uint64_t refused(std::string_view reason) const {
    const auto at = network->refused().find(reason);
    return at == network->refused().end() ? 0 : at->second;
  }

  KeyPair keys = make_key_pair();
  Loop loop;
  AsioClock clock{loop};
  NullLog log;
  std::unique_ptr<ZmqNetwork> network;
  std::vector<Got> got;
  bool up = false;
  std::uint64_t generation = 0;
  int changes = 0;
};

inline bool run_until(std::initializer_list<TestNode*> nodes, std::move_only_function<bool()> done,
                      Duration limit = kTestLimit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    for (TestNode* node : nodes) node->loop.run_until([] { return false; }, std::chrono::microseconds(200));
  }
  return true;
}

}  // namespace syn
