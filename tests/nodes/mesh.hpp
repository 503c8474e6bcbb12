// Workers, clients and puppets on simulated machines.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>

#include "nodes/client.hpp"
#include "nodes/worker.hpp"
#include "sim/world.hpp"
#include "tests/differential/distributed.hpp"
#include "transport/codec/wire_codec.hpp"

namespace syn::testing {

// A machine without behaviour: says Hello and keeps what it hears, so that a test can say anything to anybody.
struct Puppet {
  Puppet(sim::World& world, NodeId id, const Codec& codec_, Hello hello = {}) : host(world.host(id)), codec(codec_) {
    host.network.on_peer([this, hello](NodeId peer, PeerState state, std::uint64_t) {
      if (state == PeerState::up) say(peer, hello);
    });
    host.network.on_receive([this](NodeId from, Channel, Bytes bytes) {
      auto message = codec.decode(bytes);
      REQUIRE(message.has_value());
      heard.emplace_back(from, std::move(*message));
    });
  }
  void say(NodeId to, const Message& message, Channel channel = Channel::control) {
    host.network.send(to, channel, codec.encode(message));
  }
  template <class M>
  std::vector<M> all() const {
    std::vector<M> out;
    for (const auto& [from, message] : heard) {
      if (const auto* m = std::get_if<M>(&message)) out.push_back(*m);
    }
    return out;
  }
  Host host;
  const Codec& codec;
  std::vector<std::pair<NodeId, Message>> heard;
};

// Costs nothing and takes no time, so that moments are exact.
inline DeviceProfile instant_device() {
  DeviceProfile d;
  d.name = "instant";
  d.message_us = d.byte_ns = d.link_latency_us = 0;
  d.link_mbit = d.synops_per_us = d.updates_per_us = 1e12;
  return d;
}

struct Mesh {
  explicit Mesh(std::size_t count, DeviceProfile device_ = device("pi4"), std::uint64_t seed = 1)
      : world({.seed = seed}, codec), profile(device_) {
    for (std::size_t i = 0; i < count; ++i) {
      const NodeId id{i + 1};
      entries.push_back({.id = id, .name = text::cat("node", i + 1), .address = text::cat("sim://", i + 1)});
      world.add(id, entries.back().name, device_);
      start(id);
    }
    world.add(kClient, "client", device_);
  }
  void start(NodeId id, nodes::WorkerOptions options = {}) {
    options.name = text::cat("node", id.value);
    workers[id] = std::make_unique<nodes::Worker>(world.host(id), options);
    REQUIRE(workers[id]->start().has_value());
  }
  nodes::Client& client() {
    if (!the_client)
      the_client = std::make_unique<nodes::Client>(world.host(kClient), nodes::ClientOptions{.name = "laptop"});
    return *the_client;
  }
  nodes::Planned plan(const snn::Model& model, NodeId gateway = kClient, std::uint32_t in_flight = 4,
                      std::uint32_t window = 0) const {
    std::vector<nodes::PlanNode> machines;
    for (const auto& entry : entries) machines.push_back({entry, profile});
    auto planned = nodes::plan(model, hash_of(model), machines,
                               {.gateway = {.id = gateway, .name = "laptop", .address = {}},
                                .gateway_device = profile,
                                .nodes = 0,
                                .window_steps = window,
                                .in_flight = in_flight});
    REQUIRE_MESSAGE(planned.has_value(), planned.error().what);
    return std::move(*planned);
  }
  Expected<> deploy(nodes::Client& c, nodes::Planned planned) {
    std::optional<Expected<>> ready;
    c.deploy(std::move(planned), [&](Expected<> r) { ready = std::move(r); });
    REQUIRE(world.run_until([&] { return ready.has_value(); }, std::chrono::minutes(5)));
    return *ready;
  }
  std::uint64_t refused(NodeId id, std::string_view reason) const {
    for (const auto& [name, n] : workers.at(id)->status().refused) {
      if (name == reason) return n;
    }
    return 0;
  }
  // P4, everywhere.
  void check_accounts() const {
    const auto look = [](const Status& status) {
      for (const auto& e : status.edges) {
        const bool balanced = e.sent == e.acked + e.dropped + e.queued + e.in_flight && e.lost <= e.dropped;
        REQUIRE(balanced);
      }
    };
    for (const auto& [id, worker] : workers) look(worker->status());
    if (the_client) look(the_client->status());
  }

  static constexpr NodeId kClient{1000};
  WireCodec codec;
  sim::World world;
  DeviceProfile profile;
  std::vector<NodeEntry> entries;
  std::map<NodeId, std::unique_ptr<nodes::Worker>> workers;
  std::unique_ptr<nodes::Client> the_client;
};

}  // namespace syn::testing
