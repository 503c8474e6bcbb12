// A straight line through what was measured: does the cost of a layer follow its events?
#pragma once

#include <span>

namespace syn::bench {

struct Point {
  double x = 0, y = 0;  // y > 0
};

struct Line {
  double a = 0, b = 0;  // y = a + b x
  // How far the points lie from it, in shares of the line: the farthest above, and the farthest below.
  double above = 0, below = 0;
};
// The line of least squares of *relative* residuals: a cheap point weighs as much as a dear one. At least two points of
// different x, or a level.
Line fit(std::span<const Point> points);
// The same with a given `a`.
Line fit_from(double a, std::span<const Point> points);

}  // namespace syn::bench
