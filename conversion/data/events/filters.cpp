#include "conversion/data/events/filters.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/text.hpp"

namespace syn::data {

namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min() / 2;

// A filter keeps or drops each event, and may change it on the way.
template <class Rule>
class Filtered final : public EventReader {
 public:
  Filtered(std::unique_ptr<EventReader> inner, Sensor out, Rule rule)
      : inner_(std::move(inner)), recording_(inner_->recording()), rule_(std::move(rule)) {
    recording_.sensor = out;
  }
  const Recording& recording() const override { return recording_; }
  Repairs repairs() const override { return inner_->repairs(); }
  std::optional<double> done() const override { return inner_->done(); }

  Expected<bool> next(Events& chunk) override {
    do {
      const auto more = inner_->next(chunk);
      if (!more || !*more) return more;
      chunk.sensor = recording_.sensor;
      std::size_t kept = 0;
      for (std::size_t i = 0; i < chunk.size(); ++i) {
        if (!rule_(chunk.t[i], chunk.x[i], chunk.y[i], chunk.polarity[i])) continue;
        if (kept != i) chunk.move(i, kept);
        ++kept;
      }
      chunk.resize(kept);
    } while (chunk.empty());
    return true;
  }

 private:
  std::unique_ptr<EventReader> inner_;
  Recording recording_;
  Rule rule_;
};

using Time = std::int64_t;
using Place = std::uint16_t;
using Sign = std::uint8_t;
using Made = Expected<std::unique_ptr<EventReader>>;

template <class Rule>
Made around(std::unique_ptr<EventReader> inner, Sensor out, Rule rule) {
  return std::make_unique<Filtered<Rule>>(std::move(inner), out, std::move(rule));
}

std::unexpected<Error> wrong(const char* option, std::string what, std::string todo) {
  return fail(std::move(what), option, std::move(todo));
}
Expected<> bounded(const char* option, const Sensor& sensor) {
  if (sensor.pixels() <= kMostPixels) return {};
  return wrong(option,
               text::cat("a sensor of ", sensor.width, " x ", sensor.height, " is too large to keep its pixels"),
               "crop it first");
}

struct Make {
  std::unique_ptr<EventReader> inner;
  Sensor sensor = inner->recording().sensor;

  Made operator()(const TimeSpan& span) {
    return around(std::move(inner), sensor,
                  [span, first = Time{0}, begun = false](Time& t, Place&, Place&, Sign&) mutable {
                    if (!begun) first = t;
                    begun = true;
                    return t - first >= span.from_us && (span.for_us < 0 || t - first - span.from_us < span.for_us);
                  });
  }

  Made operator()(const Crop& c) {
    if (c.width == 0 || c.height == 0 || c.x >= sensor.width || c.y >= sensor.height || c.width > sensor.width - c.x ||
        c.height > sensor.height - c.y) {
      return wrong("--crop",
                   text::cat("the rectangle ", c.width, " x ", c.height, " at ", c.x, ", ", c.y,
                             " does not lie within the sensor of ", sensor.width, " x ", sensor.height),
                   "give X,Y,WIDTH,HEIGHT within it");
    }
    return around(std::move(inner), {c.width, c.height, sensor.polarities}, [c](Time&, Place& x, Place& y, Sign&) {
      if (x < c.x || y < c.y || x - c.x >= c.width || y - c.y >= c.height) return false;
      x = static_cast<Place>(x - c.x);
      y = static_cast<Place>(y - c.y);
      return true;
    });
  }

  Made operator()(const PolarityChoice& choice) {
    if (choice == PolarityChoice::both) return std::move(inner);
    const Sensor out{sensor.width, sensor.height, 1};
    if (sensor.polarities == 1 && choice != PolarityChoice::merge) {
      return wrong("--polarity", "the recording does not tell polarities apart", "use both or merge");
    }
    return around(std::move(inner), out, [choice](Time&, Place&, Place&, Sign& sign) {
      const bool on = sign != 0;
      sign = 0;
      return choice == PolarityChoice::merge || on == (choice == PolarityChoice::on);
    });
  }

