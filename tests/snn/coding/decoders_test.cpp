#include "snn/coding/decoders.hpp"

#include <doctest/doctest.h>

namespace syn::snn::coding {

TEST_CASE("the last potential decides, the lowest index on a tie") {
  CHECK(by_potential(std::vector<double>{9, 0, 0, 1, 2, 2}, 3) == Decision{1, 1});
  CHECK(by_potential(std::vector<double>{-3, -1, -2}, 3) == Decision{1, 0});
}

TEST_CASE("most spikes win, the lowest index on a tie, and silence is class 0") {
  CHECK(by_count(std::vector<Count>{1, 0, 1, 0, 1, 1}, 3) == Decision{2, 1});
  CHECK(by_count(std::vector<Count>{0, 1, 1, 0, 1, 1}, 3) == Decision{1, 1});
  CHECK(by_count(std::vector<Count>(6), 3) == Decision{0, 1});
  CHECK(by_count(std::vector<Count>(6, kGreatestCount), 2) == Decision{0, 2});  // sums beyond 16 bits
}

TEST_CASE("the first spike wins, graded ones first, and silence decides nothing") {
  CHECK(by_first_spike(std::vector<Count>{0, 0, 0, 0, 1, 1, 1, 1, 1}, 3) == Decision{1, 1});
  CHECK(by_first_spike(std::vector<Count>{0, 1, 3}, 3) == Decision{2, 0});
  CHECK_FALSE(by_first_spike(std::vector<Count>(9), 3).has_value());
}

TEST_CASE("anytime decoding stops at the first step with the margin, held as long as asked, or at the end") {
  const std::vector<double> rows{1, 0, 0,   // 0 ahead by 1
                                 2, 2, 0,   // a tie
                                 2, 4, 0,   // 1 ahead by 2
                                 2, 5, 0,   // 1 ahead by 3
                                 9, 5, 0};  // 0 ahead by 4
  CHECK(by_margin({.margin = 1}, rows, 3) == Decision{0, 0});
  CHECK(by_margin({.margin = 2}, rows, 3) == Decision{1, 2});
  CHECK(by_margin({.margin = 2, .held = 2}, rows, 3) == Decision{1, 3});
  CHECK(by_margin({.margin = 4}, rows, 3) == Decision{0, 4});
  CHECK(by_margin({.margin = 99}, rows, 3) == Decision{0, 4});
  CHECK(by_margin({.margin = 99, .held = 9}, rows, 3) == Decision{0, 4});
  CHECK(cumulative(std::vector<Count>{1, 0, 1, 2, 0, 3}, 2) == std::vector<double>{1, 0, 2, 2, 2, 5});
}

}  // namespace syn::snn::coding
