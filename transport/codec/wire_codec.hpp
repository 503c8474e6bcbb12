// The codec of core/codec.hpp: a 32-byte header (frame.hpp), then
//
//   spike_frame      [checksum u64, if flagged] the packed counts (spikes.hpp)
//   potential_frame  checksum u64 (always, and flagged), then int32 each
//   ack              consumed u64
//   chunk            offset u64, then raw bytes
//   draining, activate, activated, retire, cancel, status_request: nothing
//   the others       Protobuf (control.hpp)
//
// Stateless; one instance may serve many nodes. A frame never has more than kMaxFrameBytes.
#pragma once

#include "core/codec.hpp"

namespace syn {

class WireCodec final : public Codec {
 public:
  Bytes encode(const Message& message) const override;
  Expected<Message> decode(ByteView bytes) const override;
  Packed pack(std::span<const Count> counts, std::uint32_t greatest, std::uint32_t allowed) const override;
  Expected<> unpack(Encoding encoding, ByteView bytes, std::uint32_t greatest, std::span<Count> counts) const override;
};

}  // namespace syn
