#include "transport/keys.hpp"

#include <fcntl.h>
#include <sodium/core.h>
#include <sodium/crypto_box.h>
#include <sodium/crypto_scalarmult_curve25519.h>
#include <sodium/utils.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/assert.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "transport/file.hpp"

namespace syn {

namespace {

constexpr std::string_view kDigits =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
constexpr std::string_view kHead = "# Synfire secret key; keep it on this machine. Public key: ";
static_assert(kDigits.size() == 85 && crypto_box_PUBLICKEYBYTES == 32 && crypto_box_SECRETKEYBYTES == 32);

}  // namespace

KeyPair make_key_pair() {
  SYN_ASSERT(sodium_init() >= 0);
  KeyPair keys;
  crypto_box_keypair(keys.public_key.data(), keys.secret_key.data());
  return keys;
}

KeyPair pair_of(const Key& secret_key) {
  KeyPair keys{.secret_key = secret_key};
  crypto_scalarmult_curve25519_base(keys.public_key.data(), secret_key.data());
  return keys;
}

std::string to_z85(const Key& key) {
  std::string out(kKeyText, '0');
  for (std::size_t word = 0; word < key.size() / 4; ++word) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | key[word * 4 + i];  // big-endian, as the RFC says
    for (std::size_t i = 5; i-- > 0; value /= 85) out[word * 5 + i] = kDigits[value % 85];
  }
  return out;
}

Expected<Key> from_z85(std::string_view text) {
  const auto bad = [] {
    return fail("not a key: a key is 40 characters of Z85", "a key",
                "copy the key again, whole; `synfire keygen` prints it");
  };
  if (text.size() != kKeyText) return bad();
  Key key;
  for (std::size_t word = 0; word < key.size() / 4; ++word) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      const std::size_t digit = kDigits.find(text[word * 5 + i]);
      if (digit == std::string_view::npos) return bad();
      value = value * 85 + digit;
    }
    if (value > 0xffffffff) return bad();
    for (std::size_t i = 4; i-- > 0; value >>= 8) key[word * 4 + i] = static_cast<std::uint8_t>(value);
  }
  return key;
}

NodeId node_id(const Key& public_key) {
  const auto digest = Sha256::of(public_key);
  std::uint64_t id;
  std::memcpy(&id, digest.data(), sizeof id);
  return NodeId{id};
}

Expected<> write_key_file(const std::filesystem::path& path, const KeyPair& keys) {
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) {
    const int error = errno;
    return fail(text::cat("the key file cannot be written: ", std::strerror(error)), path.string(),
                error == EEXIST ? "remove the old key file first if it is no longer needed; nothing was changed"
                                : "check the folder and its permissions");
  }
  std::string content = text::cat(kHead, to_z85(keys.public_key), "\n", to_z85(keys.secret_key), "\n");
  const bool written =
      file.write_all({reinterpret_cast<const std::uint8_t*>(content.data()), content.size()}) && file.sync();
  sodium_memzero(content.data(), content.size());
  if (!written) {
    const int error = errno;
    ::unlink(path.c_str());
    return fail(text::cat("the key file cannot be written: ", std::strerror(error)), path.string(), "check the disk");
  }
  return {};
}

Expected<KeyPair> read_key_file(const std::filesystem::path& path) {
  const std::string where = path.string();
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts {};
  if (!file || ::fstat(file.number(), &facts) != 0) {
    return fail(text::cat("the key file cannot be read: ", std::strerror(errno)), where,
                "make one with `synfire keygen`, or correct the path");
  }
  if (!S_ISREG(facts.st_mode)) return fail("the key file is not a file", where, "correct the path");
  if ((facts.st_mode & 077) != 0) {
    return fail("the key file is readable by others", where,
                "run `chmod 600` on it; if others had access, make a new key");
  }
  auto content = file.read_all(4096);
  if (!content) return fail("the key file cannot be read", where, "a key file has two short lines; make it again");
  std::string_view lines(reinterpret_cast<const char*>(content->data()), content->size());
  std::string_view secret;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    if (!line.empty() && !line.starts_with('#')) secret = line;
  }
  const auto key = from_z85(secret);
  if (!key) return fail("the key file holds no key", where, "make it again with `synfire keygen`");
  const KeyPair keys = pair_of(*key);
  // The comment is what people copy from: it must be true.
  const std::string_view all(reinterpret_cast<const char*>(content->data()), content->size());
  if (all.starts_with(kHead) && all.substr(kHead.size(), kKeyText) != to_z85(keys.public_key)) {
    return fail("the public key in the file does not belong to its secret key", where,
                "the file was damaged; make a new key");
  }
  sodium_memzero(content->data(), content->size());
  return keys;
}

}  // namespace syn
