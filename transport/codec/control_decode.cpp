#include <algorithm>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "messages.pb.h"
#include "transport/codec/control.hpp"
#include "core/utf8.hpp"

namespace syn::codec {

namespace {

// Walks the outermost fields without parsing them. False: not Protobuf at all, or more fields than any message has.
bool few_fields(ByteView payload) {
  std::size_t at = 0, fields = 0;
  const auto varint = [&](std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && at < payload.size(); shift += 7) {
      const std::uint8_t byte = payload[at++];
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  };
  while (at < payload.size()) {
    std::uint64_t tag, length = 0;
    if (++fields > kMaxFields || !varint(tag)) return false;
    switch (tag & 7) {
      case 0:
        if (!varint(length)) return false;
        length = 0;
        break;
      case 1:
        length = 8;
        break;
      case 2:
        if (!varint(length)) return false;
        break;
      case 5:
        length = 4;
        break;
      default:
        return false;  // groups: we have none, and they nest
    }
    if (length > payload.size() - at) return false;
    at += length;
  }
  return true;
}

// Takes values out of a parsed message and remembers the first that is out of its bounds.
struct Checker {
  std::string_view kind;
  std::string bad;

  void require(bool ok, std::string_view what) {
    if (!ok && bad.empty()) bad = what;
  }
  std::string text(const std::string& from, std::size_t most, std::string_view what) {
    require(from.size() <= most && is_utf8(from), what);
    return bad.empty() ? from : std::string();
  }
  Error error(const wire::Problem& p) {
    return {text(p.what(), kMaxText, "an error text"), text(p.where(), kMaxText, "an error text"),
            text(p.todo(), kMaxText, "an error text")};
  }
  EdgeSpec edge(const wire::Edge& e) {
    require(e.id() <= 0xffff, "an edge's number");
    require(e.greatest() >= 1 && e.greatest() <= kGreatestCount, "an edge's greatest count");
    return {.id = EdgeId{static_cast<std::uint16_t>(e.id())},
            .from_shard = e.from_shard(),
            .to_shard = e.to_shard(),
            .from = NodeId{e.from()},
            .to = NodeId{e.to()},
            .population = text(e.population(), kMaxPopulation, "a population's name"),
            .neurons = e.neurons(),
            .greatest = e.greatest(),
            .potentials = e.potentials(),
            .constant = e.constant(),
            .carries_checksum = e.carries_checksum(),
            .credit = e.credit()};
  }
  Expected<Message> done(Message message) {
    if (bad.empty()) return message;
    return malformed(syn::text::cat(bad, " is out of bounds"), kind);
  }
};

template <class M>
bool parse(M& message, ByteView payload) {
  return message.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
}

Message take(Checker& check, const Header&, const wire::Hello& w) {
  check.require(w.lowest_protocol() >= 1 && w.lowest_protocol() <= w.highest_protocol(), "the range of protocols");
  return Hello{.lowest_protocol = w.lowest_protocol(),
               .highest_protocol = w.highest_protocol(),
               .encodings = w.encodings(),
               .name = check.text(w.name(), kMaxName, "the name"),
               .version = check.text(w.version(), kMaxName, "the version"),
               .instance = w.instance(),
               .features = w.features()};
}

Message take(Checker& check, const Header& h, const wire::Lease& w) {
  check.require(w.lease_ns() <= static_cast<std::uint64_t>(kMaxLease.count()), "the lease");
  return Lease{.epoch = h.epoch, .lease = Duration{static_cast<std::int64_t>(w.lease_ns())}, .sent_ns = w.sent_ns()};
}

Message take(Checker&, const Header& h, const wire::LeaseReply& w) {
  return LeaseReply{.accepted = w.accepted(),
                    .holder = NodeId{w.holder()},
                    .seen = h.epoch,
                    .echoed_ns = w.echoed_ns(),
                    .own_ns = w.own_ns(),
                    .draining = w.draining()};
}

Message take(Checker& check, const Header& h, const wire::Prepare& w) {
  Prepare m{.deployment = h.deployment, .epoch = h.epoch, .model = {}, .spec = {}, .peers = {}, .shard_bytes = 0};
  check.require(w.model().size() == m.model.bytes.size(), "the model's hash");
  check.require(w.steps() >= 1 && w.steps() <= kMaxSteps, "the number of steps");
  check.require(w.window_steps() >= 1 && w.window_steps() <= kMaxSteps, "the number of steps a window");
  check.require(w.in_size() <= int{kMaxShardEdges} && w.out_size() <= int{kMaxShardEdges}, "the number of edges");
  check.require(w.peers_size() <= int{kMaxShardPeers}, "the number of peers");
  if (!check.bad.empty()) return m;
  std::copy(w.model().begin(), w.model().end(), m.model.bytes.begin());
  m.spec.shard = w.shard();
  m.spec.steps = w.steps();
  m.spec.window_steps = w.window_steps();
  for (const wire::Edge& e : w.in()) m.spec.in.push_back(check.edge(e));
  for (const wire::Edge& e : w.out()) m.spec.out.push_back(check.edge(e));
  for (const wire::Node& n : w.peers()) {
    m.peers.push_back({.id = NodeId{n.id()},
                       .name = check.text(n.name(), kMaxName, "a peer's name"),
                       .address = check.text(n.address(), kMaxAddress, "a peer's address")});
  }
  m.shard_bytes = w.shard_bytes();
  return m;
}

Message take(Checker& check, const Header& h, const wire::Prepared& w) {
  check.require(w.ok() != w.has_error(), "ok and an error exclude each other: the error");
  return Prepared{.deployment = h.deployment,
                  .epoch = h.epoch,
                  .ok = w.ok(),
                  .error = check.error(w.error()),
                  .resident_bytes = w.resident_bytes()};
}

Message take(Checker& check, const Header& h, const wire::Failed& w) {
  return Failed{
      .deployment = h.deployment, .epoch = h.epoch, .inference = h.inference, .error = check.error(w.error())};
}

Message take(Checker& check, const Header& h, const wire::Status& w) {
  Status m{.name = check.text(w.name(), kMaxName, "the name"),
           .epoch = h.epoch,
           .resident_bytes = w.resident_bytes(),
           .work = {w.synaptic_operations(), w.neuron_updates(), w.bytes_touched()},
           .spikes = w.spikes(),
           .events = w.events(),
           .busy_ns = w.busy_ns(),
           .messages_sent = w.messages_sent(),
           .bytes_sent = w.bytes_sent(),
           .edges = {},
           .refused = {}};
  check.require(w.edges_size() <= int{kMaxStatusEdges}, "the number of edges");
  check.require(w.refused_size() <= int{kMaxReasons}, "the number of reasons");
  if (!check.bad.empty()) return m;
  for (const wire::Account& a : w.edges()) {
    check.require(a.edge() <= 0xffff, "an edge's number");
    m.edges.push_back({.deployment = DeploymentId{a.deployment()},
                       .edge = EdgeId{static_cast<std::uint16_t>(a.edge())},
                       .sent = a.sent(),
                       .acked = a.acked(),
                       .dropped = a.dropped(),
                       .queued = a.queued(),
                       .in_flight = a.in_flight(),
                       .lost = a.lost(),
                       .frames = a.frames(),
                       .bytes = a.bytes()});
  }
  for (const wire::Refused& r : w.refused()) {
    m.refused.emplace_back(check.text(r.reason(), kMaxName, "a reason"), r.count());
  }
  return m;
}

Message take(Checker& check, const Header& h, const wire::OpenLearner& w) {
  check.require(is_learner_name(w.name()), "the learner's name");
  check.require(w.keep_every() >= 1, "the presentations between two durable states");
  check.require(w.spec().size() <= kMaxSpec, "the settings' length");
  return OpenLearner{.deployment = h.deployment,
                     .epoch = h.epoch,
                     .name = check.bad.empty() ? w.name() : std::string(),
                     .keep_every = w.keep_every(),
                     .spec = check.bad.empty() ? Bytes(w.spec().begin(), w.spec().end()) : Bytes()};
}

Message take(Checker& check, const Header& h, const wire::LearnerState& w) {
  LearnerState m{.deployment = h.deployment,
                 .epoch = h.epoch,
                 .ok = w.ok(),
                 .error = check.error(w.error()),
                 .presentations = w.presentations(),
                 .durable = w.durable(),
                 .hash = {},
                 .state_bytes = w.state_bytes(),
                 .resident_bytes = w.resident_bytes()};
  check.require(w.hash().size() == m.hash.size(), "the hash's length");
  check.require(!w.ok() || !w.has_error(), "an error of what went well");
  if (check.bad.empty()) std::copy(w.hash().begin(), w.hash().end(), m.hash.begin());
  return m;
}

template <class W>
Expected<Message> take_as(const Header& header, ByteView payload) {
  W w;
  if (!parse(w, payload)) return malformed("not the Protobuf message it should be", name_of(header.kind));
  Checker check{.kind = name_of(header.kind), .bad = {}};
  Message message = take(check, header, w);
  return check.done(std::move(message));
}

}  // namespace

bool is_learner_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxLearner &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

Expected<Message> take_payload(const Header& header, ByteView payload) {
  if (payload.size() > kMaxControlBytes) {
    return malformed(text::cat(payload.size(), " bytes, more than a control message may have"), name_of(header.kind));
  }
  if (!few_fields(payload)) return malformed("not Protobuf, or too many fields", name_of(header.kind));
  switch (header.kind) {
    case Kind::hello:
      return take_as<wire::Hello>(header, payload);
    case Kind::lease:
      return take_as<wire::Lease>(header, payload);
    case Kind::lease_reply:
      return take_as<wire::LeaseReply>(header, payload);
    case Kind::prepare:
      return take_as<wire::Prepare>(header, payload);
    case Kind::prepared:
      return take_as<wire::Prepared>(header, payload);
    case Kind::failed:
      return take_as<wire::Failed>(header, payload);
    case Kind::status:
      return take_as<wire::Status>(header, payload);
    case Kind::open_learner:
      return take_as<wire::OpenLearner>(header, payload);
    case Kind::learner_state:
      return take_as<wire::LearnerState>(header, payload);
    default:
      break;
  }
  SYN_ASSERT(false, header.kind);
  return malformed("no payload of its own", name_of(header.kind));
}

}  // namespace syn::codec
