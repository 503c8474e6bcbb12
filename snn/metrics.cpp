#include "snn/metrics.hpp"

#include <algorithm>

#include "core/assert.hpp"
#include "core/random.hpp"

namespace syn::snn {

namespace {

constexpr bool is_prime(std::uint32_t odd) {
  for (std::uint32_t d = 3; d * d <= odd; d += 2)
    if (odd % d == 0) return false;
  return true;
}

// Hashes of 0, 1, ... : first the lanes, then digits, where what is none is passed over.
constexpr PlaceFactors place_factors() {
  PlaceFactors out{};
  std::uint64_t next = 0;
  for (std::uint64_t& lane : out.lane) lane = hash64(next++) | 1;
  std::array<bool, 1 << 15> taken{};
  for (std::int16_t& digit : out.digit) {
    std::uint32_t candidate = 0;
    do candidate = static_cast<std::uint32_t>(hash64(next++) % taken.size()) | 1;
    while (candidate < kLeastDigit || taken[candidate] || !is_prime(candidate));
    taken[candidate] = true;
    digit = static_cast<std::int16_t>(candidate);
  }
  return out;
}

}  // namespace

constinit const PlaceFactors kPlaceFactors = place_factors();

std::uint64_t count_key(std::uint64_t population_hash, std::uint64_t neuron) {
  return block_key(population_hash, neuron / kKeyBlock) * kPlaceFactors.lane[neuron / 2 % kKeyLanes] *
         static_cast<std::uint64_t>(kPlaceFactors.digit[neuron % kKeyBlock]);
}
std::uint64_t block_key(std::uint64_t population_hash, std::uint64_t block) {
  return hash64(population_hash + block) | 1;
}

void Digests::add(std::span<const std::int32_t> potentials, std::uint64_t checksum) {
  potentials_.add_i32(potentials);
  counts_.add_u64(checksum);
}

std::string Digests::digest() const {
  return to_hex(potentials_.finish());
}
std::string Digests::spike_digest() const {
  return to_hex(counts_.finish());
}

std::uint32_t winner(std::span<const std::int32_t> potentials) {
  SYN_ASSERT(!potentials.empty());
  return static_cast<std::uint32_t>(std::ranges::max_element(potentials) - potentials.begin());
}

}  // namespace syn::snn
