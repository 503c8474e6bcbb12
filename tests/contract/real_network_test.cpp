#include <doctest/doctest.h>

#include "tests/contract/network_contract.hpp"
#include "tests/transport/net/relay.hpp"
#include "transport/zmq_network.hpp"

using namespace syn;

namespace {

// Two nodes that could each be dialled, on loops of their own, with a relay in between that can be cut.
struct World {
  explicit World(bool plain) {
    for (Node* node : {&a_, &b_}) {
      Node& other = node == &a_ ? b_ : a_;
      node->network = ZmqNetwork::open(node->loop, node->clock, node->log,
                                       {.keys = node->keys,
                                        .bind = "tcp://127.0.0.1:0",
                                        .peers = {{"other", other.keys.public_key}},
                                        .shun = std::chrono::milliseconds(100),
                                        .plain = plain})
                          .value();
      node->relay = std::make_unique<Relay>(relays_, node->network->bound_address());
    }
  }

  Network& a() { return *a_.network; }
  Network& b() { return *b_.network; }
  void introduce() {
    a().dial(b().self(), b_.relay->address());
    b().dial(a().self(), a_.relay->address());
  }
  void break_connection() {
    a_.relay->cut();
    b_.relay->cut();
  }
  void stop_reading_b() { b_reads_ = false; }
  void start_reading_b() { b_reads_ = true; }
  bool run_until(std::move_only_function<bool()> done, Duration limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      for (Loop* loop : {&relays_, &a_.loop, &b_.loop}) {
        if (loop == &b_.loop && !b_reads_) continue;
        loop->run_until([] { return false; }, std::chrono::microseconds(100));
      }
    }
    return true;
  }

 private:
  struct Node {
    Loop loop;
    AsioClock clock{loop};
    NullLog log;
    KeyPair keys = make_key_pair();
    std::unique_ptr<ZmqNetwork> network;
    std::unique_ptr<Relay> relay;
  };
  Loop relays_;
  Node a_, b_;
  bool b_reads_ = true;
};

}  // namespace

TEST_CASE("ZeroMQ under CURVE keeps the contract of networks") {
  contract::network_contract([] { return std::make_unique<World>(false); });
}
TEST_CASE("ZeroMQ in plain text keeps the contract of networks") {
  contract::network_contract([] { return std::make_unique<World>(true); });
}
