#include <doctest/doctest.h>

#include "report/evaluation.hpp"
#include "report/table.hpp"

using namespace syn;

TEST_CASE("a table's columns of numbers are set to the right, the others to the left") {
  report::Table table({"name", "count"});
  table.row({"a", "5"});
  table.row({"long name", "1,234"});
  CHECK(table.text() ==
        "name       count\n"
        "----------------\n"
        "a              5\n"
        "long name  1,234\n");
}

TEST_CASE("widths count characters, not bytes") {
  report::Table table({"é", "x"});
  table.row({"ab", "y"});
  CHECK(table.text() == "é   x\n-----\nab  y\n");
}

TEST_CASE("percentiles are nearest ranks") {
  std::vector<double> values{5, 1, 4, 2, 3};
  CHECK(report::percentile(values, 0.5) == 3);
  CHECK(report::percentile(values, 0.95) == 5);
  CHECK(report::percentile(values, 0.0) == 1);
  CHECK(report::percentile({}, 0.5) == 0);
}

TEST_CASE("an inference that ended as an error counts nowhere, and changes the digest") {
  const std::vector<std::uint8_t> labels{1, 0, 1};
  std::vector<report::Outcome> outcomes{{{1, 2}, 7, 1000}, {{3, 3}, 8, 2000}, {{9, 1}, 9, 3000}};
  const auto all = report::evaluate(outcomes, labels);
  CHECK(all.total == 3);
  CHECK(all.correct == 2);  // the tie goes to the lowest index
  CHECK(all.latency_us_p50 == 2);
  outcomes[1].potentials.clear();
  const auto fewer = report::evaluate(outcomes, labels);
  CHECK(fewer.total == 2);
  CHECK(fewer.correct == 1);
  CHECK(fewer.digest != all.digest);
  CHECK(fewer.spike_digest != all.spike_digest);
}
