// CURVE key pairs (Curve25519), their text (Z85, ZeroMQ RFC 32) and the file that keeps a secret one. A node's identity
// follows from its public key. Secret keys are made where they are used and never travel.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/types.hpp"

namespace syn {

using Key = std::array<std::uint8_t, 32>;
inline constexpr std::size_t kKeyText = 40;  // characters of Z85

struct KeyPair {
  Key public_key{};
  Key secret_key{};
  bool operator==(const KeyPair&) const = default;
};

KeyPair make_key_pair();
KeyPair pair_of(const Key& secret_key);
std::string to_z85(const Key& key);
Expected<Key> from_z85(std::string_view text);
// The first eight bytes, little-endian, of the key's SHA-256.
NodeId node_id(const Key& public_key);

// One file, two lines: a comment with the public key, then the secret one. Mode 0600; an existing file is not replaced.
Expected<> write_key_file(const std::filesystem::path& path, const KeyPair& keys);
// Refuses a file that its group or others may read.
Expected<KeyPair> read_key_file(const std::filesystem::path& path);

}  // namespace syn
