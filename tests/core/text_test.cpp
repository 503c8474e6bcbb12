#include "core/text.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace syn::text {

TEST_CASE("cat joins text, numbers, characters and booleans") {
  CHECK(cat("port ", 7000, " is taken") == "port 7000 is taken");
  CHECK(cat(-1, 'x', true, 0.1, std::string("s")) == "-1xtrue0.1s");
  CHECK(cat(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  CHECK(cat() == "");
}

TEST_CASE("fixed rounds to the decimals asked for and names what is not a number") {
  CHECK(fixed(0.91234, 2) == "0.91");
  CHECK(fixed(-1.5, 0) == "-2");
  CHECK(fixed(1e300, 1).size() == 303);
  CHECK(fixed(std::numeric_limits<double>::quiet_NaN(), 2) == "nan");
  CHECK(fixed(-std::numeric_limits<double>::infinity(), 2) == "-inf");
}

TEST_CASE("grouped sets a comma every three digits, also below zero") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1234567) == "1,234,567");
  CHECK(grouped(-1000) == "-1,000");
  CHECK(grouped(-100) == "-100");
  CHECK(grouped(std::numeric_limits<std::int64_t>::min()) == "-9,223,372,036,854,775,808");
}

TEST_CASE("hex and byte counts") {
  CHECK(hex(std::string_view("\x00\x0f\xff", 3)) == "000fff");
  CHECK(bytes(0) == "0 B");
  CHECK(bytes(999) == "999 B");
  CHECK(bytes(1536) == "1.5 kB");
  CHECK(bytes(250e6) == "250 MB");
}

}  // namespace syn::text
