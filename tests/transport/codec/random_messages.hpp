// Random values of every message type, within the limits that the codec states.
#pragma once

#include "core/messages.hpp"
#include "core/random.hpp"
#include "transport/codec/control.hpp"

namespace syn {

inline std::string random_text(Random& r, std::size_t most) {
  static const char* const kParts[] = {"a", "Z", "0", "/", " ", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x99\x82", "\n"};
  std::string out;
  for (std::uint64_t i = r.below(most / 4 + 1); i > 0; --i) out += kParts[r.below(std::size(kParts))];
  return out;
}
// Small and large numbers alike.
inline std::uint64_t random_number(Random& r) {
  return r.u64() >> r.below(64);
}
inline std::uint32_t random_u32(Random& r) {
  return static_cast<std::uint32_t>(random_number(r));
}
inline Bytes random_bytes(Random& r, std::size_t most) {
  Bytes out(r.below(most + 1));
  for (auto& b : out) b = static_cast<std::uint8_t>(r.u64());
  return out;
}
inline Error random_error(Random& r) {
  return {random_text(r, 200), random_text(r, 60), random_text(r, 60)};
}
inline FrameId random_frame_id(Random& r) {
  return {.deployment = {random_u32(r)},
          .epoch = {random_number(r)},
          .inference = {random_number(r)},
          .edge = {static_cast<std::uint16_t>(r.u64())},
          .window = random_u32(r)};
}
inline EdgeSpec random_edge(Random& r) {
  return {.id = {static_cast<std::uint16_t>(r.u64())},
          .from_shard = random_u32(r),
          .to_shard = random_u32(r),
          .from = {r.u64()},
          .to = {r.u64()},
          .population = random_text(r, codec::kMaxPopulation),
          .neurons = random_u32(r),
          .greatest = static_cast<std::uint32_t>(1 + r.below(kGreatestCount)),
          .potentials = r.chance(0.5),
          .constant = r.chance(0.5),
          .carries_checksum = r.chance(0.5),
          .credit = random_u32(r)};
}

// The alternative of Message with this index.
inline Message random_message(Random& r, std::size_t kind) {
  const DeploymentId deployment{random_u32(r)};
  const Epoch epoch{random_number(r)};
  const InferenceId inference{random_number(r)};
  const auto i64 = [&] { return static_cast<std::int64_t>(random_number(r)) * (r.chance(0.5) ? 1 : -1); };
  switch (kind) {
    case 0: {
      const auto lowest = static_cast<std::uint32_t>(1 + r.below(9));
      return Hello{lowest,
                   lowest + static_cast<std::uint32_t>(r.below(9)),
                   random_u32(r),
                   random_text(r, 60),
                   random_text(r, 20),
                   r.u64(),
                   random_u32(r)};
    }
    case 1:
      return Lease{epoch, Duration{static_cast<std::int64_t>(r.below(3600'000'000'001))}, i64()};
    case 2:
      return LeaseReply{r.chance(0.5), NodeId{r.u64()}, epoch, i64(), i64(), r.chance(0.5)};
    case 3:
      return Draining{};
    case 4: {
      Prepare m{.deployment = deployment,
                .epoch = epoch,
                .model = {},
                .spec = {},
                .peers = {},
                .shard_bytes = random_number(r)};
      for (auto& b : m.model.bytes) b = static_cast<std::uint8_t>(r.u64());
      m.spec.shard = random_u32(r);
      m.spec.steps = static_cast<std::uint32_t>(1 + r.below(codec::kMaxSteps));
      m.spec.window_steps = static_cast<std::uint32_t>(1 + r.below(codec::kMaxSteps));
      for (std::uint64_t i = r.below(5); i > 0; --i) m.spec.in.push_back(random_edge(r));
      for (std::uint64_t i = r.below(5); i > 0; --i) m.spec.out.push_back(random_edge(r));
      for (std::uint64_t i = r.below(5); i > 0; --i) {
        m.peers.push_back({NodeId{r.u64()}, random_text(r, codec::kMaxName), random_text(r, codec::kMaxAddress)});
      }
      return m;
    }
    case 5:
      return Chunk{deployment, epoch, random_number(r), random_bytes(r, 300)};
    case 6: {
      const bool ok = r.chance(0.5);
      return Prepared{deployment, epoch, ok, ok ? Error{} : random_error(r), random_number(r)};
    }
    case 7:
      return Activate{deployment, epoch};
    case 8:
      return Activated{deployment, epoch};
    case 9:
      return Retire{deployment, epoch};
    case 10: {
      const bool checked = r.chance(0.5);
      return SpikeFrame{random_frame_id(r), Encoding{static_cast<std::uint8_t>(r.below(5))}, checked ? r.u64() : 0,
                        checked, random_bytes(r, 300)};
    }
    case 11: {
      PotentialFrame m{.id = random_frame_id(r), .checksum = r.u64(), .potentials = {}};
      for (std::uint64_t i = r.below(20); i > 0; --i) m.potentials.push_back(static_cast<std::int32_t>(r.u64()));
      return m;
    }
    case 12:
      return Ack{deployment, epoch, EdgeId{static_cast<std::uint16_t>(r.u64())}, random_number(r)};
    case 13:
      return Failed{deployment, epoch, inference, random_error(r)};
    case 14:
      return Cancel{deployment, epoch, inference};
    case 15:
      return StatusRequest{};
    case 17: {
      OpenLearner m{.deployment = deployment,
                    .epoch = epoch,
                    .name = {},
                    .keep_every = static_cast<std::uint32_t>(1 + r.below(1 << 20)),
                    .spec = random_bytes(r, 300)};
      for (std::uint64_t i = 1 + r.below(codec::kMaxLearner); i > 0; --i) m.name += "az09_-"[r.below(6)];
      return m;
    }
    case 18: {
      const bool ok = r.chance(0.5);
      LearnerState m{.deployment = deployment,
                     .epoch = epoch,
                     .ok = ok,
                     .error = ok ? Error{} : random_error(r),
                     .presentations = random_number(r),
                     .durable = random_number(r),
                     .hash = {},
                     .state_bytes = random_number(r),
                     .resident_bytes = random_number(r)};
      for (auto& b : m.hash) b = static_cast<std::uint8_t>(r.u64());
      return m;
    }
    case 19: {
      Sample m{.deployment = deployment,
               .epoch = epoch,
               .number = inference,
               .encoding = Encoding{static_cast<std::uint8_t>(r.below(5))},
               .teach = r.chance(0.5),
               .label = std::nullopt,
               .packed = random_bytes(r, 300)};
      if (r.chance(0.5)) m.label = static_cast<std::uint16_t>(r.u64());
      return m;
    }
    case 20:
      return Learned{deployment,
                     epoch,
                     inference,
                     r.chance(0.5),
                     random_u32(r),
                     random_u32(r),
                     static_cast<std::uint16_t>(r.u64()),
                     random_number(r)};
    case 21:
      return KeepLearner{deployment, epoch};
    case 22:
      return FetchLearner{deployment, epoch, random_number(r)};
    default:
      break;
  }
  Status m{.name = random_text(r, 60),
           .epoch = epoch,
           .resident_bytes = random_number(r),
           .work = {random_number(r), random_number(r), random_number(r)},
           .spikes = random_number(r),
           .events = random_number(r),
           .busy_ns = random_number(r),
           .messages_sent = random_number(r),
           .bytes_sent = random_number(r),
           .edges = {},
           .refused = {}};
  for (std::uint64_t i = r.below(6); i > 0; --i) {
    m.edges.push_back({DeploymentId{random_u32(r)}, EdgeId{static_cast<std::uint16_t>(r.u64())}, random_number(r),
                       random_number(r), random_number(r), random_number(r), random_number(r), random_number(r),
                       random_number(r), random_number(r)});
  }
  for (std::uint64_t i = r.below(4); i > 0; --i) m.refused.emplace_back(random_text(r, 60), random_number(r));
  return m;
}

}  // namespace syn
