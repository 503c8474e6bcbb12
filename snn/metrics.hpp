// Digests and counters that say whether two runs were the same and what a run cost.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/sha256.hpp"
#include "core/types.hpp"

namespace syn::snn {

// The checksum of counts is linear, so that shards can be summed in any order and along any tree of edges:
//   checksum = sum over populations p, rows t, neurons i of count[p][t][i] * key(p, i) * (2 t + 1)   (mod 2^64)
// with i counted in the whole population, never in a slice. All populations but Sources and Readouts take part.
//   key(p, i) = block_key(hash64(name of p), i / kKeyBlock) * place_key(i % kKeyBlock)
// Keys of places are the same everywhere, so that they stay in the first cache: keys of 64 bits a neuron would have to be
// read from memory, which took more time than the counting. All keys are odd: one wrong count is always seen.
inline constexpr std::size_t kKeyBlock = 1024;
std::uint64_t block_key(std::uint64_t population_hash, std::uint64_t block);
std::uint64_t place_key(std::uint64_t place);
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
