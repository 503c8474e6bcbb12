#include "transport/codec/wire_codec.hpp"

#include <cstring>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "transport/codec/control.hpp"
#include "transport/codec/frame.hpp"
#include "transport/codec/spikes.hpp"

namespace syn {

using namespace codec;

namespace {

constexpr std::size_t kWord = 8;  // a checksum, an offset, a cumulative count

void put_u64(Bytes& out, std::uint64_t value) {
  const std::size_t at = out.size();
  out.resize(at + kWord);
  std::memcpy(out.data() + at, &value, kWord);
}
std::uint64_t get_u64(ByteView in) {
  std::uint64_t value;
  std::memcpy(&value, in.data(), kWord);
  return value;
}
void put_raw(Bytes& out, const void* from, std::size_t size) {
  const std::size_t at = out.size();
  out.resize(at + size);
  if (size > 0) std::memcpy(out.data() + at, from, size);
}

Header of(Kind kind, const FrameId& id) {
  return {.kind = kind,
          .deployment = id.deployment,
          .epoch = id.epoch,
          .inference = id.inference,
          .edge = id.edge,
          .window = id.window};
}
FrameId id_of(const Header& h) {
  return {h.deployment, h.epoch, h.inference, h.edge, h.window};
}

// ---- headers, one a message type: a new type without one does not compile
// --------------------------------------------
Header header_of(const Hello&) {
  return {.kind = Kind::hello};
}
Header header_of(const Lease& m) {
  return {.kind = Kind::lease, .epoch = m.epoch};
}
Header header_of(const LeaseReply& m) {
  return {.kind = Kind::lease_reply, .epoch = m.seen};
}
Header header_of(const Draining&) {
  return {.kind = Kind::draining};
}
Header header_of(const Prepare& m) {
  return {.kind = Kind::prepare, .deployment = m.deployment, .epoch = m.epoch};
}
Header header_of(const Chunk& m) {
  return {.kind = Kind::chunk, .deployment = m.deployment, .epoch = m.epoch};
}
Header header_of(const Prepared& m) {
  return {.kind = Kind::prepared, .deployment = m.deployment, .epoch = m.epoch};
}
Header header_of(const Activate& m) {
  return {.kind = Kind::activate, .deployment = m.deployment, .epoch = m.epoch};
}
Header header_of(const Activated& m) {
  return {.kind = Kind::activated, .deployment = m.deployment, .epoch = m.epoch};
}
Header header_of(const Retire& m) {
  return {.kind = Kind::retire, .deployment = m.deployment, .epoch = m.epoch};
}
Header header_of(const SpikeFrame& m) {
  Header h = of(Kind::spike_frame, m.id);
  h.encoding = m.encoding;
  h.flags = m.has_checksum ? kHasChecksum : 0;
  return h;
}
Header header_of(const PotentialFrame& m) {
  Header h = of(Kind::potential_frame, m.id);
  h.flags = kHasChecksum;
  return h;
}
Header header_of(const Ack& m) {
  return {.kind = Kind::ack, .deployment = m.deployment, .epoch = m.epoch, .edge = m.edge};
}
Header header_of(const Failed& m) {
  return {.kind = Kind::failed, .deployment = m.deployment, .epoch = m.epoch, .inference = m.inference};
}
Header header_of(const Cancel& m) {
  return {.kind = Kind::cancel, .deployment = m.deployment, .epoch = m.epoch, .inference = m.inference};
}
Header header_of(const StatusRequest&) {
  return {.kind = Kind::status_request};
}
Header header_of(const Status& m) {
  return {.kind = Kind::status, .epoch = m.epoch};
}

Header header_of(const OpenLearner& m) {
  return {.kind = Kind::open_learner, .deployment = m.deployment, .epoch = m.epoch};
}
Header header_of(const LearnerState& m) {
  return {.kind = Kind::learner_state, .deployment = m.deployment, .epoch = m.epoch};
}
Header header_of(const Sample& m) {
  return {.kind = Kind::sample,
          .flags = static_cast<std::uint16_t>((m.teach ? kTeach : 0) | (m.label ? kLabelled : 0)),
          .deployment = m.deployment,
          .epoch = m.epoch,
          .inference = m.number,
          .encoding = m.encoding};
}
Header header_of(const Learned& m) {
  return {.kind = Kind::learned,
          .flags = m.taught ? kTeach : std::uint16_t{0},
          .deployment = m.deployment,
          .epoch = m.epoch,
          .inference = m.number};
}
Header header_of(const KeepLearner& m) {
  return {.kind = Kind::keep_learner, .deployment = m.deployment, .epoch = m.epoch};
}
Header header_of(const FetchLearner& m) {
  return {.kind = Kind::fetch_learner, .deployment = m.deployment, .epoch = m.epoch};
}

// ---- payloads without Protobuf
// ---------------------------------------------------------------------------------------
template <class M>
requires std::same_as<M, Draining> || std::same_as<M, Activate> || std::same_as<M, Activated> ||
    std::same_as<M, Retire> || std::same_as<M, Cancel> || std::same_as<M, StatusRequest> || std::same_as<M, KeepLearner>
void put_payload(const M&, Bytes&) {}
void put_payload(const Chunk& m, Bytes& out) {
  SYN_ASSERT(m.bytes.size() <= kMaxChunkBytes, m.bytes.size());
  out.reserve(kHeaderBytes + kWord + m.bytes.size());
  put_u64(out, m.offset);
  put_raw(out, m.bytes.data(), m.bytes.size());
}
void put_payload(const SpikeFrame& m, Bytes& out) {
  out.reserve(kHeaderBytes + kWord + m.packed.size());
  if (m.has_checksum) put_u64(out, m.checksum);
  put_raw(out, m.packed.data(), m.packed.size());
}
void put_payload(const PotentialFrame& m, Bytes& out) {
  out.reserve(kHeaderBytes + kWord + m.potentials.size() * 4);
  put_u64(out, m.checksum);
  put_raw(out, m.potentials.data(), m.potentials.size() * 4);
}
void put_payload(const Ack& m, Bytes& out) {
  put_u64(out, m.consumed);
}
void put_payload(const Sample& m, Bytes& out) {
  if (m.label) put_raw(out, &*m.label, sizeof *m.label);
  put_raw(out, m.packed.data(), m.packed.size());
}
void put_payload(const Learned& m, Bytes& out) {
  put_u64(out, m.durable);
  put_raw(out, &m.winner, sizeof m.winner);
  put_raw(out, &m.spikes, sizeof m.spikes);
  put_raw(out, &m.said, sizeof m.said);
}
void put_payload(const FetchLearner& m, Bytes& out) {
  put_u64(out, m.offset);
}

Expected<Message> take_spikes(const Header& h, ByteView payload) {
  SpikeFrame m{.id = id_of(h), .encoding = h.encoding, .has_checksum = (h.flags & kHasChecksum) != 0, .packed = {}};
  if (m.has_checksum) {
    if (payload.size() < kWord) return malformed("its checksum is cut short", name_of(h.kind));
    m.checksum = get_u64(payload);
    payload = payload.subspan(kWord);
  }
  m.packed.assign(payload.begin(), payload.end());
  return m;
}

Expected<Message> take_potentials(const Header& h, ByteView payload) {
  if (h.flags != kHasChecksum || payload.size() < kWord || payload.size() % 4 != 0) {
    return malformed("not a checksum and whole potentials", name_of(h.kind));
  }
  PotentialFrame m{.id = id_of(h), .checksum = get_u64(payload), .potentials = {}};
  payload = payload.subspan(kWord);
  m.potentials.resize(payload.size() / 4);
  if (!payload.empty()) std::memcpy(m.potentials.data(), payload.data(), payload.size());
  return m;
}

Expected<Message> take_chunk(const Header& h, ByteView payload) {
  if (payload.size() < kWord || payload.size() > kWord + kMaxChunkBytes) {
    return malformed(text::cat("a chunk of ", payload.size(), " bytes"), name_of(h.kind));
  }
  const ByteView bytes = payload.subspan(kWord);
  return Chunk{.deployment = h.deployment,
               .epoch = h.epoch,
               .offset = get_u64(payload),
               .bytes = Bytes(bytes.begin(), bytes.end())};
}

Expected<Message> take_ack(const Header& h, ByteView payload) {
  if (payload.size() != kWord) return malformed("an ack has eight bytes of payload", name_of(h.kind));
  return Ack{.deployment = h.deployment, .epoch = h.epoch, .edge = h.edge, .consumed = get_u64(payload)};
}

Expected<Message> take_sample(const Header& h, ByteView payload) {
  Sample m{.deployment = h.deployment,
           .epoch = h.epoch,
           .number = h.inference,
           .encoding = h.encoding,
           .teach = (h.flags & kTeach) != 0,
           .label = std::nullopt,
           .packed = {}};
  if (h.flags & kLabelled) {
    std::uint16_t label;
    if (payload.size() < sizeof label) return malformed("its label is cut short", name_of(h.kind));
    std::memcpy(&label, payload.data(), sizeof label);
    m.label = label;
    payload = payload.subspan(sizeof label);
  }
  m.packed.assign(payload.begin(), payload.end());
  return m;
}

Expected<Message> take_learned(const Header& h, ByteView payload) {
  constexpr std::size_t kSize = kWord + 4 + 4 + 2;
  if (payload.size() != kSize) return malformed(text::cat(payload.size(), " bytes, not ", kSize), name_of(h.kind));
  Learned m{.deployment = h.deployment,
            .epoch = h.epoch,
            .number = h.inference,
            .taught = (h.flags & kTeach) != 0,
            .durable = get_u64(payload)};
  std::memcpy(&m.winner, payload.data() + kWord, 4);
  std::memcpy(&m.spikes, payload.data() + kWord + 4, 4);
  std::memcpy(&m.said, payload.data() + kWord + 8, 2);
  return m;
}

Expected<Message> take_fetch(const Header& h, ByteView payload) {
  if (payload.size() != kWord) return malformed("it has eight bytes of payload", name_of(h.kind));
  return FetchLearner{.deployment = h.deployment, .epoch = h.epoch, .offset = get_u64(payload)};
}

Expected<Message> take_bare(const Header& h) {
  switch (h.kind) {
    case Kind::draining:
      return Draining{};
    case Kind::activate:
      return Activate{h.deployment, h.epoch};
    case Kind::activated:
      return Activated{h.deployment, h.epoch};
    case Kind::retire:
      return Retire{h.deployment, h.epoch};
    case Kind::cancel:
      return Cancel{h.deployment, h.epoch, h.inference};
    case Kind::status_request:
      return StatusRequest{};
    case Kind::keep_learner:
      return KeepLearner{h.deployment, h.epoch};
    default:
      break;
  }
  SYN_ASSERT(false, h.kind);
  return StatusRequest{};
}

}  // namespace

Bytes WireCodec::encode(const Message& message) const {
  Bytes out(kHeaderBytes);
  std::visit(
      [&](const auto& m) {
        const Header header = header_of(m);
        SYN_ASSERT(static_cast<std::size_t>(header.kind) == message.index() + 1, header.kind, message.index());
        put_payload(m, out);
        write_header(header, out);
      },
      message);
  SYN_ASSERT(out.size() <= kMaxFrameBytes, out.size());
  return out;
}

Expected<Message> WireCodec::decode(ByteView bytes) const {
  if (bytes.size() > kMaxFrameBytes)
    return malformed(text::cat(bytes.size(), " bytes, more than a frame may have"), "?");
  const auto header = read_header(bytes);
  if (!header) return fail(header.error());
  const ByteView payload = bytes.subspan(kHeaderBytes);
  switch (header->kind) {
    case Kind::spike_frame:
      return take_spikes(*header, payload);
    case Kind::potential_frame:
      return take_potentials(*header, payload);
    case Kind::chunk:
      return take_chunk(*header, payload);
    case Kind::ack:
      return take_ack(*header, payload);
    case Kind::sample:
      return take_sample(*header, payload);
    case Kind::learned:
      return take_learned(*header, payload);
    case Kind::fetch_learner:
      return take_fetch(*header, payload);
    case Kind::draining:
    case Kind::activate:
    case Kind::activated:
    case Kind::retire:
    case Kind::cancel:
    case Kind::status_request:
    case Kind::keep_learner:
      if (!payload.empty()) return malformed("a payload where there is none", name_of(header->kind));
      return take_bare(*header);
    case Kind::hello:
    case Kind::lease:
    case Kind::lease_reply:
    case Kind::prepare:
    case Kind::prepared:
    case Kind::failed:
    case Kind::status:
    case Kind::open_learner:
    case Kind::learner_state:
      return take_payload(*header, payload);
  }
  return malformed("an unknown kind", "?");
}

Codec::Packed WireCodec::pack(std::span<const Count> counts, std::uint32_t greatest, std::uint32_t allowed) const {
  return codec::pack(counts, greatest, allowed);
}

Expected<> WireCodec::unpack(Encoding encoding, ByteView bytes, std::uint32_t greatest, std::span<Count> counts) const {
  return codec::unpack(encoding, bytes, greatest, counts);
}

}  // namespace syn
