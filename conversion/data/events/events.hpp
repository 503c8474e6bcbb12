// Events: what a neuromorphic sensor sends. One value for a piece of a recording, and the interface that hands a
// recording on in bounded pieces, so that one larger than memory streams through.
// Deliberately not here: file formats (open.hpp), filters (filters.hpp), counting into windows (windows.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace syn::data {

// Recordings of channels (an artificial cochlea: SHD, a population's spikes) are sensors of `width` channels, height 1
// and one polarity.
struct Sensor {
  std::uint32_t width = 0, height = 0;  // 0: the file does not say
  std::uint32_t polarities = 2;         // 2: 0 = darker (OFF), 1 = brighter (ON); 1: not told apart
  std::size_t pixels() const { return std::size_t{width} * height; }
  std::size_t cells() const { return pixels() * polarities; }
  bool known() const { return width > 0 && height > 0; }
  bool operator==(const Sensor&) const = default;
};
inline constexpr std::uint32_t kGreatestSensorSide = 65535;

// Event i is (t[i], x[i], y[i], polarity[i]); all four are equally long. Origin and direction of y are the file's.
struct Events {
  Sensor sensor;
  std::vector<std::int64_t> t;  // microseconds; the origin is the file's (power-on, the epoch, the recording's start)
  std::vector<std::uint16_t> x, y;
  std::vector<std::uint8_t> polarity;

  std::size_t size() const { return t.size(); }
  bool empty() const { return t.empty(); }
  void clear() {  // keeps the memory: a stream allocates for its first piece only
    resize(0);
  }
  void resize(std::size_t n) {
    t.resize(n);
    x.resize(n);
    y.resize(n);
    polarity.resize(n);
  }
  void push(std::int64_t at, std::uint16_t column, std::uint16_t row, std::uint8_t sign) {
    t.push_back(at);
    x.push_back(column);
    y.push_back(row);
    polarity.push_back(sign);
  }
  void move(std::size_t from, std::size_t to) {
    t[to] = t[from];
    x[to] = x[from];
    y[to] = y[from];
    polarity[to] = polarity[from];
  }
  bool operator==(const Events&) const = default;
};

// What is known before the first event.
struct Recording {
  std::string format;                                      // "AEDAT 4", "EVT 3.0", ...
  Sensor sensor;                                           // as the events that come out have it
  bool sensor_stated = false;                              // false: taken from the events themselves
  std::vector<std::pair<std::string, std::string>> notes;  // what else the file says, as it says it
};

// What was changed because the caller allowed it (OpenOptions).
struct Repairs {
  std::uint64_t outside = 0;    // events dropped, as they lay outside the sensor
  std::uint64_t reordered = 0;  // events that came late and were sorted in
  std::uint64_t clamped = 0;    // events whose time was raised to that of the one before
  bool any() const { return outside + reordered + clamped > 0; }
};

inline constexpr std::size_t kChunkEvents = 1 << 16;

class EventReader {
 public:
  virtual ~EventReader() = default;
  virtual const Recording& recording() const = 0;
  // The next 1 to kChunkEvents events, in place of what `chunk` held; false at the end, and at each call after it.
  // After an error the reader is spent. The pieces' bounds mean nothing.
  virtual Expected<bool> next(Events& chunk) = 0;
  virtual Repairs repairs() const { return {}; }
  // The share of the file that has been read, where its size is known: for progress bars.
  virtual std::optional<double> done() const { return {}; }
};

// Everything at once; refuses a recording of more than `most` events.
Expected<Events> read_all(EventReader& reader, std::size_t most = std::size_t{1} << 28);

}  // namespace syn::data
