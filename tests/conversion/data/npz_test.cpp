#include <doctest/doctest.h>

#include <string_view>

#include "conversion/data/npy.hpp"
#include "conversion/data/npz.hpp"

using namespace syn;

namespace {

std::uint64_t number(const Bytes& bytes, std::size_t at, std::size_t size) {
  std::uint64_t out = 0;
  for (std::size_t i = size; i-- > 0;) out = out << 8 | bytes.at(at + i);
  return out;
}

}  // namespace

TEST_CASE("an archive lists its members at its end, and each lies where the list says") {
  const std::vector<std::size_t> shape{2};
  const Bytes a = data::write_npy(shape, std::vector<float>{1, 2}), b = data::write_npy({}, std::vector<float>{3});
  const auto zip = data::write_npz({{"lif.1/potential", a}, {"b", b}}, "r.npz");
  REQUIRE(zip.has_value());
  const std::size_t end = zip->size() - 22;
  REQUIRE(number(*zip, end, 4) == 0x06054b50);
  CHECK(number(*zip, end + 10, 2) == 2);
  std::size_t entry = number(*zip, end + 16, 4);
  for (const auto& [name, npy] : {std::pair{std::string("lif.1/potential.npy"), a}, std::pair{std::string("b.npy"), b}}) {
    REQUIRE(number(*zip, entry, 4) == 0x02014b50);
    CHECK(number(*zip, entry + 10, 2) == 0);  // stored
    CHECK(number(*zip, entry + 24, 4) == npy.size());
    const std::size_t length = number(*zip, entry + 28, 2), local = number(*zip, entry + 42, 4);
    CHECK(std::string(zip->begin() + std::ptrdiff_t(entry + 46), zip->begin() + std::ptrdiff_t(entry + 46 + length)) == name);
    REQUIRE(number(*zip, local, 4) == 0x04034b50);
    CHECK(number(*zip, local + 26, 2) == length);
    const std::size_t body = local + 30 + length;
    CHECK(Bytes(zip->begin() + std::ptrdiff_t(body), zip->begin() + std::ptrdiff_t(body + npy.size())) == npy);
    entry += 46 + length;
  }
  CHECK(entry == end);
}

TEST_CASE("the checksum of a member is ZIP's") {
  const std::string_view digits = "123456789";  // CRC-32's check value
  const auto zip = data::write_npz({{"x", Bytes(digits.begin(), digits.end())}}, "r.npz");
  REQUIRE(zip.has_value());
  CHECK(number(*zip, 14, 4) == 0xcbf43926);
}
