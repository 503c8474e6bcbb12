// What is done to events between the recording and the network: each filter is a reader around a reader, so they chain
// and stream. All are deterministic, and none depends on how the events are cut into pieces.
// Deliberately not here: counting into windows (windows.hpp), anything that moves events in time.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "conversion/data/events/events.hpp"

namespace syn::data {

// Times count from the first event that arrives here.
struct TimeSpan {
  std::int64_t from_us = 0;
  std::int64_t for_us = -1;  // negative: to the end
};
// The rectangle becomes the sensor; its corner becomes (0, 0). It must lie within the sensor.
struct Crop {
  std::uint32_t x = 0, y = 0, width = 0, height = 0;
};
// `merge`: one polarity, all events. `on`, `off`: one polarity, only these.
enum class PolarityChoice { both, merge, on, off };
// Blocks of factor x factor pixels become one; what is left over at the right and lower edge makes smaller blocks.
//   sum       every event stays, at its block
//   majority  an event of the block each time more than half of its pixels have fired with this polarity since the last
//             one (at most 8 x 8 pixels)
struct Downsample {
  enum class By { sum, majority };
  std::uint32_t factor = 1;
  By by = By::sum;
};
// After an event that is kept, its pixel is deaf for this long.
struct Refractory {
  std::int64_t us = 0;
};
// Background activity (Delbruck 2008): an event stays when one of its eight neighbours fired within this time before
// it, whichever polarity, and whether that one stayed or not.
struct Denoise {
  std::int64_t us = 0;
};
// As find_hot_pixels gives them.
struct DropPixels {
  std::vector<bool> hot;  // [y][x]
};

using EventFilter = std::variant<TimeSpan, Crop, PolarityChoice, Downsample, Refractory, Denoise, DropPixels>;

// Errors are of the options: a rectangle beyond the sensor, a factor of 0, a sensor too large to keep a time per pixel.
Expected<std::unique_ptr<EventReader>> filtered(std::unique_ptr<EventReader> inner, const EventFilter& filter);

// Pixels that fired more than `sigmas` standard deviations above the mean of those that fired at all. Reads to the end.
Expected<std::vector<bool>> find_hot_pixels(EventReader& reader, double sigmas);

// State per pixel is bounded by this many pixels.
inline constexpr std::size_t kMostPixels = std::size_t{1} << 25;

}  // namespace syn::data
