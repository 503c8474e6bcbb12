#include "bench/timing/quartiles.hpp"

#include <doctest/doctest.h>

namespace syn::bench {

TEST_CASE("quartiles lie between the values that they fall between, whatever order these came in") {
  const Quartiles q = quartiles({4, 1, 3, 2});
  CHECK(q.low == doctest::Approx(1.75));
  CHECK(q.median == doctest::Approx(2.5));
  CHECK(q.high == doctest::Approx(3.25));
  const Quartiles one = quartiles({7});
  CHECK(one.low == 7);
  CHECK(one.high == 7);
  CHECK(quartiles({}).median == 0);
}

}  // namespace syn::bench
