// Any frame. In front of it the geometry that a receiver would know from its plan: neurons (u16) and the greatest count
// (u16), little-endian.
#include <algorithm>

#include "tests/fuzz/targets.hpp"
#include "transport/codec/spikes.hpp"
#include "transport/codec/wire_codec.hpp"

namespace syn::fuzz {

namespace {

std::uint32_t take_u16(ByteView& input) {
  const std::uint32_t low = take_byte(input);
  return low | std::uint32_t{take_byte(input)} << 8;
}

void unpack(const SpikeFrame& frame, std::size_t neurons, std::uint32_t greatest) {
  std::vector<Count> counts(neurons);
  if (!accepted(codec::unpack(frame.encoding, frame.packed, greatest, counts))) return;
  SYN_ASSERT(std::ranges::all_of(counts, [&](Count c) { return c <= greatest; }), greatest);
  SYN_ASSERT(codec::pack_as(frame.encoding, counts, greatest) == frame.packed, neurons, greatest, frame.encoding);
  const auto smallest = codec::pack(counts, greatest, kAllEncodings);
  SYN_ASSERT(smallest.bytes.size() <= frame.packed.size(), smallest.encoding, frame.encoding);
  std::vector<Count> again(neurons);
  SYN_ASSERT(codec::unpack(smallest.encoding, smallest.bytes, greatest, again).has_value(), smallest.encoding);
  SYN_ASSERT(again == counts, smallest.encoding);
}

}  // namespace

void frame(ByteView input) {
  const std::size_t neurons = 1 + take_u16(input) % 4096;
  const std::uint32_t greatest = 1 + take_u16(input) % kGreatestCount;
  const WireCodec codec;
  const auto message = codec.decode(input);
  if (!accepted(message)) return;
  const Bytes bytes = codec.encode(*message);
  const auto again = codec.decode(bytes);
  SYN_ASSERT(again.has_value() && *again == *message, message->index());
  // Only Protobuf has more than one spelling of a message.
  const auto* spikes = std::get_if<SpikeFrame>(&*message);
  const bool one_spelling = spikes != nullptr || std::holds_alternative<PotentialFrame>(*message) ||
                            std::holds_alternative<Chunk>(*message) || std::holds_alternative<Ack>(*message) ||
                            std::holds_alternative<Sample>(*message) || std::holds_alternative<Learned>(*message) ||
                            std::holds_alternative<FetchLearner>(*message);
  SYN_ASSERT(!one_spelling || std::ranges::equal(bytes, input), message->index());
  if (spikes != nullptr) unpack(*spikes, neurons, greatest);
}

}  // namespace syn::fuzz
