#include <algorithm>

#include "core/assert.hpp"
#include "messages.pb.h"
#include "transport/codec/control.hpp"
#include "core/utf8.hpp"

namespace syn::codec {

namespace {

// Largest possible encodings: a tag is one byte, a varint at most ten, a length at most three.
constexpr std::size_t kEdgeBytes = 8 * 11 + 2 * 9 + 3 + kMaxPopulation + 4;
constexpr std::size_t kPeerBytes = 9 + 4 + kMaxName + 4 + kMaxAddress + 4;
static_assert(2 * kMaxShardEdges * kEdgeBytes + kMaxShardPeers * kPeerBytes + 100 < kMaxControlBytes);
static_assert(kMaxStatusEdges * (10 * 11 + 4) + kMaxReasons * (kMaxName + 20) + 200 < kMaxControlBytes);
static_assert(3 * (kMaxText + 4) + 100 < kMaxControlBytes);
static_assert(2 * kMaxShardEdges + kMaxShardPeers + 8 <= kMaxFields && kMaxStatusEdges + kMaxReasons + 8 <= kMaxFields);

template <class M>
void append(const M& message, Bytes& out) {
  const std::size_t size = message.ByteSizeLong();
  SYN_ASSERT(size <= kMaxControlBytes, size);
  const std::size_t at = out.size();
  out.resize(at + size);
  message.SerializeWithCachedSizesToArray(out.data() + at);
}

void fill(wire::Problem& out, const Error& error) {
  out.set_what(clean_utf8(error.what, kMaxText));
  out.set_where(clean_utf8(error.where, kMaxText));
  out.set_todo(clean_utf8(error.todo, kMaxText));
}

void fill(wire::Edge& out, const EdgeSpec& edge) {
  SYN_ASSERT(edge.population.size() <= kMaxPopulation, edge.population);
  SYN_ASSERT(edge.greatest >= 1 && edge.greatest <= kGreatestCount, edge.population, edge.greatest);
  out.set_id(edge.id.value);
  out.set_from_shard(edge.from_shard);
  out.set_to_shard(edge.to_shard);
  out.set_from(edge.from.value);
  out.set_to(edge.to.value);
  out.set_population(edge.population);
  out.set_neurons(edge.neurons);
  out.set_greatest(edge.greatest);
  out.set_potentials(edge.potentials);
  out.set_constant(edge.constant);
  out.set_carries_checksum(edge.carries_checksum);
  out.set_credit(edge.credit);
}

}  // namespace

void put_payload(const Hello& m, Bytes& out) {
  wire::Hello w;
  w.set_lowest_protocol(m.lowest_protocol);
  w.set_highest_protocol(m.highest_protocol);
  w.set_encodings(m.encodings);
  w.set_name(clean_utf8(m.name, kMaxName));
  w.set_version(clean_utf8(m.version, kMaxName));
  w.set_instance(m.instance);
  w.set_features(m.features);
  append(w, out);
}

void put_payload(const Lease& m, Bytes& out) {
  SYN_ASSERT(m.lease >= Duration::zero() && m.lease <= kMaxLease, m.lease.count());
  wire::Lease w;
  w.set_lease_ns(static_cast<std::uint64_t>(m.lease.count()));
  w.set_sent_ns(m.sent_ns);
  append(w, out);
}

void put_payload(const LeaseReply& m, Bytes& out) {
  wire::LeaseReply w;
  w.set_accepted(m.accepted);
  w.set_holder(m.holder.value);
  w.set_echoed_ns(m.echoed_ns);
  w.set_own_ns(m.own_ns);
  w.set_draining(m.draining);
  append(w, out);
}

void put_payload(const Prepare& m, Bytes& out) {
  SYN_ASSERT(m.spec.in.size() <= kMaxShardEdges && m.spec.out.size() <= kMaxShardEdges, m.spec.in.size(),
             m.spec.out.size());
  SYN_ASSERT(m.peers.size() <= kMaxShardPeers, m.peers.size());
  SYN_ASSERT(
      m.spec.steps >= 1 && m.spec.steps <= kMaxSteps && m.spec.window_steps >= 1 && m.spec.window_steps <= kMaxSteps,
      m.spec.steps, m.spec.window_steps);
  wire::Prepare w;
  w.set_model(m.model.bytes.data(), m.model.bytes.size());
  w.set_shard(m.spec.shard);
  w.set_steps(m.spec.steps);
  w.set_window_steps(m.spec.window_steps);
  for (const EdgeSpec& edge : m.spec.in) fill(*w.add_in(), edge);
  for (const EdgeSpec& edge : m.spec.out) fill(*w.add_out(), edge);
  for (const NodeEntry& peer : m.peers) {
    SYN_ASSERT(peer.name.size() <= kMaxName && peer.address.size() <= kMaxAddress, peer.name, peer.address);
    wire::Node& node = *w.add_peers();
    node.set_id(peer.id.value);
    node.set_name(peer.name);
    node.set_address(peer.address);
  }
  w.set_shard_bytes(m.shard_bytes);
  append(w, out);
}

void put_payload(const Prepared& m, Bytes& out) {
  wire::Prepared w;
  w.set_ok(m.ok);
  if (!m.ok) fill(*w.mutable_error(), m.error);
  w.set_resident_bytes(m.resident_bytes);
  append(w, out);
}

void put_payload(const Failed& m, Bytes& out) {
  wire::Failed w;
  fill(*w.mutable_error(), m.error);
  append(w, out);
}

void put_payload(const Status& m, Bytes& out) {
  wire::Status w;
  w.set_name(clean_utf8(m.name, kMaxName));
  w.set_resident_bytes(m.resident_bytes);
  w.set_synaptic_operations(m.work.synaptic_operations);
  w.set_neuron_updates(m.work.neuron_updates);
  w.set_bytes_touched(m.work.bytes_touched);
  w.set_spikes(m.spikes);
  w.set_events(m.events);
  w.set_messages_sent(m.messages_sent);
  w.set_bytes_sent(m.bytes_sent);
  w.set_busy_ns(m.busy_ns);
  for (std::size_t i = 0; i < std::min(m.edges.size(), kMaxStatusEdges); ++i) {
    const EdgeAccount& from = m.edges[i];
    wire::Account& account = *w.add_edges();
    account.set_deployment(from.deployment.value);
    account.set_edge(from.edge.value);
    account.set_sent(from.sent);
    account.set_acked(from.acked);
    account.set_dropped(from.dropped);
    account.set_queued(from.queued);
    account.set_in_flight(from.in_flight);
    account.set_lost(from.lost);
    account.set_frames(from.frames);
    account.set_bytes(from.bytes);
  }
  for (std::size_t i = 0; i < std::min(m.refused.size(), kMaxReasons); ++i) {
    wire::Refused& refused = *w.add_refused();
    refused.set_reason(clean_utf8(m.refused[i].first, kMaxName));
    refused.set_count(m.refused[i].second);
  }
  append(w, out);
}

void put_payload(const OpenLearner& m, Bytes& out) {
  SYN_ASSERT(is_learner_name(m.name) && m.keep_every >= 1 && m.spec.size() <= kMaxSpec, m.name, m.keep_every,
             m.spec.size());
  wire::OpenLearner w;
  w.set_name(m.name);
  w.set_keep_every(m.keep_every);
  w.set_spec(m.spec.data(), m.spec.size());
  append(w, out);
}

void put_payload(const LearnerState& m, Bytes& out) {
  wire::LearnerState w;
  w.set_ok(m.ok);
  if (!m.ok) fill(*w.mutable_error(), m.error);
  w.set_presentations(m.presentations);
  w.set_durable(m.durable);
  w.set_hash(m.hash.data(), m.hash.size());
  w.set_state_bytes(m.state_bytes);
  w.set_resident_bytes(m.resident_bytes);
  append(w, out);
}

}  // namespace syn::codec
