#include "conversion/data/events/windows.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace syn::data {

namespace {
constexpr std::size_t kMostCells = std::size_t{1} << 26;
}

Expected<WindowReader> WindowReader::make(EventReader& events, const WindowOptions& options) {
  if ((options.duration_us > 0) == (options.events > 0)) {
    return fail("a window is either so long or so many events", "--window", "give one of the two");
  }
  const Sensor& sensor = events.recording().sensor;
  if (sensor.cells() > kMostCells) {
    return fail(text::cat("a frame of ", sensor.width, " x ", sensor.height, " is too large to count"), "--window",
                "crop the sensor or down-sample it");
  }
  if (options.exactly.value_or(0) > kMostWindows) {
    return fail(text::cat(*options.exactly, " windows are too many"), "--steps", "make longer ones");
  }
  return WindowReader(events, options);
}

Expected<bool> WindowReader::refill() {
  while (!ended_ && at_ == chunk_.size()) {
    at_ = 0;
    chunk_.clear();
    const auto more = events_->next(chunk_);
    if (!more) return fail(more.error());
    ended_ = !*more;
    if (ended_) break;
    if (!start_) start_ = options_.start_us.value_or(chunk_.t.front());
    if (options_.duration_us > 0) {
      while (at_ < chunk_.size() && chunk_.t[at_] < *start_) ++at_;
    }
  }
  return at_ < chunk_.size();
}

void WindowReader::count_one(EventWindow& window) const {
  const Sensor& s = chunk_.sensor;
  Count& count =
      window.counts[(std::size_t{chunk_.polarity[at_]} * s.height + chunk_.y[at_]) * s.width + chunk_.x[at_]];
  if (count < kGreatestCount) {
    ++count;
  } else {
    ++window.saturated;
  }
  ++window.events;
}

Expected<bool> WindowReader::next(EventWindow& window) {
  if (options_.exactly && made_ == *options_.exactly) return false;
  auto left = refill();
  if (!left) return left;
  if (!*left && !options_.exactly) return false;
  if (made_ == kMostWindows) {
    return fail(text::cat("more than ", text::grouped(kMostWindows), " windows"), events_->recording().format,
                "make them longer, or cut the recording: --from, --for");
  }
  window.counts.assign(events_->recording().sensor.cells(), 0);
  window.events = 0;
  window.saturated = 0;
  window.start_us = start_.value_or(0);
  window.end_us = window.start_us;
  if (options_.duration_us > 0) {
    window.end_us += options_.duration_us;
    while (*left && chunk_.t[at_] < window.end_us) {
      count_one(window);
      ++at_;
      if (!(left = refill())) return left;
    }
    if (start_) start_ = window.end_us;
  } else {
    if (*left) window.start_us = chunk_.t[at_];
    window.end_us = window.start_us;
    while (*left && window.events < options_.events) {
      count_one(window);
      window.end_us = chunk_.t[at_] + 1;
      ++at_;
      if (!(left = refill())) return left;
    }
    if (start_) start_ = window.end_us;
  }
  ++made_;
  return true;
}

}  // namespace syn::data
