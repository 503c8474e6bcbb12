// Round trips and throughput of the ZeroMQ network between two nodes on loopback, under CURVE, each on a thread and a
// loop of its own, as two daemons would be.
#include <benchmark/benchmark.h>

#include <atomic>
#include <thread>

#include "transport/zmq_network.hpp"

namespace {

using namespace syn;

struct Node {
  KeyPair keys = make_key_pair();
  Loop loop;
  AsioClock clock{loop};
  NullLog log;
  std::unique_ptr<ZmqNetwork> network;
  NodeId id() const { return node_id(keys.public_key); }
  void open(const Node& peer, const char* bind) {
    network =
        ZmqNetwork::open(loop, clock, log, {.keys = keys, .bind = bind, .peers = {{"peer", peer.keys.public_key}}})
            .value();
  }
};

// The far node echoes or only counts; the near one measures.
struct Pair {
  Node near, far;
  std::atomic<std::uint64_t> counted{0};
  std::jthread thread;

  explicit Pair(bool echo) {
    far.open(near, "tcp://127.0.0.1:0");
    near.open(far, "");
    far.network->on_receive([this, echo](NodeId from, Channel channel, Bytes bytes) {
      if (echo) far.network->send(from, channel, std::move(bytes));
      counted.fetch_add(1);
    });
    const std::string address = far.network->bound_address();
    thread = std::jthread([this] { far.loop.run(); });
    bool up = false;
    near.network->on_peer([&](NodeId, PeerState state, std::uint64_t) { up = state == PeerState::up; });
    near.network->dial(far.id(), address);
    near.loop.run_until([&] { return up; }, std::chrono::seconds(10));
    near.network->on_peer({});
  }
  ~Pair() {
    far.loop.stop();
    thread.join();
  }
};

void round_trip(benchmark::State& state) {
  Pair pair(true);
  int back = 0;
  pair.near.network->on_receive([&](NodeId, Channel, Bytes) { ++back; });
  for (auto _ : state) {
    back = 0;
    pair.near.network->send(pair.far.id(), Channel::data, Bytes(static_cast<std::size_t>(state.range(0)), 1));
    pair.near.loop.run_until([&] { return back == 1; }, std::chrono::seconds(10));
  }
}
BENCHMARK(round_trip)->Arg(64)->Arg(1024)->Arg(8192)->UseRealTime();

void one_way(benchmark::State& state) {
  Pair pair(false);
  const auto size = static_cast<std::size_t>(state.range(0));
  std::uint64_t sent = 0;
  for (auto _ : state) {
    pair.near.loop.run_until(
        [&] { return pair.near.network->send(pair.far.id(), Channel::data, Bytes(size, 1)) == Sent::taken; },
        std::chrono::seconds(10));
    ++sent;
  }
  pair.near.loop.run_until([&] { return pair.counted == sent; }, std::chrono::seconds(10));
  state.SetItemsProcessed(static_cast<std::int64_t>(sent));
  state.SetBytesProcessed(static_cast<std::int64_t>(sent * size));
}
BENCHMARK(one_way)->Arg(64)->Arg(1024)->Arg(8192)->Arg(262144)->UseRealTime();

}  // namespace
