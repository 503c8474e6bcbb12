#include "conversion/data/events/checked.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/text.hpp"

namespace syn::data {

namespace {

// What sorting may hold back. More late events than this within the bound are refused rather than kept.
constexpr std::size_t kMostHeld = std::size_t{1} << 24;
constexpr std::int64_t kGreatestTime = std::int64_t{1} << 60;  // so that differences of times never overflow

class Checked final : public EventReader {
 public:
  Checked(std::unique_ptr<EventReader> inner, Recording recording, const OpenOptions& options, std::string name)
      : inner_(std::move(inner)), recording_(std::move(recording)), options_(options), name_(std::move(name)) {
    options_.bound_us = std::clamp<std::int64_t>(options_.bound_us, 0, kGreatestTime);
  }

  const Recording& recording() const override { return recording_; }
  Repairs repairs() const override { return repairs_; }

  Expected<bool> next(Events& chunk) override {
    if (options_.order == TimeOrder::sort) return next_sorted(chunk);
    return next_checked(chunk);
  }

 private:
  // The decoder's next piece, inside the sensor, with its order looked at.
  Expected<bool> next_checked(Events& chunk) {
    do {
      const auto more = inner_->next(chunk);
      if (!more || !*more) return more;
      chunk.sensor = recording_.sensor;
      if (auto good = check(chunk); !good) return fail(good.error());
    } while (chunk.empty());
    return true;
  }

  Expected<> check(Events& chunk) {
    const Sensor& sensor = recording_.sensor;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < chunk.size(); ++i, ++index_) {
      if (chunk.x[i] >= sensor.width || chunk.y[i] >= sensor.height || chunk.polarity[i] >= sensor.polarities) {
        if (options_.outside == OutsideSensor::refuse) return outside(chunk, i);
        ++repairs_.outside;
        continue;
      }
      if (chunk.t[i] > kGreatestTime || chunk.t[i] < -kGreatestTime) {
        return fail(text::cat("event ", index_, " has the time ", chunk.t[i], " us, which no clock shows"),
                    text::cat(name_, ", event ", index_), "the recording is damaged: copy it again");
      }
      if (chunk.t[i] < newest_) {
        if (options_.order == TimeOrder::refuse || newest_ - chunk.t[i] > options_.bound_us) return late(chunk.t[i]);
        if (options_.order == TimeOrder::clamp) {
          chunk.t[i] = newest_;
          ++repairs_.clamped;
        } else {
          ++repairs_.reordered;
        }
      }
      newest_ = std::max(newest_, chunk.t[i]);
      if (kept != i) chunk.move(i, kept);
      ++kept;
    }
    chunk.resize(kept);
    return {};
  }

  // Whatever comes later is at most bound_us older than the newest so far, so all up to there can go, in stable order.
  Expected<bool> next_sorted(Events& chunk) {
    while (!ended_ && ready_ == 0) {
      erase_front();
      const auto more = next_checked(chunk);
      if (!more) return more;
      if (*more) {
        if (held_.size() + chunk.size() > kMostHeld) {
          return fail(text::cat("more than ", kMostHeld, " events within the ", options_.bound_us,
                                " us in which they may be late"),
                      name_, "allow less: --order-bound");
        }
        append(chunk);
      } else {
        ended_ = true;
      }
      sort_held();
      const std::int64_t safe = ended_ ? std::numeric_limits<std::int64_t>::max() : newest_ - options_.bound_us;
      ready_ = static_cast<std::size_t>(std::upper_bound(held_.t.begin(), held_.t.end(), safe) - held_.t.begin());
    }
    chunk.clear();
    chunk.sensor = recording_.sensor;
    const std::size_t part = std::min(ready_, kChunkEvents);
    for (std::size_t i = gone_; i < gone_ + part; ++i)
      chunk.push(held_.t[i], held_.x[i], held_.y[i], held_.polarity[i]);
    gone_ += part;
    ready_ -= part;
    return part > 0;
  }

  void append(const Events& chunk) {
    for (std::size_t i = 0; i < chunk.size(); ++i) held_.push(chunk.t[i], chunk.x[i], chunk.y[i], chunk.polarity[i]);
  }
  void sort_held() {
    if (std::is_sorted(held_.t.begin(), held_.t.end())) return;
    std::vector<std::size_t> order(held_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return held_.t[a] < held_.t[b]; });
    Events sorted;
    for (const std::size_t i : order) sorted.push(held_.t[i], held_.x[i], held_.y[i], held_.polarity[i]);
    held_ = std::move(sorted);
  }
  void erase_front() {
    const auto cut = [n = static_cast<std::ptrdiff_t>(gone_)](auto& v) { v.erase(v.begin(), v.begin() + n); };
    cut(held_.t);
    cut(held_.x);
    cut(held_.y);
    cut(held_.polarity);
    gone_ = 0;
  }

  std::unexpected<Error> outside(const Events& chunk, std::size_t i) const {
    const Sensor& s = recording_.sensor;
    return fail(text::cat("event ", index_, " at x = ", chunk.x[i], ", y = ", chunk.y[i], ", polarity ",
                          chunk.polarity[i], " lies outside the sensor of ", s.width, " x ", s.height, ", ",
                          s.polarities, s.polarities == 1 ? " polarity" : " polarities"),
                text::cat(name_, ", event ", index_),
                "if the size is wrong give --sensor WIDTHxHEIGHT; --outside drop leaves such events out");
  }
  std::unexpected<Error> late(std::int64_t t) const {
    const bool mending = options_.order != TimeOrder::refuse;
    return fail(text::cat("time runs backwards at event ", index_, ": ", t, " us after ", newest_, " us",
                          mending ? text::cat(", more than the allowed ", options_.bound_us, " us") : ""),
                text::cat(name_, ", event ", index_),
                mending ? "allow more with --order-bound, or cut the recording there"
                        : "--order sort or --order clamp mends what is a little late (--order-bound)");
  }

  std::unique_ptr<EventReader> inner_;
  Recording recording_;
  OpenOptions options_;
  std::string name_;
  Repairs repairs_;
  std::uint64_t index_ = 0;  // of the event looked at, counted as the file has them
  std::int64_t newest_ = -kGreatestTime;
  Events held_;  // sort: in order; the first `gone_` are handed on, the `ready_` behind them may go
  std::size_t gone_ = 0, ready_ = 0;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<EventReader> make_checked(std::unique_ptr<EventReader> inner, Recording recording,
                                          const OpenOptions& options, std::string name) {
  return std::make_unique<Checked>(std::move(inner), std::move(recording), options, std::move(name));
}

}  // namespace syn::data
