#include "bench/kernels/measure.hpp"

#include <doctest/doctest.h>

#include "bench/kernels/figures.hpp"

namespace syn::bench {
namespace {

LayerLine line_of(std::uint32_t greatest, double rate, double events, double ns) {
  LayerLine line{.layer = "made", .input = {greatest, rate}, .events = events};
  line.synops = events * 576;
  line.engine = line.events_path = line.dense_path = {ns, ns, ns};
  line.events_rest = {1000, 1000, 1000};
  return line;
}

}  // namespace

TEST_CASE("the cost of events is fitted over binary rates up to 30 %, and starts no higher than an update costs") {
  std::vector<LayerLine> main{line_of(1, 0.001, 6, 1060), line_of(1, 0.1, 600, 7000), line_of(1, 0.3, 1800, 19000)};
  CostByEvents cost = cost_by_events(main);
  CHECK(cost.update == 1000);
  CHECK(cost.line.a == doctest::Approx(1000));
  CHECK(cost.line.b == doctest::Approx(10));
  main.push_back(line_of(1, 1, 6272, 20000));    // beyond the range
  main.push_back(line_of(15, 0.1, 600, 90000));  // not binary
  CHECK(cost_by_events(main).line.b == doctest::Approx(10));
  for (LayerLine& line : main) line.engine.median += 500;  // as if every call had an overhead of its own
  cost = cost_by_events(main);
  CHECK(cost.line.a == 1000);
  CHECK(cost.line.above > 0.3);
}

TEST_CASE("an event's price in memory is the slope of the naive path, and few events may cost more than it says") {
  std::vector<LayerLine> main = {line_of(1, 0.01, 60, 5000), line_of(1, 0.1, 600, 8000)};
  for (LayerLine& line : main) {
    line.singles_rest.median = 2000;
    line.naive_path.median = 4000 + 30 * line.events;
  }
  const CostByEvents cost = cost_by_events(main);
  CHECK(cost.update == 2000);
  CHECK(cost.naive_event == doctest::Approx(30));
  CHECK(cost.above_naive == doctest::Approx(5000. / 3800 - 1));
}

TEST_CASE("a kernel's own time is what its path takes without the same path that multiplies nothing") {
  LayerLine line = line_of(1, 0.1, 600, 7000);
  CHECK(line.events_kernel() == 6000);
  line.events_rest.median = 8000;  // noise
  CHECK(line.events_kernel() == 0);
}

TEST_CASE("the best path is the least of those that there are") {
  LayerLine line = line_of(1, 0.1, 600, 7000);
  CHECK(line.best_path() == 7000);
  line.dense_path.median = 5000;
  line.naive_path.median = 6000;
  CHECK(line.best_path() == 5000);
  CHECK(LayerLine{}.best_path() == 0);
}

TEST_CASE("figures are reached, missed or not measured, and never anything else") {
  CHECK(at_least("x", 45, 46, " G").verdict == Figure::Verdict::reached);
  CHECK(at_least("x", 45, 44, " G").verdict == Figure::Verdict::missed);
  CHECK(at_least("x", 45, 0, " G").verdict == Figure::Verdict::not_measured);
  CHECK(at_most("x", 1.1, 1.05, "x").verdict == Figure::Verdict::reached);
  CHECK(at_most("x", 1.1, 1.2, "x").verdict == Figure::Verdict::missed);
  CHECK(at_most("x", 1.1, 1.2, "x").got == "1.20x");
}

TEST_CASE("a table that this machine lacks leaves its figures unmeasured; one that chooses badly misses them") {
  TableResult avx2{.table = "avx2"};
  LayerLine ten = line_of(1, 0.1, 600, 7000);
  ten.synops = 7000 * 31.0;
  LayerLine graded = line_of(15, 0.1, 600, 7000);
  graded.dense_path.median = 5000;
  avx2.main = {ten, graded};
  const auto all = figures({avx2});
  const auto verdict = [&](std::string_view part) {
    for (const Figure& f : all)
      if (f.what.find(part) != std::string::npos) return f.verdict;
    return Figure::Verdict::not_measured;
  };
  CHECK(verdict("10 %, AVX-512") == Figure::Verdict::not_measured);
  CHECK(verdict("10 %, AVX2") == Figure::Verdict::reached);
  CHECK(verdict("30 %, AVX2") == Figure::Verdict::not_measured);
  CHECK(verdict("graded") == Figure::Verdict::missed);
}

}  // namespace syn::bench