  Made operator()(const Downsample& d) {
    if (d.factor == 0 || d.factor > std::max(sensor.width, sensor.height)) {
      return wrong("--downsample", text::cat("a factor of ", d.factor, " does not fit the sensor"), "give 1 or more");
    }
    const std::uint32_t f = d.factor;
    const Sensor out{(sensor.width - 1) / f + 1, (sensor.height - 1) / f + 1, sensor.polarities};
    if (d.by == Downsample::By::sum) {
      return around(std::move(inner), out, [f](Time&, Place& x, Place& y, Sign&) {
        x = static_cast<Place>(x / f);
        y = static_cast<Place>(y / f);
        return true;
      });
    }
    if (f > 8)
      return wrong("--downsample", "a majority of more than 8 x 8 pixels is not kept", "use --downsample-by sum");
    if (auto good = bounded("--downsample", out); !good) return fail(good.error());
    std::vector<std::uint64_t> fired(out.cells());  // a bit a pixel of the block
    return around(std::move(inner), out,
                  [f, in = sensor, out, fired = std::move(fired)](Time&, Place& x, Place& y, Sign& sign) mutable {
                    const std::uint32_t bx = x / f, by = y / f;
                    const std::uint32_t pixels = std::min(f, in.width - bx * f) * std::min(f, in.height - by * f);
                    std::uint64_t& bits = fired[(std::size_t{sign} * out.height + by) * out.width + bx];
                    bits |= std::uint64_t{1} << (y % f * f + x % f);
                    x = static_cast<Place>(bx);
                    y = static_cast<Place>(by);
                    if (static_cast<std::uint32_t>(std::popcount(bits)) * 2 <= pixels) return false;
                    bits = 0;
                    return true;
                  });
  }

  Made operator()(const Refractory& r) {
    if (auto good = bounded("--refractory", sensor); !good) return fail(good.error());
    std::vector<Time> last(sensor.pixels(), kNever);
    return around(
        std::move(inner), sensor,
        [us = r.us, width = sensor.width, last = std::move(last)](Time& t, Place& x, Place& y, Sign&) mutable {
          Time& before = last[std::size_t{y} * width + x];
          if (t - before < us) return false;
          before = t;
          return true;
        });
  }

  Made operator()(const Denoise& d) {
    if (auto good = bounded("--denoise", sensor); !good) return fail(good.error());
    // A border of one pixel that never fires spares the edges a case of their own.
    const std::size_t row = std::size_t{sensor.width} + 2;
    std::vector<Time> last(row * (std::size_t{sensor.height} + 2), kNever);
    return around(
        std::move(inner), sensor, [us = d.us, row, last = std::move(last)](Time& t, Place& x, Place& y, Sign&) mutable {
          Time* at = last.data() + (std::size_t{y} + 1) * row + x + 1;
          const Time *above = at - row, *below = at + row;
          const Time newest = std::max({above[-1], above[0], above[1], at[-1], at[1], below[-1], below[0], below[1]});
          *at = t;
          return t - newest <= us;
        });
  }

  Made operator()(const DropPixels& drop) {
    if (drop.hot.size() != sensor.pixels()) {
      return wrong("--hot-pixels", "the hot pixels are of another sensor", "find them in the same recording");
    }
    return around(std::move(inner), sensor, [hot = drop.hot, width = sensor.width](Time&, Place& x, Place& y, Sign&) {
      return !hot[std::size_t{y} * width + x];
    });
  }
};

}  // namespace

Expected<std::unique_ptr<EventReader>> filtered(std::unique_ptr<EventReader> inner, const EventFilter& filter) {
  return std::visit(Make{std::move(inner)}, filter);
}

Expected<std::vector<bool>> find_hot_pixels(EventReader& reader, double sigmas) {
  const Sensor sensor = reader.recording().sensor;
  if (auto good = bounded("--hot-pixels", sensor); !good) return fail(good.error());
  std::vector<std::uint64_t> counts(sensor.pixels());
  Events chunk;
  for (;;) {
    const auto more = reader.next(chunk);
    if (!more) return fail(more.error());
    if (!*more) break;
    for (std::size_t i = 0; i < chunk.size(); ++i) ++counts[std::size_t{chunk.y[i]} * sensor.width + chunk.x[i]];
  }
  double active = 0, sum = 0, squares = 0;
  for (const std::uint64_t count : counts) {
    active += count > 0;
    sum += static_cast<double>(count);
  }
  const double mean = active > 0 ? sum / active : 0;
  for (const std::uint64_t count : counts) {
    if (count > 0) squares += (static_cast<double>(count) - mean) * (static_cast<double>(count) - mean);
  }
  const double limit = mean + sigmas * (active > 0 ? std::sqrt(squares / active) : 0);
  std::vector<bool> hot(counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i) hot[i] = static_cast<double>(counts[i]) > limit;
  return hot;
}

}  // namespace syn::data
