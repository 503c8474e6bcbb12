#include "snn/coding/encoders.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/random.hpp"

namespace syn::snn::coding {
namespace {

std::vector<Count> column(const std::vector<Count>& rows, std::size_t values, std::size_t i) {
  std::vector<Count> out;
  for (std::size_t at = i; at < rows.size(); at += values) out.push_back(rows[at]);
  return out;
}

}  // namespace

TEST_CASE("rate coding spikes as often as the value says, the same for one seed, differently for another sample") {
  constexpr std::uint32_t kSteps = 20000;
  const std::vector<float> values{0, 0.01f, 0.25f, 0.5f, 0.99f, 1};
  std::vector<Count> rows(values.size() * kSteps), again(rows.size()), other(rows.size());
  REQUIRE(rate({.seed = 5, .sample = 1}, values, kSteps, rows).has_value());
  REQUIRE(rate({.seed = 5, .sample = 1}, values, kSteps, again).has_value());
  REQUIRE(rate({.seed = 5, .sample = 2}, values, kSteps, other).has_value());
  CHECK(rows == again);
  CHECK(rows != other);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto train = column(rows, values.size(), i);
    const double mean = std::accumulate(train.begin(), train.end(), 0.0) / kSteps;
    // Five standard deviations of a binomial.
    CHECK(std::abs(mean - values[i]) <= 5 * std::sqrt(values[i] * (1 - values[i]) / kSteps));
    if (i == 2 || i == 3) {  // steps do not depend on each other
      int both = 0;
      for (std::size_t t = 1; t < train.size(); ++t) both += train[t] && train[t - 1];
      CHECK(std::abs(both / double{kSteps} - mean * mean) < 0.02);
    }
  }
}

TEST_CASE("latency coding spikes once, the greater the earlier, and 0 never") {
  const std::vector<float> values{1, 0.9f, 0.5f, 0.1f, 1e-9f, 0};
  std::vector<Count> rows(values.size() * 11);
  REQUIRE(latency(values, 11, rows).has_value());
  const std::vector<std::vector<Count>::difference_type> at{0, 1, 5, 9, 10};
  for (std::size_t i = 0; i < at.size(); ++i) {
    const auto train = column(rows, values.size(), i);
    CHECK(std::accumulate(train.begin(), train.end(), 0) == 1);
    CHECK(std::find(train.begin(), train.end(), 1) - train.begin() == at[i]);
  }
  const auto never = column(rows, values.size(), 5);
  CHECK(std::accumulate(never.begin(), never.end(), 0) == 0);
}

TEST_CASE("phase coding carries the binary digits, the greatest first") {
  for (std::uint32_t steps = 1; steps <= kMostPhaseSteps; ++steps) {
    const std::uint32_t most = (1u << steps) - 1;
    for (std::uint32_t count = 0; count <= most; count += 1 + most / 97) {
      const std::vector<float> value{static_cast<float>(count) / static_cast<float>(most)};
      std::vector<Count> rows(steps);
      REQUIRE(phase(value, steps, rows).has_value());
      std::uint32_t read = 0;
      for (const Count bit : rows) read = 2 * read + bit;
      CHECK(read == count);
    }
  }
}

TEST_CASE("delta events add up to the signal, to within a threshold, however it is split") {
  SeededRandom random(3);
  constexpr std::uint32_t kSteps = 200, kValues = 4;
  std::vector<float> frames(kSteps * kValues);
  std::vector<double> walk(kValues);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    walk[i % kValues] += static_cast<double>(random.below(201)) / 500 - 0.2;
    frames[i] = static_cast<float>(walk[i % kValues]);
  }
  const Delta options{.threshold = 0.125};
  std::vector<double> reference(kValues);
  std::vector<Count> rows(2 * frames.size());
  REQUIRE(delta(options, frames, kSteps, reference, rows).has_value());
  std::vector<double> rebuilt(kValues);
  for (std::uint32_t t = 0; t < kSteps; ++t) {
    for (std::uint32_t i = 0; i < kValues; ++i) {
      const Count on = rows[(2 * t) * kValues + i], off = rows[(2 * t + 1) * kValues + i];
      CHECK((on == 0 || off == 0));
      rebuilt[i] += 0.125 * (on - off);
      CHECK(std::abs(rebuilt[i] - frames[t * kValues + i]) < 0.125);
    }
  }
  CHECK(rebuilt == reference);
  std::vector<double> carried(kValues);
  std::vector<Count> halves(rows.size());
  const std::size_t half = frames.size() / 2;
  REQUIRE(delta(options, std::span(frames).first(half), kSteps / 2, carried, std::span(halves).first(2 * half)));
  REQUIRE(delta(options, std::span(frames).last(half), kSteps / 2, carried, std::span(halves).last(2 * half)));
  CHECK(halves == rows);
}

