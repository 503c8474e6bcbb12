// Digests and counters that say whether two runs were the same and what a run cost.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/sha256.hpp"
#include "core/types.hpp"

namespace syn::snn {

// The checksum of counts is linear, so that shards can be summed in any order and along any tree of edges:
//   checksum = sum over populations p, rows t, neurons i of count[p][t][i] * key(p, i) * (2 t + 1)   (mod 2^64)
// with i counted in the whole population, never in a slice. All populations but Sources and Readouts take part.
//   key(p, i) = block_key(hash64(name of p), i / kKeyBlock) * lane[i / 2 % kKeyLanes] * digit[i % kKeyBlock]
// Keys of 64 bits a neuron would have to be read from memory, which took more time than the counting. These cost one
// multiply-add of 16 bits a count: the digits stay in the first cache, and what they sum up to in each lane meets the
// other two factors once a block.
// What a checksum sees: every single wrong count, since all factors are odd. Of the counts of one row, lane and block,
// whose keys differ by the digit alone: any two that are wrong by less than kLeastDigit, hence two small ones that
// changed places, since digits are distinct primes, and d1 e1 = -d2 e2 would need an e2 that d1 divides; and any number
// that are all too great or all too small, since digits are positive. The rest cancels by chance: more of one lane and
// block, some too great and some too small, once in some 2^14 times or more; those of several lanes or blocks, once in
// some 2^60.
inline constexpr std::size_t kKeyBlock = 1024, kKeyLanes = 16;
inline constexpr std::uint32_t kLeastDigit = 256;
struct PlaceFactors {
  alignas(64) std::array<std::int16_t, kKeyBlock> digit;  // distinct primes from kLeastDigit up to 2^15
  alignas(64) std::array<std::uint64_t, kKeyLanes> lane;  // odd
};
extern const PlaceFactors kPlaceFactors;
std::uint64_t block_key(std::uint64_t population_hash, std::uint64_t block);
std::uint64_t count_key(std::uint64_t population_hash, std::uint64_t neuron);

// `digest`: SHA-256 over id-ordered inferences, classes in order, int32 little-endian.
// `spike_digest`: SHA-256 over id-ordered inferences of their u64 checksums, little-endian.
class Digests {
 public:
  void add(std::span<const std::int32_t> potentials, std::uint64_t checksum);  // in order of inference ids
  std::string digest() const;
  std::string spike_digest() const;

 private:
  Sha256 potentials_;
  Sha256 counts_;
};

// The class with the greatest potential; the lowest index on a tie.
std::uint32_t winner(std::span<const std::int32_t> potentials);

}  // namespace syn::snn
