// The gap code: for each neuron that fired the number of silent ones before it and then its count - 1, at last the
// number of silent ones at the end; all as Rice codes (Rice, Plaunt 1971), truncated at the largest value still
// possible, so that an overlong run cannot be spelled. In front one byte: the Rice parameter of the gaps in its lower
// half, of the counts in its upper half. Both follow from the content (smallest k with N * 2^k >= 0.69 * sum, the
// optimum of a geometric distribution), and the reader checks that.
#pragma once

#include <optional>
#include <span>

#include "core/codec.hpp"

namespace syn::codec {

// What both halves need to know about a window.
struct Content {
  std::uint64_t neurons = 0;
  std::uint64_t fired = 0;
  std::uint64_t sum = 0;  // of the counts
  bool operator==(const Content&) const = default;
};

// `masks`: who fired, 64 neurons a word. nullopt as soon as it would take more than `most` bytes.
std::optional<Bytes> pack_gaps(std::span<const Count> counts, std::span<const std::uint64_t> masks,
                               std::uint32_t greatest, const Content& content, std::size_t most);
// Counts must be zero on entry. False: not a spelling of a window of this size.
bool unpack_gaps(ByteView bytes, std::uint32_t greatest, std::span<Count> counts);

}  // namespace syn::codec
