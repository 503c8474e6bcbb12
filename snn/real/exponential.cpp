#include "snn/real/exponential.hpp"

#include <cmath>

namespace syn::snn::real {
namespace {

// (e^r - 1) / r for |r| <= 0.36 by its Taylor series, 16 terms: the first one left out is below 2^-70.
double slope(double r) {
  double sum = 1;
  for (int term = 16; term >= 2; --term) sum = 1 + r / term * sum;
  return sum;
}

}  // namespace

double exponential(double x) {
  if (x != x) return x;
  if (x > 710) return HUGE_VAL;
  if (x < -746) return 0;
  // x = n ln 2 + r; ln 2 in two parts (Cody and Waite 1980), so that n times the first is exact.
  constexpr double kLn2High = 0x1.62e42feep-1, kLn2Low = 0x1.a39ef35793c76p-33;
  const double n = std::floor(x * 0x1.71547652b82fep0 + 0.5);
  const double r = (x - n * kLn2High) - n * kLn2Low;
  return std::ldexp(1 + r * slope(r), static_cast<int>(n));
}

double charged(double x) {
  return x < 0.36 ? x * slope(-x) : 1 - exponential(-x);
}

}  // namespace syn::snn::real
