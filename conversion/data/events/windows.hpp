// Events counted into windows, as the engines take them: one frame of counts a step.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "conversion/data/events/events.hpp"
#include "core/types.hpp"

namespace syn::data {

struct WindowOptions {
  // Exactly one of the two. Windows of a duration follow each other without gaps, empty ones too; those of a count end
  // with their last event.
  std::int64_t duration_us = 0;
  std::size_t events = 0;
  // Where the first window of a duration begins; else at the first event. Earlier events are left out.
  std::optional<std::int64_t> start_us;
  // So many windows and no more, empty ones where the recording has ended; else up to its last event, whose window is
  // as long as the others (of a duration) or as full as it gets (of a count).
  std::optional<std::uint64_t> exactly;
};

struct EventWindow {
  std::int64_t start_us = 0, end_us = 0;  // [start, end)
  std::size_t events = 0;
  std::vector<Count> counts;    // [polarity][y][x]; at most kGreatestCount
  std::uint64_t saturated = 0;  // events above that
};

class WindowReader {
 public:
  // `events` must outlive it. Refuses a sensor of more than 2^26 cells, and options that make no sense.
  static Expected<WindowReader> make(EventReader& events, const WindowOptions& options);
  // The next window, in place of what `window` held; false when there is none.
  Expected<bool> next(EventWindow& window);

 private:
  WindowReader(EventReader& events, const WindowOptions& options) : events_(&events), options_(options) {}
  Expected<bool> refill();  // false: no event is left
  void count_one(EventWindow& window) const;

  EventReader* events_;
  WindowOptions options_;
  Events chunk_;
  std::size_t at_ = 0;  // the next event of chunk_
  std::optional<std::int64_t> start_;
  std::uint64_t made_ = 0;
  bool ended_ = false;
};

// More windows than this are refused: a gap in time would be filled with empty ones for ever.
inline constexpr std::uint64_t kMostWindows = 100'000'000;

}  // namespace syn::data
