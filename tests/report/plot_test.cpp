// The charts: scales of awkward data, ticks, escaping, and that what they draw is well formed and inside the drawing.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "report/boxes.hpp"
#include "report/plot.hpp"
#include "report/svg.hpp"
#include "tests/report/markup.hpp"

using namespace syn;
using report::Axis;
using report::Scale;
using test::malformed;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<std::string> texts(const std::vector<report::Tick>& ticks) {
  std::vector<std::string> out;
  for (const auto& t : ticks) out.push_back(t.text);
  return out;
}

std::size_t count(const std::string& s, const std::string& what) {
  std::size_t n = 0;
  for (auto at = s.find(what); at != std::string::npos; at = s.find(what, at + 1)) ++n;
  return n;
}

report::LineChart lines(std::vector<report::Series::Point> points) {
  return {.id = "chart", .title = "t", .x_label = "x", .y_label = "y", .series = {{"a", 0, std::move(points)}}};
}

}  // namespace

TEST_CASE("ticks of a linear axis are 1, 2 or 5 times a power of ten, written with as many digits as they need") {
  CHECK(texts(Axis(Scale::linear, 0, 100, 0, 1).ticks(5)) ==
        std::vector<std::string>{"0", "20", "40", "60", "80", "100"});
  CHECK(texts(Axis(Scale::linear, 0, 1, 0, 1).ticks(5)) ==
        std::vector<std::string>{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"});
  CHECK(texts(Axis(Scale::linear, -3, 4, 0, 1).ticks(4)) == std::vector<std::string>{"-2", "0", "2", "4"});
  CHECK(texts(Axis(Scale::linear, 0, 40000, 0, 1).ticks(4)) ==
        std::vector<std::string>{"0", "10 k", "20 k", "30 k", "40 k"});
}

TEST_CASE("ticks of a log axis are powers of two where steps are shown, else powers of ten and their parts") {
  CHECK(texts(Axis(Scale::log, 1, 32, 0, 1).ticks(6, true)) ==
        std::vector<std::string>{"1", "2", "4", "8", "16", "32"});
  CHECK(texts(Axis(Scale::log, 0.9, 110, 0, 1).ticks(8)) ==
        std::vector<std::string>{"1", "2", "5", "10", "20", "50", "100"});
  CHECK(Axis(Scale::log, 1e-9, 1e12, 0, 1).ticks(6).size() <= 8);
}

TEST_CASE("an axis of nothing, of one value, turned round or without end is still an axis") {
  for (const Scale scale : {Scale::linear, Scale::log}) {
    for (const auto& [low, high] : std::vector<std::pair<double, double>>{{0, 0},
                                                                          {5, 5},
                                                                          {-5, -5},
                                                                          {9, 3},
                                                                          {1e-300, 1e300},
                                                                          {-kInfinity, kInfinity},
                                                                          {std::nan(""), std::nan("")},
                                                                          {1e18, 1e18}}) {
      const Axis axis(scale, low, high, 10, 90);
      for (const double v : {low, high, 0.0, 1.0, kInfinity, std::nan("")}) {
        CHECK(axis.at(v) >= 10 - 1e-9);
        CHECK(axis.at(v) <= 90 + 1e-9);
      }
      const auto ticks = axis.ticks(5);
      CHECK(ticks.size() <= 12);
      for (const auto& t : ticks) {
        CHECK(t.value >= axis.low() - std::abs(axis.low()) * 1e-3 - 1e-9);
        CHECK(t.value <= axis.high() + std::abs(axis.high()) * 1e-3 + 1e-9);
      }
    }
  }
}

TEST_CASE("short numbers keep two digits that count") {
  CHECK(report::short_number(0) == "0");
  CHECK(report::short_number(8) == "8");
  CHECK(report::short_number(0.25) == "0.25");
  CHECK(report::short_number(1234567) == "1.2 M");
  CHECK(report::short_number(-1500) == "-1.5 k");
  CHECK(report::short_number(999) == "999");
}

TEST_CASE("text from outside can neither leave its element nor break the encoding") {
  CHECK(report::escape("<a href=\"x\">&'") == "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  CHECK(report::escape("µs → é") == "µs → é");
  const std::string bad = "\xef\xbf\xbd";
  CHECK(report::escape(std::string("a\0b", 3)) == "a" + bad + "b");
  CHECK(report::escape("\x1b[2J") == bad + "[2J");
  CHECK(report::escape("\xc0\xaf") == bad + bad);            // overlong
  CHECK(report::escape("\xed\xa0\x80") == bad + bad + bad);  // a surrogate
  CHECK(report::escape("\xf0\x9f\x98") == bad + bad + bad);  // cut short
  CHECK(report::escape("\xf0\x9f\x98\x80") == "\xf0\x9f\x98\x80");

  auto chart = lines({{1, 2, "</title><script>alert(1)</script>"}});
  chart.title = "\"><script>";
  chart.series[0].name = "a&b<c>";
  const std::string svg = report::line_chart(chart);
  CHECK(malformed(svg) == "");
  CHECK(svg.find("<script") == std::string::npos);
}

TEST_CASE("coordinates are short, plain numbers") {
  CHECK(report::coordinate(1) == "1");
  CHECK(report::coordinate(1.5) == "1.5");
  CHECK(report::coordinate(-0.001) == "0");
  CHECK(report::coordinate(1e7) == "10000000");
}

TEST_CASE("charts of nothing say so, and are well formed like all others") {
  const std::string line = report::line_chart(lines({}));
  CHECK(malformed(line) == "");
  CHECK(line.find("nothing was measured") != std::string::npos);
  const std::string histogram = report::histogram({.id = "h", .title = "t", .x_label = "x", .unit = "ms"});
  CHECK(malformed(histogram) == "");
  CHECK(histogram.find("nothing was measured") != std::string::npos);
  CHECK(malformed(report::bar_chart({.id = "b", .title = "t", .x_label = "x"})) == "");
  CHECK(malformed(report::spark({}, "t")) == "");
  CHECK(malformed(report::spark({0, 0}, "t")) == "");
  CHECK(malformed(report::draw(report::Boxes{}, "p", "t")) == "");
}

TEST_CASE("a line chart has a dot for every point, and triangles for those below its floor") {
  auto chart = lines({{1, 90, "one"}, {2, 92, "two"}, {4, 20, "far below"}});
  chart.floor = 85;
  const std::string svg = report::line_chart(chart);
  CHECK(count(svg, "<circle") == 2);
  CHECK(count(svg, "h10l-5 8z") == 1);
  CHECK(svg.find("<title>far below</title>") != std::string::npos);
}

TEST_CASE("a line chart of one point has an axis that can be read") {
  const std::string svg = report::line_chart(lines({{1000, 71.6}}));
  CHECK(svg.find(">70<") != std::string::npos);
  CHECK(svg.find("000000") == std::string::npos);
}

TEST_CASE("every value of a histogram is in one bin, the greatest and the least too") {
  report::Histogram h{.id = "h", .title = "t", .x_label = "x", .unit = "ms"};
  for (const double v : {0.001, 1.0, 1.0, 50.0, 1000.0}) h.values.push_back(v);
  const std::string svg = report::histogram(h);
  CHECK(count(svg, "<title>1 between") == 3);
  CHECK(count(svg, "<title>2 between") == 1);
  h.values = {7, 7, 7};
  CHECK(count(report::histogram(h), "<title>3 between") == 1);
  h.values = {0, -1, kInfinity, std::nan("")};
  CHECK(report::histogram(h).find("nothing was measured") != std::string::npos);
}

TEST_CASE("bars are stacked to their sum, against the greatest or a stated end") {
  report::BarChart chart{.id = "b", .title = "t", .x_label = "x"};
  chart.groups = {{"g", {{"one", {{30, 0, "a"}, {10, 1, "b"}}, "40"}, {"two", {{80, 2, "c"}}, "80", 20.0, "mark"}}}};
  const std::string svg = report::bar_chart(chart);
  CHECK(malformed(svg) == "");
  CHECK(svg.find("<title>mark</title>") != std::string::npos);
  CHECK(svg.find(">80</text>") != std::string::npos);
  chart.full = 100;
  CHECK(report::bar_chart(chart).find(">100</text>") != std::string::npos);
}

TEST_CASE("boxes stand behind what they hear from, and many ranks go down the page") {
  report::Boxes boxes;
  const auto chain = [&](std::size_t n) {
    boxes = {};
    for (std::size_t i = 0; i < n; ++i) boxes.boxes.push_back({"node " + std::to_string(i), {"line"}, "", i == 0});
    for (std::size_t i = 1; i < n; ++i) boxes.arrows.push_back({i - 1, i, {"10 B"}, "", 10});
    return report::draw(boxes, "placement", "t");
  };
  CHECK(malformed(chain(5)) == "");
  CHECK(malformed(chain(20)) == "");
  CHECK(chain(20).find("viewBox=\"0 0 960 ") != std::string::npos);                  // as wide, and higher
  boxes = {{{"a", {}, ""}, {"b", {}, ""}}, {{0, 1, {}, "", 1}, {1, 0, {}, "", 1}}};  // no plan, but no hang either
  CHECK(malformed(report::draw(boxes, "circle", "t")) == "");
}
