// One window of counts as few bytes: five encodings, of which pack() takes the smallest for each frame.
//
//   raw16          two bytes a count
//   bitmap         one bit a neuron; only where the greatest count is 1
//   gaps           gaps.hpp: the silent neurons between two spikes, and the counts, in Rice codes
//   packed         bit_width(greatest) bits a neuron
//   sparse_packed  a bitmap of who fired, then bit_width(greatest - 1) bits for each of those: count - 1
//
// All little-endian, least significant bit first, last byte filled up with zeros. Each encoding spells a window in
// exactly one way, and unpack() refuses every other spelling. Neither the number of neurons nor the greatest count is
// in the bytes: the receiver knows both from its plan and never takes a length from a peer.
#pragma once

#include <span>

#include "core/codec.hpp"

namespace syn::codec {

// The smallest among `allowed` (bit i = Encoding i; raw16 always is); the lowest number on a tie.
Codec::Packed pack(std::span<const Count> counts, std::uint32_t greatest, std::uint32_t allowed);
// One given encoding. bitmap needs greatest == 1, sparse_packed greatest >= 2.
Bytes pack_as(Encoding encoding, std::span<const Count> counts, std::uint32_t greatest);

Expected<> unpack(Encoding encoding, ByteView bytes, std::uint32_t greatest, std::span<Count> counts);

}  // namespace syn::codec
