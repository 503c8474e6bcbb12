// SHA-256 (FIPS 180-4). The header is standard library only; the one .cpp behind it names libsodium.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "core/types.hpp"

namespace syn {

class Sha256 {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  Sha256();
  void add(ByteView bytes);
  void add_u32(std::uint32_t value);  // little-endian, whatever the machine
  void add_u64(std::uint64_t value);
  void add_i32(std::span<const std::int32_t> values);
  Digest finish() const;  // of everything added so far; adding may go on

  static Digest of(ByteView bytes);

 private:
  alignas(8) std::array<std::uint8_t, 104> state_;  // libsodium's crypto_hash_sha256_state
};

std::string to_hex(const Sha256::Digest& digest);

}  // namespace syn
