#include "conversion/data/npy.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstring>

#include "tests/conversion/data/files.hpp"

using namespace syn;
using namespace syn::test;

namespace {

// A file as NumPy lays it out, with any header text.
Bytes npy(std::string_view header, ByteView body, int version = 1) {
  Bytes out{0x93,
            'N',
            'U',
            'M',
            'P',
            'Y',
            static_cast<std::uint8_t>(version),
            0,
            static_cast<std::uint8_t>(header.size() & 255),
            static_cast<std::uint8_t>(header.size() >> 8)};
  if (version == 2) out.resize(out.size() + 2);
  out.insert(out.end(), header.begin(), header.end());
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

template <class T, std::size_t N>
Bytes bytes_of(const std::array<T, N>& values) {
  Bytes out(sizeof(values));
  std::memcpy(out.data(), values.data(), sizeof(values));
  return out;
}

std::string what(ByteView bytes) {
  const auto array = data::read_npy(bytes, "x.npy");
  return array.has_value() ? "read" : array.error().what;
}

}  // namespace

TEST_CASE("what is written is read back, and the numbers start on a 64-byte boundary") {
  for (const std::vector<std::size_t>& shape : {std::vector<std::size_t>{6}, {2, 3}, {1, 2, 3, 1}, {}, {0, 4}}) {
    std::size_t size = 1;
    for (const std::size_t dim : shape) size *= dim;
    std::vector<float> values(size);
    for (std::size_t i = 0; i < size; ++i) values[i] = static_cast<float>(i) - 1.5f;
    const Bytes bytes = data::write_npy(shape, values);
    CHECK((bytes.size() - size * 4) % 64 == 0);
    const auto array = data::read_npy(bytes, "x.npy");
    REQUIRE(array.has_value());
    CHECK(array->shape == shape);
    CHECK(array->values == values);
    CHECK(array->type == "<f4");
  }
}

TEST_CASE("the header is byte for byte NumPy's") {
  const Bytes bytes = data::write_npy(std::array<std::size_t, 1>{2}, std::array<std::int32_t, 2>{1, -1});
  const std::string header(bytes.begin() + 10, bytes.begin() + 128);
  CHECK(header.starts_with("{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }  "));
  CHECK(header.back() == '\n');
  CHECK(Bytes(bytes.begin() + 128, bytes.end()) == Bytes{1, 0, 0, 0, 255, 255, 255, 255});
}

TEST_CASE("the five number types arrive as float, in both versions of the format") {
  const std::vector<float> expected{1, 2, 200};
  const auto check = [&](std::string_view type, const Bytes& body) {
    const std::string header = "{\"shape\": (3,), 'fortran_order': False, 'descr': '" + std::string(type) + "'}\n";
    for (const int version : {1, 2}) {
      const auto array = data::read_npy(npy(header, body, version), "x.npy");
      REQUIRE(array.has_value());
      CHECK(array->values == expected);
      CHECK(array->type == type);
    }
  };
  check("<f4", bytes_of(std::array<float, 3>{1, 2, 200}));
  check("<f8", bytes_of(std::array<double, 3>{1, 2, 200}));
  check("|u1", bytes_of(std::array<std::uint8_t, 3>{1, 2, 200}));
  check("<i4", bytes_of(std::array<std::int32_t, 3>{1, 2, 200}));
  check("<i8", bytes_of(std::array<std::int64_t, 3>{1, 2, 200}));
}

TEST_CASE("no cut and no flipped header bit of a .npy file crashes or invents numbers") {
  const Bytes whole = data::write_npy(std::array<std::size_t, 2>{2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(what(ByteView(whole).first(size)) != "read");
  for (std::size_t bit = 0; bit < 128 * 8; ++bit) {
    Bytes damaged = whole;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const auto array = data::read_npy(damaged, "x.npy");
    if (array.has_value()) CHECK(array->values.size() == 6);
  }
}

TEST_CASE("what cannot be read is refused by name") {
  const Bytes body(16);
  const auto with = [&](std::string_view header) { return what(npy(header, body)); };
  CHECK(with("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }") == "read");
  CHECK(with("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }").find("Fortran") != std::string::npos);
  CHECK(with("{'descr': '>f4', 'fortran_order': False, 'shape': (4,), }").find("'>f4'") != std::string::npos);
  CHECK(with("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }").find("'|O'") != std::string::npos);
  CHECK(with("{'descr': '<f4', 'fortran_order': False, 'shape': (5,), }").find("declares") != std::string::npos);
  CHECK(with("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }").find("declares 12 bytes") !=
        std::string::npos);
  CHECK(with("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }").find("more than") !=
        std::string::npos);
  CHECK(with("{'descr': '<f4', 'fortran_order': False, 'shape': (-4,), }").find("damaged") != std::string::npos);
  CHECK(with("{'descr': '<f4', 'shape': (4,), }").find("damaged") != std::string::npos);
  CHECK(with("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,4), }").find("damaged") !=
        std::string::npos);
  CHECK(with("__import__('os')").find("damaged") != std::string::npos);
  CHECK(what(npy("{}", body, 3)).find("version 3") != std::string::npos);
  CHECK(what(Bytes{1, 2, 3}) == "not a .npy file");
}

TEST_CASE("a .npy file is read from a path, and a missing one says so") {
  Folder folder;
  const auto file = folder.write("x.npy", data::write_npy(std::array<std::size_t, 1>{1}, std::vector<float>{7}));
  CHECK(data::read_npy(file)->values == std::vector<float>{7});
  CHECK(data::read_npy(folder / "none.npy").error().what == "no such file");
}
