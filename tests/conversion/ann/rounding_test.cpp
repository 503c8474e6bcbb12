#include "conversion/rounding.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "core/random.hpp"

using namespace syn;

namespace {

// Inputs that rise and fall together, as neighbouring counts do.
Patches correlated(std::size_t inputs, std::size_t samples, bool wanted) {
  SeededRandom random(7);
  Patches out{.inputs = inputs, .counts = {}, .wanted = {}};
  for (std::size_t s = 0; s < samples; ++s) {
    const auto level = static_cast<float>(random.below(8));
    for (std::size_t i = 0; i < inputs; ++i) {
      const float count = level + static_cast<float>(random.below(3));
      out.counts.push_back(count);
      if (wanted) out.wanted.push_back(1.25f * count + 0.5f);
    }
  }
  return out;
}

// Mean square of sum(w x) - sum(v y), about its mean.
template <class A, class B>
double error(const Patches& p, const A& w, std::span<const float> x, const B& v, std::span<const float> y) {
  double sum = 0, square = 0;
  for (std::size_t s = 0; s < p.samples(); ++s) {
    double e = 0;
    for (std::size_t i = 0; i < p.inputs; ++i) e += w[i] * x[s * p.inputs + i] - v[i] * y[s * p.inputs + i];
    sum += e;
    square += e * e;
  }
  const auto n = static_cast<double>(p.samples());
  return square / n - sum / n * (sum / n);
}

}  // namespace

TEST_CASE("rounding by sums loses less of them than rounding weights one by one, and whole weights stay") {
  const Patches patches = correlated(24, 500, false);
  const Moments moments(patches, 0, 1, 2);
  SeededRandom random(8);
  std::vector<double> exact(24), nearest(24), whole(24);
  for (std::size_t i = 0; i < 24; ++i) {
    exact[i] = static_cast<double>(random.below(20000)) / 100 - 100;
    nearest[i] = std::floor(exact[i] + 0.5);
    whole[i] = nearest[i];
  }
  std::vector<std::int8_t> together(24), same(24);
  const double square = moments.round(exact, 1, together);
  // But for the ridge, the error is what it says.
  CHECK(square == doctest::Approx(error(patches, together, patches.counts, exact, patches.counts)).epsilon(0.2));
  CHECK(error(patches, together, patches.counts, exact, patches.counts) <
        0.3 * error(patches, nearest, patches.counts, exact, patches.counts));
  for (std::size_t i = 0; i < 24; ++i) CHECK(std::abs(together[i] - exact[i]) < 3);
  moments.round(whole, 1, same);
  for (std::size_t i = 0; i < 24; ++i) CHECK(same[i] == whole[i]);
}

TEST_CASE("a refit undoes what the counts say wrongly, and changes nothing where they are right") {
  const Patches patches = correlated(12, 500, true);
  const Moments moments(patches, 0, 1, 1);
  std::vector<double> before(12), after;
  for (std::size_t i = 0; i < 12; ++i) before[i] = static_cast<double>(i) - 4;
  after = before;
  moments.refit(after);
  CHECK(error(patches, after, patches.counts, before, patches.wanted) <
        0.1 * error(patches, before, patches.counts, before, patches.wanted));
  Patches right = patches;
  right.wanted = right.counts;
  after = before;
  Moments(right, 0, 1, 1).refit(after);
  CHECK(after == before);
  // Every second input, from the first on.
  CHECK(Moments(patches, 1, 2, 1).inputs() == 6);
  CHECK(Moments(patches, 1, 2, 1).mean()[2] == moments.mean()[5]);
}