TEST_CASE("a burst has more spikes, closer together, the greater the value") {
  const std::vector<float> values{0, 0.2f, 0.6f, 1};
  std::vector<Count> rows(values.size() * 12);
  REQUIRE(burst({.most = 5, .shortest = 1, .longest = 6}, values, 12, rows).has_value());
  CHECK(column(rows, 4, 0) == std::vector<Count>{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  CHECK(column(rows, 4, 3) == std::vector<Count>{1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0});
  // 0.2f and 0.6f are a little above their decimals: 2 and 4 spikes, 5 and 3 steps apart.
  CHECK(column(rows, 4, 1) == std::vector<Count>{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0});
  CHECK(column(rows, 4, 2) == std::vector<Count>{1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0});
}

TEST_CASE("population coding peaks in the field that is centred on the value, and falls off as a Gaussian") {
  constexpr std::uint32_t kFields = 7;
  for (std::uint32_t centre = 1; centre + 1 < kFields; ++centre) {
    const double x = (centre - 0.5) / (kFields - 2);
    const std::vector<float> value{static_cast<float>(x)};
    std::vector<float> fields(kFields);
    REQUIRE(population(value, kFields, fields).has_value());
    CHECK(fields[centre] == doctest::Approx(1));
    for (std::uint32_t f = 0; f < kFields; ++f) {
      const double off = 1.5 * (static_cast<double>(f) - centre);
      CHECK(fields[f] == doctest::Approx(std::exp(-off * off / 2)).epsilon(1e-4));
    }
  }
}

TEST_CASE("encoders clip and count what lies outside 0..1, and refuse a NaN") {
  const std::vector<float> outside{-0.5f, 0.5f, 2.0f};
  const std::vector<float> broken{0.5f, std::numeric_limits<float>::quiet_NaN(), 0.5f};
  std::vector<float> floats(9);
  std::vector<Count> rows(12);
  CHECK(direct(outside, 3, floats) == 2);
  CHECK(floats == std::vector<float>{0, 0.5f, 1, 0, 0.5f, 1, 0, 0.5f, 1});
  CHECK(rate({}, outside, 4, rows) == 2);
  CHECK(latency(outside, 4, rows) == 2);
  CHECK(phase(outside, 4, rows) == 2);
  CHECK(burst({}, outside, 4, rows) == 2);
  CHECK(population(outside, 3, floats) == 2);
  CHECK_FALSE(direct(broken, 3, floats).has_value());
  CHECK_FALSE(rate({}, broken, 4, rows).has_value());
  CHECK_FALSE(latency(broken, 4, rows).has_value());
  CHECK_FALSE(phase(broken, 4, rows).has_value());
  CHECK_FALSE(burst({}, broken, 4, rows).has_value());
  CHECK_FALSE(population(broken, 3, floats).has_value());
  std::vector<double> reference(3);
  std::vector<Count> both(6);
  CHECK_FALSE(delta({}, broken, 1, reference, both).has_value());
}

// The spikes themselves, so that a machine that differs is noticed.
TEST_CASE("rate coding gives the same spikes on every machine") {
  const std::vector<float> values(16, 0.5f);
  std::vector<Count> rows(16);
  REQUIRE(rate({.seed = 1, .sample = 0}, values, 1, rows).has_value());
  std::uint32_t word = 0;
  for (const Count spike : rows) word = 2 * word + spike;
  CHECK(word == 16932);
}

}  // namespace syn::snn::coding
