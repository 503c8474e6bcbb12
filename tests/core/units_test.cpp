#include "core/units.hpp"

#include <doctest/doctest.h>

using namespace syn;

TEST_CASE("an amount that was read is written so that it is read again, in its largest whole unit") {
  for (const char* text : {"15us", "300ms", "2s", "5min", "999999ms", "1440min", "1us"}) {
    const auto amount = read_duration(text, "here");
    REQUIRE(amount.has_value());
    CHECK(write_duration(*amount) == text);
  }
  for (const char* text : {"64kB", "512MB", "4GB", "256000GB", "1000000GB", "999999kB"}) {
    const auto amount = read_bytes(text, "here");
    REQUIRE(amount.has_value());
    CHECK(write_bytes(*amount) == text);
    CHECK(read_bytes(write_bytes(*amount), "here") == amount);
  }
  CHECK(write_duration(read_duration("86400s", "here").value()) == "1440min");
  CHECK(write_bytes(read_bytes("256000MB", "here").value()) == "256GB");
  CHECK(write_bytes(1'999) == "1kB");  // what cannot be spelled is rounded down
  CHECK(write_bytes(1'234'567'891'234) == "1234567891kB");
}
