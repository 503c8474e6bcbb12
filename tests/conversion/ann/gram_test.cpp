#include "conversion/gram.hpp"

#include <doctest/doctest.h>

#include "core/random.hpp"

using namespace syn;

TEST_CASE("products of rows are exact, also where every value is as great as it may be") {
  SeededRandom random(31);
  for (const std::size_t length : {0, 1, 31, 32, 33, 1024, 5000}) {
    for (const bool extreme : {false, true}) {
      CAPTURE(length);
      CAPTURE(extreme);
      Rows a(5, length), b(7, length);
      const auto fill = [&](Rows& rows) {
        for (std::size_t i = 0; i < rows.count; ++i) {
          for (std::int16_t& v : rows[i]) {
            const auto any = static_cast<std::int16_t>(random.below(2 * Rows::kGreatest + 1));
            v = extreme ? Rows::kGreatest : static_cast<std::int16_t>(any - Rows::kGreatest);
          }
        }
      };
      fill(a);
      fill(b);
      std::vector<std::int64_t> products(a.count * b.count, -1);
      multiply_rows(a, 1, 4, b, 6, products);
      for (std::size_t i = 0; i < a.count; ++i) {
        for (std::size_t j = 0; j < b.count; ++j) {
          std::int64_t sum = 0;
          for (std::size_t s = 0; s < length; ++s) sum += std::int64_t{a[i][s]} * b[j][s];
          CHECK(products[i * b.count + j] == (i >= 1 && i < 4 && j < 6 ? sum : -1));
        }
      }
    }
  }
}
