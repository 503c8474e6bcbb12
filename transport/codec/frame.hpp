// The 32 bytes in front of every message (design.md, section 4), little-endian:
//
//   0 version u8 | 1 kind u8 | 2 flags u16 | 4 deployment u32 | 8 epoch u64 | 16 inference u64
//   24 edge u16 | 26 encoding u8 | 27 spare u8 | 28 window u32
//
// This layout is frozen: a Hello of any later version is still readable, and says what else its sender speaks. Fields
// that a kind does not use are zero, so that one message has one spelling; anything else is refused.
#pragma once

#include <cstdint>

#include "core/error.hpp"
#include "core/messages.hpp"

namespace syn::codec {

// The numbers are on the wire: never reuse one. In the order of Message's alternatives, from 1.
enum class Kind : std::uint8_t {
  hello = 1,
  lease,
  lease_reply,
  draining,
  prepare,
  chunk,
  prepared,
  activate,
  activated,
  retire,
  spike_frame,
  potential_frame,
  ack,
  failed,
  cancel,
  status_request,
  status,
  open_learner,
  learner_state,
  sample,
  learned,
  keep_learner,
  fetch_learner
};
inline constexpr std::uint8_t kLastKind = static_cast<std::uint8_t>(Kind::fetch_learner);

inline constexpr std::size_t kHeaderBytes = 32;
inline constexpr std::uint16_t kHasChecksum = 1;  // the payload starts with eight bytes of checksum
inline constexpr std::uint16_t kTeach = 2;        // a sample to learn from, or one that was learnt from
inline constexpr std::uint16_t kLabelled = 4;     // the payload starts with two bytes of label

struct Header {
  std::uint8_t version = kProtocol;
  Kind kind = Kind::hello;
  std::uint16_t flags = 0;
  DeploymentId deployment{};
  Epoch epoch{};
  InferenceId inference{};
  EdgeId edge{};
  Encoding encoding = Encoding::raw16;
  std::uint32_t window = 0;
  bool operator==(const Header&) const = default;
};

std::string_view name_of(Kind kind);

// Writes the header to the first kHeaderBytes of `out`.
void write_header(const Header& header, std::span<std::uint8_t> out);
// Refuses a short frame, an unknown version or kind, and any bit set that the kind does not use.
Expected<Header> read_header(ByteView frame);

// A refusal: all frames come from a peer, so `where` is the kind and the remedy is the same.
std::unexpected<Error> malformed(std::string what, std::string_view where);

}  // namespace syn::codec
