#include "report/plot.hpp"

#include <algorithm>
#include <cmath>

#include "core/text.hpp"
#include "report/svg.hpp"

namespace syn::report {

namespace {

constexpr double kCharacter = 6.4;  // about the width of one, for legends and room beside bars

std::string colour(std::uint32_t c, std::string_view how) {
  return text::cat("c", c % kColours, " ", how);
}

double width_of(std::string_view s) {
  return kCharacter * static_cast<double>(std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// Keys from left to right, in as many lines as they need; returns how high they are.
double legend(Svg& svg, const std::vector<Key>& keys, double x, double y, double width) {
  if (keys.empty()) return 0;
  double at = x, line = y;
  for (const Key& key : keys) {
    const double wide = 18 + width_of(key.name) + 16;
    if (at > x && at + wide > x + width) at = x, line += 18;
    svg.rect(at, line, 11, 11, colour(key.colour, "fill"), {}, 2.5);
    svg.text(at + 17, line + 10, key.name, "key");
    at += wide;
  }
  return line - y + 24;
}

void horizontal_grid(Svg& svg, const Axis& y, double left, double right) {
  for (const Tick& tick : y.ticks(5)) {
    svg.line(left, y.at(tick.value), right, y.at(tick.value), "grid");
    svg.text(left - 7, y.at(tick.value) + 4, tick.text, "tick", "end");
  }
}
void vertical_grid(Svg& svg, const Axis& x, double top, double bottom, std::size_t wanted, bool lines, bool twos) {
  for (const Tick& tick : x.ticks(wanted, twos)) {
    if (lines) svg.line(x.at(tick.value), top, x.at(tick.value), bottom, "grid");
    if (!lines) svg.line(x.at(tick.value), bottom, x.at(tick.value), bottom + 4, "axis");
    svg.text(x.at(tick.value), bottom + 17, tick.text, "tick", "middle");
  }
}

}  // namespace

std::string line_chart(const LineChart& chart) {
  constexpr double kWidth = 460, kHeight = 330, kLeft = 48, kRight = kWidth - 14, kBottom = kHeight - 44;
  Svg svg(chart.id, chart.title, kWidth, kHeight);
  std::vector<Key> keys;
  double low_x = 1e300, high_x = -1e300, low_y = 1e300, high_y = -1e300;
  const auto see = [&](double y) {
    low_y = std::min(low_y, std::max(y, chart.floor));
    high_y = std::max(high_y, std::max(y, chart.floor));
  };
  for (const Series& s : chart.series) {
    keys.push_back({s.name, s.colour});
    for (const auto& p : s.points) {
      low_x = std::min(low_x, p.x), high_x = std::max(high_x, p.x);
      see(p.y);
    }
  }
  if (chart.reference) {
    see(chart.reference->low);
    see(chart.reference->high);
  }
  const bool nothing = low_x > high_x;
  if (nothing) low_x = 1, high_x = 2;
  if (low_y > high_y) low_y = 0, high_y = 1;
  const double top = 20 + legend(svg, keys, kLeft, 2, kRight - kLeft);
  const double room = (high_y - low_y) * 0.05;
  const Axis y(Scale::linear, low_y - room, high_y + room, kBottom, top);
  const bool logs = chart.x_scale == Scale::log;
  const double edge = (high_x - low_x) * 0.04;
  const Axis x(chart.x_scale, logs ? low_x / 1.12 : low_x - edge, logs ? high_x * 1.12 : high_x + edge, kLeft, kRight);
  svg.text(4, top - 9, chart.y_label, "label");
  horizontal_grid(svg, y, kLeft, kRight);
  vertical_grid(svg, x, top, kBottom, 6, false, chart.twos);
  svg.line(kLeft, kBottom, kRight, kBottom, "axis");
  svg.text((kLeft + kRight) / 2, kHeight - 8, chart.x_label, "label", "middle");
  if (chart.reference) {
    const auto& r = *chart.reference;
    svg.rect(kLeft, y.at(r.high), kRight - kLeft, y.at(r.low) - y.at(r.high), "band", r.name);
    svg.line(kLeft, y.at(r.y), kRight, y.at(r.y), "reference");
    svg.text(kRight, y.at(r.high) - 5, r.name, "note", "end");
  }
  if (nothing) svg.text((kLeft + kRight) / 2, (top + kBottom) / 2, "nothing was measured", "note", "middle");
  for (const Series& s : chart.series) {
    std::string d;
    for (const auto& p : s.points) {
      d += text::cat(d.empty() ? "M" : "L", coordinate(x.at(p.x)), " ", coordinate(y.at(std::max(p.y, chart.floor))));
    }
    if (s.points.size() > 1) svg.path(d, colour(s.colour, "stroke curve"));
    for (const auto& p : s.points) {
      const double px = x.at(p.x);
      if (p.y < chart.floor) {
        const double py = y.at(chart.floor);
        svg.path(text::cat("M", coordinate(px - 5), " ", coordinate(py - 4), "h10l-5 8z"), colour(s.colour, "fill"),
                 p.tip);
      } else {
        svg.circle(px, y.at(p.y), 4, colour(s.colour, "fill dot"), p.tip);
      }
    }
  }
  return svg.str();
}

std::string bar_chart(const BarChart& chart) {
  constexpr double kWidth = 460, kBar = 13, kGap = 5, kBetween = 9, kName = 20;
  double greatest = chart.full, values = 0;
  std::size_t bars = 0, names = 0;
  for (const auto& group : chart.groups) {
    names += !group.name.empty();
    for (const auto& bar : group.bars) {
      double sum = 0;
      for (const auto& part : bar.parts) sum += std::max(0.0, part.value);
      if (chart.full <= 0) greatest = std::max({greatest, sum, bar.mark.value_or(0)});
      values = std::max(values, width_of(bar.value));
      ++bars;
    }
  }
  const double left = chart.label_width, right = kWidth - values - 12;
  Svg measure("", "", 1, 1);
  const double first = 2 + legend(measure, chart.legend, 4, 2, kWidth - 8);
  const double height = first + static_cast<double>(bars) * (kBar + kGap) +
                        static_cast<double>(chart.groups.size()) * kBetween + static_cast<double>(names) * kName + 44;
  Svg svg(chart.id, chart.title, kWidth, height);
  double top = 2 + legend(svg, chart.legend, 4, 2, kWidth - 8);
  const double bottom = height - 42;
  const Axis x(Scale::linear, 0, greatest > 0 && std::isfinite(greatest) ? greatest : 1, left, right);
  vertical_grid(svg, x, top, bottom, 5, true, false);
  for (const auto& group : chart.groups) {
    if (!group.name.empty()) {
      svg.text(4, top + 14, group.name, "group");
      top += kName;
    }
    for (const auto& bar : group.bars) {
      svg.text(left - 7, top + kBar - 2, bar.label, "tick", "end");
      double from = 0;
      for (const auto& part : bar.parts) {
        const double to = from + std::max(0.0, part.value);
        svg.rect(x.at(from), top, std::max(0.4, x.at(to) - x.at(from)), kBar, colour(part.colour, "fill"), part.tip,
                 1.5);
        from = to;
      }
      if (bar.mark) { svg.rect(x.at(*bar.mark) - 1.25, top - 2.5, 2.5, kBar + 5, "mark", bar.mark_tip); }
      svg.text(x.at(std::max(from, bar.mark.value_or(0))) + 7, top + kBar - 2, bar.value, "value");
      top += kBar + kGap;
    }
    top += kBetween;
  }
  svg.line(left, bottom, right, bottom, "axis");
  svg.text((left + right) / 2, height - 6, chart.x_label, "label", "middle");
  return svg.str();
}

std::string histogram(const Histogram& chart) {
  constexpr double kWidth = 460, kHeight = 300, kLeft = 48, kRight = kWidth - 14, kTop = 62, kBottom = kHeight - 44;
  constexpr std::size_t kBins = 48;
  Svg svg(chart.id, chart.title, kWidth, kHeight);
  std::vector<double> values;
  for (const double v : chart.values) {
    if (std::isfinite(v) && v > 0) values.push_back(v);
  }
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const Axis x(Scale::log, values.empty() ? 1 : *low / 1.02, values.empty() ? 10 : *high * 1.02, kLeft, kRight);
  std::vector<std::uint64_t> bins(kBins);
  for (const double v : values) {
    const double part = (x.at(v) - kLeft) / (kRight - kLeft);
    ++bins[std::min(kBins - 1, static_cast<std::size_t>(part * kBins))];
  }
  const double greatest = static_cast<double>(*std::max_element(bins.begin(), bins.end()));
  const Axis y(Scale::linear, 0, std::max(1.0, greatest), kBottom, kTop);
  svg.text(4, kTop - 46, "inferences", "label");
  horizontal_grid(svg, y, kLeft, kRight);
  vertical_grid(svg, x, kTop, kBottom, 8, false, false);
  const double wide = (kRight - kLeft) / kBins;
  for (std::size_t i = 0; i < kBins; ++i) {
    if (bins[i] == 0) continue;
    const double from = x.low() * std::pow(x.high() / x.low(), static_cast<double>(i) / kBins);
    const double to = x.low() * std::pow(x.high() / x.low(), static_cast<double>(i + 1) / kBins);
    const double at = y.at(static_cast<double>(bins[i]));
    svg.rect(kLeft + wide * static_cast<double>(i) + 0.5, at, wide - 1, kBottom - at, "c0 fill",
             text::cat(text::grouped(static_cast<std::int64_t>(bins[i])), " between ", short_number(from), " and ",
                       short_number(to), " ", chart.unit),
             1);
  }
  svg.line(kLeft, kBottom, kRight, kBottom, "axis");
  svg.text((kLeft + kRight) / 2, kHeight - 8, chart.x_label, "label", "middle");
  if (values.empty()) svg.text((kLeft + kRight) / 2, (kTop + kBottom) / 2, "nothing was measured", "note", "middle");
  for (std::size_t i = 0; i < chart.marks.size() && !values.empty(); ++i) {
    const auto& mark = chart.marks[i];
    const double at = x.at(mark.value), line = kTop - 34 + 13 * static_cast<double>(i);
    svg.line(at, line + 4, at, kBottom, "markline");
    const bool left = at > (kLeft + kRight) / 2;  // the name stands on the roomier side
    svg.text(left ? at - 5 : at + 5, line + 4, text::cat(mark.name, "  ", short_number(mark.value), " ", chart.unit),
             "note", left ? "end" : "start");
  }
  return svg.str();
}

std::string spark(const std::vector<std::uint64_t>& values, const std::string& title) {
  constexpr double kWidth = 96, kHeight = 20;
  Svg svg("", title, kWidth, kHeight);
  const std::uint64_t greatest = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
  const double wide = kWidth / static_cast<double>(std::max<std::size_t>(1, values.size()));
  std::string d;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == 0) continue;
    const double high = std::max(0.7, kHeight * static_cast<double>(values[i]) / static_cast<double>(greatest));
    d += text::cat("M", coordinate(wide * static_cast<double>(i)), " ", coordinate(kHeight), "v", coordinate(-high),
                   "h", coordinate(std::max(0.5, wide - 0.6)), "v", coordinate(high), "z");
  }
  if (!d.empty()) svg.path(d, "c0 fill");
  return svg.str();
}

}  // namespace syn::report
