#include "core/sha256.hpp"

#include <sodium/crypto_hash_sha256.h>

#include <bit>
#include <cstring>

#include "core/text.hpp"

namespace syn {

static_assert(sizeof(crypto_hash_sha256_state) <= 104 && alignof(crypto_hash_sha256_state) <= 8);
static_assert(std::endian::native == std::endian::little, "Synfire runs on little-endian machines only");

namespace {
crypto_hash_sha256_state* as_state(std::array<std::uint8_t, 104>& bytes) {
  return reinterpret_cast<crypto_hash_sha256_state*>(bytes.data());
}
}  // namespace

Sha256::Sha256() : state_{} {
  crypto_hash_sha256_init(as_state(state_));
}
void Sha256::add(ByteView bytes) {
  crypto_hash_sha256_update(as_state(state_), bytes.data(), bytes.size());
}
void Sha256::add_u32(std::uint32_t value) {
  add({reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
}
void Sha256::add_u64(std::uint64_t value) {
  add({reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
}
void Sha256::add_i32(std::span<const std::int32_t> values) {
  add({reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()});
}

Sha256::Digest Sha256::finish() const {
  auto copy = state_;
  Digest digest;
  crypto_hash_sha256_final(as_state(copy), digest.data());
  return digest;
}

Sha256::Digest Sha256::of(ByteView bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.finish();
}

std::string to_hex(const Sha256::Digest& digest) {
  return text::hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace syn
