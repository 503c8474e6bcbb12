// The payload of a control message, behind a header that is right: one byte chooses the kind.
#include "tests/fuzz/targets.hpp"
#include "transport/codec/control.hpp"
#include "transport/codec/wire_codec.hpp"

namespace syn::fuzz {

void control(ByteView input) {
  using codec::Kind;
  static constexpr Kind kKinds[] = {Kind::hello,  Kind::lease,  Kind::lease_reply,  Kind::prepare,      Kind::prepared,
                                    Kind::failed, Kind::status, Kind::open_learner, Kind::learner_state};
  codec::Header header{.kind = kKinds[take_byte(input) % std::size(kKinds)]};
  const auto message = codec::take_payload(header, input);
  if (!accepted(message)) return;
  SYN_ASSERT(message->index() + 1 == static_cast<std::size_t>(header.kind), header.kind);
  // A message that was taken is within every limit, so it can be passed on and arrives as it was.
  const WireCodec wire;
  const Bytes bytes = wire.encode(*message);
  SYN_ASSERT(bytes.size() <= codec::kHeaderBytes + kMaxControlBytes, bytes.size());
  const auto again = wire.decode(bytes);
  SYN_ASSERT(again.has_value(), again.error().what);
  SYN_ASSERT(*again == *message, header.kind);
  SYN_ASSERT(wire.encode(*again) == bytes, header.kind);
}

}  // namespace syn::fuzz
