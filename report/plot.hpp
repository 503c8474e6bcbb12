// The charts of the report, from plain numbers: lines, horizontal bars, a histogram. Each returns one <svg> element
// whose looks are the page's style sheet (html.cpp). Same input, same bytes. Charts of nothing draw their frame and say
// so. Deliberately not here: what the numbers mean (page.cpp), the raster and the placement (raster.hpp, boxes.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/axis.hpp"

namespace syn::report {

// Colours are numbers: the style sheet has kColours of them, told apart in both themes, in print and without red or
// green.
inline constexpr std::uint32_t kColours = 6;

struct Key {  // an entry of a legend
  std::string name;
  std::uint32_t colour = 0;
};

struct Series {
  struct Point {
    double x = 0, y = 0;
    std::string tip;
  };
  std::string name;
  std::uint32_t colour = 0;
  std::vector<Point> points;  // joined in this order
};

struct LineChart {
  std::string id, title, x_label, y_label;
  Scale x_scale = Scale::linear;
  bool twos = false;      // ticks of a log axis at powers of two
  double floor = -1e300;  // what lies lower is drawn as a triangle at the bottom, not to scale
  std::vector<Series> series;
  struct Reference {  // a level that holds for every x, with its uncertainty
    std::string name;
    double y = 0, low = 0, high = 0;
  };
  std::optional<Reference> reference;
};
std::string line_chart(const LineChart& chart);

struct BarChart {
  struct Part {  // parts of one bar are stacked
    double value = 0;
    std::uint32_t colour = 0;
    std::string tip;
  };
  struct Bar {
    std::string label;  // on its left
    std::vector<Part> parts;
    std::string value;                // on its right
    std::optional<double> mark = {};  // a line across the bar
    std::string mark_tip = {};
  };
  struct Group {
    std::string name;  // above its bars; empty: none
    std::vector<Bar> bars;
  };
  std::string id, title, x_label;
  std::vector<Key> legend;
  std::vector<Group> groups;
  double full = 0;           // the axis' end, where it is known (100 %); 0: the greatest value
  double label_width = 110;  // room for the labels, in units of the drawing
};
std::string bar_chart(const BarChart& chart);

struct Histogram {
  std::string id, title, x_label, unit;
  std::vector<double> values;  // positive; bins are equal on a log axis
  struct Mark {
    std::string name;
    double value = 0;
  };
  std::vector<Mark> marks;  // from left to right
};
std::string histogram(const Histogram& chart);

// A row of thin bars as high as each share of the greatest, for a table's cell.
std::string spark(const std::vector<std::uint64_t>& values, const std::string& title);

}  // namespace syn::report
