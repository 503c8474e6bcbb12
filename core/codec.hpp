// Values to bytes and back. The seventh seam: nodes/ sees only this, transport/codec implements it, and the simulator
// uses the same implementation, so that its byte counts are true.
#pragma once

#include <span>

#include "core/error.hpp"
#include "core/messages.hpp"

namespace syn {

class Codec {
 public:
  virtual ~Codec() = default;
  virtual Bytes encode(const Message& message) const = 0;
  // Bounded: refuses what is malformed, too long or of an unknown version, with the reason in Error::what.
  virtual Expected<Message> decode(ByteView bytes) const = 0;

  struct Packed {
    Encoding encoding;
    Bytes bytes;
  };
  // The smallest encoding among those `allowed` (bit i = Encoding i; raw16 is always allowed). Every count is at most
  // `greatest`.
  virtual Packed pack(std::span<const Count> counts, std::uint32_t greatest, std::uint32_t allowed) const = 0;
  // Fills all of `counts`; refuses bytes that do not describe exactly that many counts of at most `greatest`.
  virtual Expected<> unpack(Encoding encoding, ByteView bytes, std::uint32_t greatest,
                            std::span<Count> counts) const = 0;
};

}  // namespace syn
