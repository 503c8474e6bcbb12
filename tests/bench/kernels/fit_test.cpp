#include "bench/kernels/fit.hpp"

#include <doctest/doctest.h>

#include <array>

namespace syn::bench {

TEST_CASE("points on a line give that line back, without residuals") {
  const std::array<Point, 3> points{{{0, 2}, {10, 7}, {1000, 502}}};
  const Line line = fit(points);
  CHECK(line.a == doctest::Approx(2));
  CHECK(line.b == doctest::Approx(0.5));
  CHECK(line.above < 1e-9);
  CHECK(line.below < 1e-9);
}

TEST_CASE("a cheap point that is off by a share weighs as much as a dear one") {
  // The same shares off at both ends: what is above at one end equals what is above at the other.
  const std::array<Point, 3> points{{{1, 1.1}, {500, 450}, {1000, 1100}}};
  const Line line = fit(points);
  CHECK(line.above > 0.05);
  CHECK(line.above < 0.15);
  CHECK(line.below > 0.05);
}

TEST_CASE("residuals are told apart by side") {
  const std::array<Point, 2> points{{{1, 15}, {2, 40}}};
  const Line line = fit_from(0, points);  // b between 15 and 20
  CHECK(line.a == 0);
  CHECK(line.b > 15);
  CHECK(line.b < 20);
  CHECK(line.above == doctest::Approx(20 / line.b - 1));
  CHECK(line.below == doctest::Approx(1 - 15 / line.b));
}

TEST_CASE("one point, or points of one place, give a level") {
  const std::array<Point, 2> points{{{3, 4}, {3, 4}}};
  CHECK(fit(points).a == doctest::Approx(4));
  CHECK(fit(points).b == 0);
  CHECK(fit({}).a == 0);
}

}  // namespace syn::bench
