#include "core/sha256.hpp"

#include <doctest/doctest.h>

#include <string_view>

namespace syn {
namespace {

ByteView view(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

TEST_CASE("SHA-256 gives the digests of FIPS 180-4's examples") {
  CHECK(to_hex(Sha256::of({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(Sha256::of(view("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(Sha256::of(view("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(to_hex(Sha256::of(view(std::string(1'000'000, 'a')))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("what is added in parts is what is added at once, and adding goes on after a digest was taken") {
  Sha256 parts;
  parts.add(view("ab"));
  CHECK(parts.finish() == Sha256::of(view("ab")));
  parts.add(view("c"));
  CHECK(parts.finish() == Sha256::of(view("abc")));
}

TEST_CASE("numbers are added little-endian") {
  Sha256 numbers;
  numbers.add_u32(0x04030201);
  numbers.add_u64(0x0c0b0a0908070605);
  const std::int32_t last[] = {-1};
  numbers.add_i32(last);
  CHECK(numbers.finish() == Sha256::of(view("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\xff\xff\xff\xff")));
}

}  // namespace syn
