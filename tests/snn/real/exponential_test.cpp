#include "snn/real/exponential.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace syn::snn::real {

TEST_CASE("our exponential is the mathematical one within two units in the last place") {
  for (int i = -70000; i <= 70000; ++i) {
    const double x = i * 0.01 + i * 1e-7;
    const double wanted = static_cast<double>(std::exp(static_cast<long double>(x)));
    if (wanted < 1e-300) continue;  // below, the last place is not what it was
    CHECK(std::abs(exponential(x) - wanted) <= 2 * (std::nextafter(wanted, HUGE_VAL) - wanted));
  }
  CHECK(exponential(0) == 1);
  CHECK(exponential(-1e300) == 0);
  CHECK(exponential(1e300) == std::numeric_limits<double>::infinity());
  CHECK(std::isnan(exponential(std::nan(""))));
  CHECK(exponential(-745) > 0);
}

TEST_CASE("what a step takes of its input has no cancellation, however small the step") {
  for (double x = 1e-12; x < 800; x *= 1.03) {
    const double wanted = static_cast<double>(-std::expm1(-static_cast<long double>(x)));
    CHECK(std::abs(charged(x) - wanted) <= 3 * (std::nextafter(wanted, HUGE_VAL) - wanted));
  }
  CHECK(charged(0) == 0);
}

// The bits themselves, so that a machine or compiler that differs is noticed.
TEST_CASE("our exponential has the same bits everywhere") {
  CHECK(exponential(-0.04) == 0x1.ebec97e700b8dp-1);
  CHECK(exponential(-1) == 0x1.78b56362cef38p-2);
  CHECK(exponential(-20) == 0x1.1b48655f37267p-29);
  CHECK(charged(0.04) == 0x1.4136818ff472cp-5);
  CHECK(charged(1e-4) == 0x1.a368d059c5f9cp-14);
}

}  // namespace syn::snn::real
