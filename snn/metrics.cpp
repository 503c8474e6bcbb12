#include "snn/metrics.hpp"

#include <algorithm>

#include "core/assert.hpp"
#include "core/random.hpp"

namespace syn::snn {

std::uint64_t count_key(std::uint64_t population_hash, std::uint64_t neuron) {
  return block_key(population_hash, neuron / kKeyBlock) * place_key(neuron % kKeyBlock);
}
std::uint64_t block_key(std::uint64_t population_hash, std::uint64_t block) {
  return hash64(population_hash + block) | 1;
}
std::uint64_t place_key(std::uint64_t place) {
  return hash64(place) | 1;
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
