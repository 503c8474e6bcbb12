#include "report/raster.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "report/axis.hpp"
#include "report/plot.hpp"
#include "report/svg.hpp"

namespace syn::report {

namespace {

// The steps at which a neuron spikes that hands on `count` in one row.
std::vector<std::uint32_t> spikes_of(std::string_view code, std::uint32_t count, std::uint32_t steps) {
  std::vector<std::uint32_t> at;
  if (code == "phase") {
    for (std::uint32_t k = 0; k < steps; ++k) {
      if (count >> (steps - 1 - k) & 1) at.push_back(k);
    }
    return at;
  }
  for (std::uint32_t i = 0; i < std::min(count, steps); ++i) at.push_back((2 * i + 1) * steps / (2 * count));
  return at;
}

// In which window each population spikes: one after the deepest population of neurons that reaches it.
std::vector<std::uint32_t> windows_of(const snn::Model& model) {
  std::vector<std::uint32_t> depth(model.populations.size(), 0);  // windows that have to pass before its own
  for (std::uint32_t p = 0; p < depth.size(); ++p) {
    for (const snn::Projection& projection : model.projections) {
      if (projection.to != p) continue;
      const bool waits = std::holds_alternative<snn::IntegrateAndFire>(model.populations[projection.from].kind);
      depth[p] = std::max(depth[p], depth[projection.from] + (waits ? 1u : 0u));
    }
  }
  return depth;
}

std::vector<std::vector<std::uint32_t>> sampled_rows(const snn::Model& model, const snn::Population& p,
                                                     const std::vector<Count>& counts, std::uint32_t most) {
  const std::uint32_t neurons = p.shape.neurons(), shown = std::min(neurons, most);
  std::vector<std::vector<std::uint32_t>> rows(shown);
  for (std::uint32_t k = 0; k < shown; ++k) {
    const auto nth = static_cast<std::uint32_t>((2 * std::uint64_t{k} + 1) * neurons / (2 * std::uint64_t{shown}));
    const std::size_t channel = nth / p.shape.positions(), position = nth % p.shape.positions();
    const std::size_t neuron = position * p.shape.channels + channel;
    if (model.code != snn::Code::step) {
      rows[k] = spikes_of(snn::name_of(model.code), counts[neuron], model.steps);
      continue;
    }
    for (std::uint32_t t = 0; t < model.steps; ++t) {
      if (counts[std::size_t{t} * neurons + neuron] > 0) rows[k].push_back(t);
    }
  }
  return rows;
}

}  // namespace

Raster raster_of(const snn::Model& model, const Glass::One& one, std::uint32_t most) {
  SYN_ASSERT(one.counts.size() == model.populations.size(), one.counts.size());
  Raster raster{.code = snn::name_of(model.code), .steps = model.steps};
  const bool waits = model.code != snn::Code::step;
  const auto windows = windows_of(model);
  for (std::size_t i = 0; i < model.populations.size(); ++i) {
    const snn::Population& p = model.populations[i];
    if (!std::holds_alternative<snn::IntegrateAndFire>(p.kind)) continue;
    Raster::Train train{.name = p.name, .neurons = p.shape.neurons(), .window = waits ? windows[i] : 0};
    train.rows = sampled_rows(model, p, one.counts[i], most);
    for (const Count c : one.counts[i]) {
      train.spikes += raster.code == "phase" ? static_cast<unsigned>(std::popcount(c)) : c;
    }
    raster.windows = std::max(raster.windows, train.window + 1);
    raster.trains.push_back(std::move(train));
  }
  return raster;
}

std::string draw(const Raster& raster, const std::string& id, const std::string& title) {
  constexpr double kWidth = 720, kLeft = 112, kRight = kWidth - 8, kRow = 1.5, kSpace = 8, kTop = 8;
  double height = kTop;
  for (const auto& train : raster.trains)
    height += std::max(26.0, kRow * static_cast<double>(train.rows.size())) + kSpace;
  const double bottom = height;
  Svg svg(id, title, kWidth, bottom + 44);
  const double all_steps = static_cast<double>(raster.steps) * raster.windows;
  const Axis x(Scale::linear, 0, all_steps, kLeft, kRight);
  const double mark = std::clamp(0.5 * (kRight - kLeft) / all_steps, 1.2, 7.0);  // how wide a spike is drawn
  double top = kTop;
  for (std::size_t i = 0; i < raster.trains.size(); ++i) {
    const auto& train = raster.trains[i];
    const double rows = kRow * static_cast<double>(train.rows.size()), high = std::max(26.0, rows);
    const double from = static_cast<double>(train.window) * raster.steps;
    svg.rect(kLeft, top, kRight - kLeft, high, "lane");
    svg.rect(x.at(from), top, x.at(from + raster.steps) - x.at(from), high, "window",
             text::cat(train.name, ": ", text::grouped(static_cast<std::int64_t>(train.spikes)), " spikes of ",
                       text::grouped(train.neurons), " neurons"));
    svg.text(kLeft - 9, top + 12, train.name, "group", "end");
    svg.text(kLeft - 9, top + 24,
             text::cat(train.rows.size() < train.neurons ? text::cat(train.rows.size(), " of ") : std::string(),
                       text::grouped(train.neurons)),
             "tick", "end");
    std::string d;
    const double begin = top + (high - rows) / 2;
    for (std::size_t r = 0; r < train.rows.size(); ++r) {
      for (const std::uint32_t t : train.rows[r]) {
        d += text::cat("M", coordinate(x.at(from + t + 0.5) - mark / 2), " ",
                       coordinate(begin + kRow * (static_cast<double>(r) + 0.5)), "h", coordinate(mark));
      }
    }
    if (!d.empty()) svg.path(d, text::cat("spike c", i % kColours, " stroke"));
    top += high + kSpace;
  }
  svg.line(kLeft, bottom, kRight, bottom, "axis");
  const std::uint32_t marks = raster.windows > 1 ? raster.windows : std::min(raster.steps, 8u);
  for (std::uint32_t m = 0; m <= marks; ++m) {
    const double at = x.at(all_steps * m / marks);
    svg.line(at, kTop, at, bottom + 4, "grid");
    svg.text(at, bottom + 17, short_number(all_steps * m / marks), "tick", m == marks ? "end" : "middle");
  }
  svg.text((kLeft + kRight) / 2, bottom + 36, "time step", "label", "middle");
  return svg.str();
}

std::string draw(const Picture& picture, const std::string& id, const std::string& title) {
  constexpr std::uint32_t kMost = 64;
  SYN_ASSERT(picture.pixels.size() >= std::size_t{picture.height} * picture.width * picture.channels);
  const std::uint32_t square =
      std::max({1u, (picture.height + kMost - 1) / kMost, (picture.width + kMost - 1) / kMost});
  const std::uint32_t rows = (picture.height + square - 1) / square, columns = (picture.width + square - 1) / square;
  Svg svg(id, title, 160, columns ? 160.0 * rows / columns : 160);
  const double size = columns ? 160.0 / columns : 1;
  const auto mean = [&](std::uint32_t channel, std::uint32_t row, std::uint32_t column) {
    std::uint32_t sum = 0, n = 0;
    for (std::uint32_t y = row * square; y < std::min(picture.height, (row + 1) * square); ++y) {
      for (std::uint32_t x = column * square; x < std::min(picture.width, (column + 1) * square); ++x, ++n) {
        sum += picture.pixels[(std::size_t{channel} * picture.height + y) * picture.width + x];
      }
    }
    return n ? sum / n : 0;
  };
  const auto colour = [&](std::uint32_t row, std::uint32_t column) {
    const std::uint32_t red = mean(0, row, column);
    if (picture.channels != 3) return red * 0x010101u;
    return red << 16 | mean(1, row, column) << 8 | mean(2, row, column);
  };
  for (std::uint32_t row = 0; row < rows; ++row) {
    for (std::uint32_t column = 0; column < columns;) {  // runs of one colour are one element
      const std::uint32_t rgb = colour(row, column), begin = column;
      while (column < columns && colour(row, column) == rgb) ++column;
      svg.pixel(begin * size, row * size, (column - begin) * size + 0.02, size + 0.02, rgb);
    }
  }
  return svg.str();
}

std::string draw_answer(const std::vector<double>& logits, std::uint32_t label, const std::string& id,
                        const std::string& title) {
  constexpr std::size_t kMost = 12;
  constexpr double kWidth = 160, kRow = 15, kLeft = 26, kRight = kWidth - 6;
  std::vector<std::uint32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0u);
  if (order.size() > kMost) {
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return logits[a] > logits[b]; });
    const auto mine = std::find(order.begin(), order.end(), label);
    if (mine >= order.begin() + kMost && mine != order.end()) std::iter_swap(order.begin() + kMost - 1, mine);
    order.resize(kMost);
  }
  Svg svg(id, title, kWidth, kRow * static_cast<double>(order.size()) + 4);
  double low = 0, high = 0;
  for (const double v : logits) low = std::min(low, v), high = std::max(high, v);
  const Axis x(Scale::linear, low, high, kLeft, kRight);
  const auto best = static_cast<std::uint32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  double top = 2;
  for (const std::uint32_t c : order) {
    const double a = x.at(std::min(0.0, logits[c])), b = x.at(std::max(0.0, logits[c]));
    svg.text(kLeft - 6, top + 11, text::cat(c == label ? "▸ " : "", c), c == label ? "value" : "tick", "end");
    svg.rect(a, top + 1.5, std::max(0.6, b - a), kRow - 4, c == best ? "c1 fill" : "c0 fill faint",
             text::cat("class ", c, ": ", text::fixed(logits[c], 3)), 1.5);
    top += kRow;
  }
  svg.line(x.at(0), 2, x.at(0), top, "axis");
  return svg.str();
}

}  // namespace syn::report
