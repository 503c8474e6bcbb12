#include "bench/kernels/fit.hpp"

#include <algorithm>

namespace syn::bench {
namespace {

struct Sums {
  double w = 0, x = 0, y = 0, xx = 0, xy = 0;
  explicit Sums(std::span<const Point> points) {
    for (const Point& p : points) {
      const double weight = 1 / (p.y * p.y);
      w += weight, x += weight * p.x, y += weight * p.y;
      xx += weight * p.x * p.x, xy += weight * p.x * p.y;
    }
  }
};

Line with_residuals(double a, double b, std::span<const Point> points) {
  Line line{.a = a, .b = b};
  for (const Point& p : points) {
    const double expected = a + b * p.x;
    const double off = expected > 0 ? p.y / expected - 1 : 1;
    line.above = std::max(line.above, off);
    line.below = std::max(line.below, -off);
  }
  return line;
}

}  // namespace

Line fit(std::span<const Point> points) {
  const Sums s(points);
  if (s.w <= 0) return {};
  const double spread = s.w * s.xx - s.x * s.x;
  const double b = spread > 1e-12 * s.w * s.xx ? (s.w * s.xy - s.x * s.y) / spread : 0;
  return with_residuals((s.y - b * s.x) / s.w, b, points);
}

Line fit_from(double a, std::span<const Point> points) {
  const Sums s(points);
  const double b = s.xx > 0 ? (s.xy - a * s.x) / s.xx : 0;
  return with_residuals(a, b, points);
}

}  // namespace syn::bench
