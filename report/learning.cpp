#include "report/learning.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "report/plot.hpp"
#include "report/sections.hpp"
#include "report/svg.hpp"

namespace syn::report {
namespace {

constexpr std::uint32_t kLevels = 16;  // of grey: one path each, so that a hundred neurons take some 400 kB
constexpr double kCell = 60, kGap = 6, kLabel = 16;
constexpr std::size_t kColumns = 12;
constexpr std::uint32_t kMostPixels = 64;  // across; larger ones are averaged over squares

std::uint32_t level_at(const LearningPage& page, const LearningPage::Neuron& n, std::uint32_t strongest,
                       std::uint32_t square, std::uint32_t row, std::uint32_t column) {
  std::uint32_t sum = 0, count = 0;
  for (std::uint32_t y = row * square; y < std::min(page.height, (row + 1) * square); ++y) {
    for (std::uint32_t x = column * square; x < std::min(page.width, (column + 1) * square); ++x, ++count)
      sum += n.weights[std::size_t{y} * page.width + x];
  }
  return count ? sum * (kLevels - 1) / (count * strongest) : 0;
}

std::string draw(const LearningPage& page) {
  const std::size_t columns = std::min(kColumns, std::max<std::size_t>(1, page.neurons.size()));
  const std::size_t rows = (page.neurons.size() + columns - 1) / columns;
  Svg svg("neurons", "the weights of every neuron", static_cast<double>(columns) * (kCell + kGap),
          static_cast<double>(rows) * (kCell + kGap + kLabel));
  const std::uint32_t square =
      std::max({1u, (page.height + kMostPixels - 1) / kMostPixels, (page.width + kMostPixels - 1) / kMostPixels});
  const std::uint32_t high = (page.height + square - 1) / square, wide = (page.width + square - 1) / square;
  const double size = kCell / std::max(1u, std::max(high, wide));
  std::uint32_t strongest = 1;
  for (const auto& n : page.neurons) {
    for (const std::uint8_t w : n.weights) strongest = std::max<std::uint32_t>(strongest, w);
  }
  std::array<std::string, kLevels> runs;  // of one grey, everywhere
  for (std::size_t i = 0; i < page.neurons.size(); ++i) {
    const auto& n = page.neurons[i];
    SYN_ASSERT(n.weights.size() == std::size_t{page.height} * page.width, n.weights.size());
    const double left = static_cast<double>(i % columns) * (kCell + kGap),
                 top = static_cast<double>(i / columns) * (kCell + kGap + kLabel);
    svg.pixel(left, top, size * wide, size * high, 0);
    for (std::uint32_t row = 0; row < high; ++row) {
      for (std::uint32_t column = 0; column < wide;) {
        const std::uint32_t level = level_at(page, n, strongest, square, row, column), begin = column;
        while (column < wide && level_at(page, n, strongest, square, row, column) == level) ++column;
        if (level == 0) continue;
        const std::string across = coordinate((column - begin) * size), down = coordinate(size);
        runs[level] += text::cat("M", coordinate(left + begin * size), " ", coordinate(top + row * size), "h", across,
                                 "v", down, "h-", across, "z");
      }
    }
    svg.text(left + kCell / 2, top + kCell + 12,
             n.sure > 0 ? text::cat(n.class_, n.sure < 0.5 ? "?" : "") : std::string("–"), "tick", "middle");
  }
  for (std::uint32_t level = 1; level < kLevels; ++level) {
    if (!runs[level].empty()) svg.area(runs[level], level * 0x111111);
  }
  return svg.str();
}

std::string learning_curve(const LearningPage& page) {
  LineChart chart{.id = "curve",
                  .title = "accuracy on held-out images while learning",
                  .x_label = "images learnt from",
                  .y_label = "accuracy, %"};
  Series series{.name = page.rewarded ? "by outcome" : "by itself", .points = {}};
  for (const auto& e : page.exams) {
    const double share = e.total ? static_cast<double>(e.correct) / static_cast<double>(e.total) : 0;
    series.points.push_back({static_cast<double>(e.images), share * 100,
                             text::cat(whole(static_cast<double>(e.images)), " images: ", percent(share))});
  }
  chart.series.push_back(std::move(series));
  return line_chart(chart);
}

std::string exams_table(const LearningPage& page) {
  HtmlTable table({"images", "accuracy"});
  // At most twelve rows, the last one always.
  const std::size_t every = (page.exams.size() + 11) / 12;
  for (std::size_t i = (page.exams.size() - 1) % every; i < page.exams.size(); i += every) {
    const auto& e = page.exams[i];
    table.row({{whole(static_cast<double>(e.images))},
               {percent(e.total ? static_cast<double>(e.correct) / static_cast<double>(e.total) : 0)}});
  }
  return table.str();
}

}  // namespace

std::string html(const LearningPage& page) {
  SYN_ASSERT(!page.exams.empty());
  const auto& last = page.exams.back();
  const Evaluation e{.correct = last.correct, .total = last.total};
  std::size_t fired = 0;
  for (const auto& n : page.neurons) fired += n.sure > 0;
  const std::string header = text::cat(
      "<header>\n<div class=\"kicker\">Synfire report</div>\n<h1>", escape(page.learner), "</h1>\n<p>",
      escape(text::cat(page.data, ", ", whole(static_cast<double>(page.images)), " images, ",
                       page.rewarded ? "learnt by outcome (R-STDP)" : "learnt by itself (STDP)", ", ", page.where)),
      "</p>\n</header>\n");
  const std::string headline =
      tiles({{"accuracy", text::fixed(e.accuracy() * 100, 2), "%",
              text::cat("of ", whole(static_cast<double>(last.total)), " held-out images, ± ",
                        text::fixed(half_interval(e) * 100, 2), " at 95 %")},
             {"learnt from", whole(static_cast<double>(page.images)), "images",
              page.rewarded ? "and from whether its answer was right" : "labels only name the neurons afterwards"},
             {"neurons", whole(static_cast<double>(page.neurons.size())), "",
              text::cat(whole(static_cast<double>(fired)), " have found something")},
             {"speed", whole(page.images_per_minute), "/min", "exams in between included"},
             {"memory", text::bytes(static_cast<double>(page.state_bytes)), "", "the state on the node's disk"}});
  return document(
      text::cat(page.learner, ": Synfire report"),
      text::cat(
          header, "<section id=\"headline\" style=\"margin-top:0\">\n", headline, "</section>\n",
          section("learning", "While it learned",
                  "The same held-out images were asked about each time; a question changes nothing.",
                  columns({figure(learning_curve(page), "", ""),
                           text::cat("<div class=\"card\">", exams_table(page), "</div>\n")})),
          section("weights", "What every neuron has found",
                  "One picture a neuron: its synapse from each pixel, black for 0, white for the strongest.",
                  figure(draw(page), "",
                         "Below each, the class for which it fired most, lately; ? where that is less than half "
                         "of its votes, – where it has not fired.",
                         true)),
          section("about", "How this was made", "", text::cat("<div class=\"card\">", facts(page.facts), "</div>\n"))));
}

}  // namespace syn::report
