// Rules 1 to 5 of design.md against exact integers: every double that goes in is a fraction with a small denominator,
// so that __int128 holds the exact answer.
#include "conversion/integer_rules.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/random.hpp"

using namespace syn;

namespace {

__extension__ typedef __int128 Wide;
Wide floor_div(Wide a, Wide b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}
// floor(a / b + 1/2), b > 0
std::int64_t rounded(Wide a, Wide b) {
  return static_cast<std::int64_t>(floor_div(2 * a + b, 2 * b));
}
// An exact tie may fall either way, since max / 127 is not a binary fraction.
bool tie(Wide a, Wide b) {
  return (2 * a + b) % (2 * b) == 0;
}

struct Quantised {
  std::vector<double> unit;
  std::vector<std::int8_t> weights;
};
Quantised quantised_weights(std::span<const double> folded, std::span<const double> bias, bool one_unit) {
  std::vector<double> greatest(bias.size());
  widen(greatest, folded);
  const auto unit = units_of(greatest, std::vector<Identity>(bias.size()), bias, one_unit);
  return {unit, quantise_weights(folded, unit)};
}

}  // namespace

TEST_CASE("rule 1: weights are 127ths of the channel's greatest, halves rounded up") {
  SeededRandom random(1);
  for (int round = 0; round < 200; ++round) {
    const std::size_t inputs = 1 + random.below(40), outputs = 1 + random.below(5);
    std::vector<std::int64_t> numerator(inputs * outputs);
    std::vector<double> folded(numerator.size()), bias(outputs, 1);
    for (std::size_t i = 0; i < folded.size(); ++i) {
      numerator[i] = static_cast<std::int64_t>(random.below(1 << 21)) - (1 << 20);
      folded[i] = static_cast<double>(numerator[i]) / (1 << 24);
    }
    const bool one_unit = round % 4 == 0;
    const auto quantised = quantised_weights(folded, bias, one_unit);
    for (std::size_t i = 0; i < folded.size(); ++i) {
      std::int64_t greatest = 0;
      for (std::size_t j = one_unit ? 0 : i % outputs; j < folded.size(); j += one_unit ? 1 : outputs)
        greatest = std::max(greatest, std::abs(numerator[j]));
      const std::int64_t exact =
          greatest == 0 ? 0 : std::clamp<std::int64_t>(rounded(Wide{127} * numerator[i], greatest), -127, 127);
      const bool either = greatest != 0 && tie(Wide{127} * numerator[i], greatest);
      CHECK_MESSAGE((quantised.weights[i] == exact || (either && quantised.weights[i] == exact - 1)), numerator[i],
                    " of ", greatest);
      if (greatest != 0) CHECK(quantised.unit[i % outputs] == static_cast<double>(greatest) / (1 << 24) / 127);
    }
  }
}

TEST_CASE("rule 1: a channel without weights is told apart by its bias") {
  const std::vector<double> none(6), bias{0.5, 0};
  const auto quantised = quantised_weights(none, bias, false);
  CHECK(quantised.weights == std::vector<std::int8_t>(6));
  CHECK(quantise_bias(bias[0], quantised.unit[0]) == 127);
  CHECK(quantise_bias(bias[1], quantised.unit[1]) == 0);
}

TEST_CASE("rule 7: an identity has 17 bits where it sets the unit, at most 24, and sums that leave room in 32") {
  const std::vector<double> greatest{0, 127, 1e-9, 0}, bias(4);
  const std::vector<Identity> identities{{0.5, 0.5 * 8}, {64, 64. * 8}, {0.5, 0.5 * 8}, {0.5, 0.5 * 32767}};
  const auto unit = units_of(greatest, identities, bias, false);
  CHECK(0.5 / unit[0] == 65536);
  CHECK(unit[1] == 1);  // the weights' own: the multiplier is 64
  CHECK(0.5 / unit[2] == 1 << 23);
  CHECK(0.5 * 32767 / unit[3] == doctest::Approx(1 << 28));
  const auto one = units_of(greatest, identities, bias, true);
  CHECK(one == std::vector<double>(4, 1));
}

TEST_CASE("rules 2 and 3: biases and thresholds are whole units, halves rounded up") {
  SeededRandom random(2);
  for (int round = 0; round < 5000; ++round) {
    const std::int64_t unit = 1ll << random.below(20),
                       bias = static_cast<std::int64_t>(random.below(1ll << 32)) - (1ll << 31);
    const std::int64_t ceiling = static_cast<std::int64_t>(random.below(1ll << 32)), levels = 1ll << random.below(6);
    const double d = 1 << 30;
    CHECK(quantise_bias(static_cast<double>(bias) / d, static_cast<double>(unit) / d).value_or(-1) ==
          (std::abs(rounded(bias, unit)) <= 1 << 30 ? rounded(bias, unit) : -1));
    const std::int64_t theta = std::max<std::int64_t>(1, rounded(ceiling, Wide{levels} * unit));
    CHECK(threshold_for(static_cast<double>(ceiling) / d, static_cast<std::uint32_t>(levels),
                        static_cast<double>(unit) / d)
              .value_or(-1) == (theta <= 1 << 30 ? theta : -1));
  }
  CHECK(quantise_bias(-1.5, 1) == -1);  // floor(x + 1/2), not away from zero
  CHECK(quantise_bias(-2.5, 1) == -2);
  CHECK(threshold_for(0, 8, 1) == 1);
}

TEST_CASE("rule 4: counts are the rounded quotient, within 0 and C") {
  SeededRandom random(3);
  for (int round = 0; round < 20000; ++round) {
    const auto theta = static_cast<std::int64_t>(1 + random.below(1 << random.below(24)));
    const auto levels = static_cast<std::int64_t>(1 + random.below(255));
    const std::int64_t sum =
        static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(theta * (levels + 4)))) - 2 * theta;
    const auto exact =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(floor_div(Wide{sum} + theta / 2, theta)), 0, levels);
    CHECK(count_of(sum, theta, levels) == exact);
  }
}

TEST_CASE("rule 5: windows of unequal divisors are brought to their least common multiple") {
  // 3 x 3 with a border of one: corners divide by 4, edges by 6, the inside by 9.
  const auto same = pool_sums({.geometry = {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}}, {4, 4, 1}, {4, 4, 1});
  REQUIRE(same.has_value());
  CHECK(same->lcm == 36);
  CHECK(same->multiplier == std::vector<std::uint16_t>{9, 6, 6, 9, 6, 4, 4, 6, 6, 4, 4, 6, 9, 6, 6, 9});
  CHECK(same->greatest == 36);
  const auto included = pool_sums({.geometry = {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, .count_include_pad = true},
                                  {4, 4, 1}, {4, 4, 1});
  REQUIRE(included.has_value());
  CHECK(included->lcm == 9);
  CHECK(included->multiplier.empty());
  const auto plain = pool_sums({.geometry = {{2, 2}, {2, 2}}}, {4, 4, 1}, {2, 2, 1});
  REQUIRE(plain.has_value());
  CHECK(plain->lcm == 4);
  CHECK(plain->multiplier.empty());
  CHECK(plain->greatest == 4);
}
