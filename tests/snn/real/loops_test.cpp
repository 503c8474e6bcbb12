#include "snn/real/loops.hpp"

#include <doctest/doctest.h>

#include "core/random.hpp"

namespace syn::snn::real {

TEST_CASE("a divisor divides without dividing, up to the greatest number it was made for") {
  SeededRandom random(97);
  for (std::uint32_t divisor = 1; divisor < 40; ++divisor) {
    const Divisor by = Divisor::of(divisor, 300);
    for (std::uint32_t n = 0; n <= 300; ++n) CHECK(by(n) == n / divisor);
  }
  for (int round = 0; round < 20'000; ++round) {
    const auto most = static_cast<std::uint32_t>(1 + random.below(std::uint64_t{1} << (1 + random.below(24))));
    const auto divisor = static_cast<std::uint32_t>(1 + random.below(most));
    const Divisor by = Divisor::of(divisor, most);
    const auto multiple = static_cast<std::uint32_t>(random.below(most / divisor + 1)) * divisor;
    for (const std::uint32_t n : {most, multiple, multiple > 0 ? multiple - 1 : 0})
      if (by(n) != n / divisor) FAIL(n, " / ", divisor, " up to ", most);
  }
}

TEST_CASE("lists hold what is not 0, in order, for every instruction set and length") {
  SeededRandom random(98);
  for (const Loops* loops : available_loops()) {
    CAPTURE(loops->name);
    for (const std::size_t n : {1u, 7u, 63u, 64u, 65u, 200u, 4096u, 5000u}) {
      for (const double rate : {0.0, 0.01, 0.5, 1.0}) {
        std::vector<float> floats(n);
        std::vector<double> doubles(n);
        std::vector<std::uint64_t> words((n + 63) / 64);
        std::vector<std::uint32_t> wanted;
        for (std::size_t i = 0; i < n; ++i) {
          if (!random.chance(rate)) {
            floats[i] = -0.0f, doubles[i] = -0.0;
            continue;
          }
          floats[i] = static_cast<float>(random.below(9)) - 9.5f;
          doubles[i] = floats[i];
          words[i / 64] |= std::uint64_t{1} << (i % 64);
          wanted.push_back(static_cast<std::uint32_t>(i));
        }
        std::vector<std::uint32_t> index(n + kListSlack);
        std::vector<double> value(n);
        const auto listed = [&](std::size_t count) {
          return std::vector(index.begin(), index.begin() + static_cast<std::ptrdiff_t>(count));
        };
        CHECK(listed(loops->list_bits(words.data(), words.size(), index.data())) == wanted);
        CHECK(listed(loops->list(doubles.data(), n, index.data(), value.data())) == wanted);
        for (std::size_t e = 0; e < wanted.size(); ++e) CHECK(value[e] == doubles[wanted[e]]);
        CHECK(listed(loops->list_floats(floats.data(), n, index.data(), value.data())) == wanted);
        for (std::size_t e = 0; e < wanted.size(); ++e) CHECK(value[e] == doubles[wanted[e]]);
      }
    }
  }
}

}  // namespace syn::snn::real
