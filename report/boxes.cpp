// Positions are computed along the flow and across it; (along, across) is (x, y) when the flow goes to the right and
// (y, x) when it goes down. Everything else is the same for both.
#include "report/boxes.hpp"

#include <algorithm>
#include <cmath>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "report/svg.hpp"

namespace syn::report {

namespace {

constexpr double kLine = 15;
constexpr std::size_t kAcrossThePage = 6;  // more ranks than that go downwards

// The longest path to each box. Arrows of a plan form no circle; if they did, ranks would merely stop growing.
std::vector<std::size_t> ranks(const Boxes& boxes) {
  std::vector<std::size_t> rank(boxes.boxes.size(), 0);
  for (std::size_t round = 0; round < boxes.boxes.size(); ++round) {
    for (const auto& arrow : boxes.arrows) {
      rank[arrow.to] = std::min(boxes.boxes.size(), std::max(rank[arrow.to], rank[arrow.from] + 1));
    }
  }
  return rank;
}

struct Place {
  double x = 0, y = 0, width = 0, height = 0;
};

double height_of(const Boxes::Box& box) {
  return 26 + kLine * static_cast<double>(box.lines.size());
}

}  // namespace

std::string draw(const Boxes& boxes, const std::string& id, const std::string& title) {
  const std::vector<std::size_t> rank = ranks(boxes);
  std::size_t last = 0, widest = 1;
  std::vector<std::size_t> slot(rank.size()), in_rank(rank.size() + 1);
  double tallest = 0;
  for (std::size_t i = 0; i < rank.size(); ++i) {
    slot[i] = in_rank[rank[i]]++;
    last = std::max(last, rank[i]);
    widest = std::max(widest, in_rank[rank[i]]);
    tallest = std::max(tallest, height_of(boxes.boxes[i]));
  }
  const bool down = last + 1 > kAcrossThePage;
  constexpr double kWidth = 960;
  const double pitch = down ? tallest + 58 : kWidth / static_cast<double>(last + 1);
  const double lane = down ? kWidth / static_cast<double>(widest) : tallest + 30;
  const double box_width = down ? std::min(220.0, lane - 16) : std::min(150.0, pitch * 0.71);
  const double height = down ? pitch * static_cast<double>(last + 1) - 40 : lane * static_cast<double>(widest);
  Svg svg(id, title, kWidth, height);

  std::vector<Place> places;
  for (std::size_t i = 0; i < rank.size(); ++i) {
    const double across =
        static_cast<double>(slot[i]) + 0.5 + (static_cast<double>(widest) - static_cast<double>(in_rank[rank[i]])) / 2;
    const double high = height_of(boxes.boxes[i]);
    if (down) {
      places.push_back({across * lane - box_width / 2, pitch * static_cast<double>(rank[i]) + 2, box_width, high});
    } else {
      places.push_back(
          {pitch * (static_cast<double>(rank[i]) + 0.5) - box_width / 2, across * lane - high / 2, box_width, high});
    }
  }

  double heaviest = 1;
  for (const auto& arrow : boxes.arrows) heaviest = std::max(heaviest, arrow.weight);
  struct Note {
    double x, y;
    const std::vector<std::string>* lines;
  };
  std::vector<Note> notes;
  for (const auto& arrow : boxes.arrows) {
    SYN_ASSERT(arrow.from < places.size() && arrow.to < places.size(), arrow.from, arrow.to);
    const Place &a = places[arrow.from], &b = places[arrow.to];
    const double x1 = down ? a.x + a.width / 2 : a.x + a.width, y1 = down ? a.y + a.height : a.y + a.height / 2;
    const double x2 = down ? b.x + b.width / 2 : b.x, y2 = down ? b.y : b.y + b.height / 2;
    const double bend = (down ? y2 - y1 : x2 - x1) / 2;
    // An arrow that passes over other ranks swings around what stands between.
    const double swing = rank[arrow.to] > rank[arrow.from] + 1 ? (down ? lane * 0.62 : -lane * 0.72) : 0;
    const double thick = 1.2 + 4.2 * std::sqrt(std::max(0.0, arrow.weight) / heaviest);
    const std::string d = down ? text::cat("M", coordinate(x1), " ", coordinate(y1), "C", coordinate(x1 + swing), " ",
                                           coordinate(y1 + bend), " ", coordinate(x2 + swing), " ",
                                           coordinate(y2 - bend), " ", coordinate(x2), " ", coordinate(y2 - 7))
                               : text::cat("M", coordinate(x1), " ", coordinate(y1), "C", coordinate(x1 + bend), " ",
                                           coordinate(y1 + swing), " ", coordinate(x2 - bend), " ",
                                           coordinate(y2 + swing), " ", coordinate(x2 - 7), " ", coordinate(y2));
    svg.path(d, text::cat("arrow w", static_cast<int>(thick)), arrow.tip);
    svg.path(down ? text::cat("M", coordinate(x2 - 5), " ", coordinate(y2 - 9), "h10l-5 9z")
                  : text::cat("M", coordinate(x2 - 9), " ", coordinate(y2 - 5), "v10l9-5z"),
             "head");
    notes.push_back(
        {(x1 + x2) / 2 + (down ? swing * 0.75 : 0), (y1 + y2) / 2 + (down ? 0 : swing * 0.75), &arrow.lines});
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Place& p = places[i];
    const auto& box = boxes.boxes[i];
    svg.rect(p.x, p.y, p.width, p.height, box.outside ? "box outside" : "box", box.tip, 8);
    double y = p.y + 18;
    svg.text(p.x + p.width / 2, y, box.name, "group", "middle");
    for (const std::string& line : box.lines) {
      y += kLine;
      svg.text(p.x + p.width / 2, y, line, "tick", "middle");
    }
  }
  for (const Note& note : notes) {
    double y = down ? note.y + 4 - 6 * (static_cast<double>(note.lines->size()) - 1)
                    : note.y - 10 - 12 * (static_cast<double>(note.lines->size()) - 1);
    for (const std::string& line : *note.lines) {
      svg.text(down ? note.x + 12 : note.x, y, line, "note halo", down ? "start" : "middle");
      y += 13;
    }
  }
  return svg.str();
}

}  // namespace syn::report
