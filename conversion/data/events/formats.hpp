// One decoder a format, behind open_events: they read what is written, and leave time order and the sensor's bounds to
// the check that open_events puts around them. Private to this folder.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "conversion/data/events/events.hpp"
#include "conversion/data/events/open.hpp"
#include "conversion/data/events/source.hpp"

namespace syn::data::formats {

using Made = Expected<std::unique_ptr<EventReader>>;

struct Format {
  const char* name;  // for OpenOptions::format
  // Whether `start` (the file's first kLookAhead bytes, or all of it) is of this format.
  bool (*looks_like)(ByteView start);
  // Reads the header. The source outlives the reader and stands at its beginning.
  Made (*make)(ByteSource& source, const OpenOptions& options);
};
inline constexpr std::size_t kLookAhead = 1 << 16;

bool is_aedat2(ByteView start);
bool is_aedat4(ByteView start);
bool is_dat(ByteView start);
bool is_evt2(ByteView start);
bool is_evt3(ByteView start);
bool is_hdf5(ByteView start);
bool is_csv(ByteView start);
bool is_nmnist(ByteView start);
Made make_aedat2(ByteSource& source, const OpenOptions& options);
Made make_aedat4(ByteSource& source, const OpenOptions& options);
Made make_dat(ByteSource& source, const OpenOptions& options);
Made make_evt2(ByteSource& source, const OpenOptions& options);
Made make_evt3(ByteSource& source, const OpenOptions& options);
Made make_hdf5(ByteSource& source, const OpenOptions& options);
Made make_csv(ByteSource& source, const OpenOptions& options);
Made make_nmnist(ByteSource& source, const OpenOptions& options);

// Those without a magic of their own come last.
inline constexpr std::array<Format, 8> kFormats{{{"aedat2", is_aedat2, make_aedat2},
                                                 {"aedat4", is_aedat4, make_aedat4},
                                                 {"dat", is_dat, make_dat},
                                                 {"evt2", is_evt2, make_evt2},
                                                 {"evt3", is_evt3, make_evt3},
                                                 {"hdf5", is_hdf5, make_hdf5},
                                                 {"csv", is_csv, make_csv},
                                                 {"nmnist", is_nmnist, make_nmnist}}};

inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::unexpected<Error> cut_short(const ByteSource& source, std::string_view inside) {
  return fail("the file is cut short: it ends inside " + std::string(inside), source.where(),
              "copy it again, or cut it back to a whole event");
}

// A counter of `bits` bits that wraps, as a time that does not: a step back by more than half the range is a step over
// the top. Smaller steps back are steps back.
class Unwrapped {
 public:
  explicit Unwrapped(unsigned bits) : bits_(bits) {}
  std::int64_t operator()(std::uint64_t raw) {
    const std::uint64_t half = std::uint64_t{1} << (bits_ - 1), mask = half * 2 - 1;
    if (!begun_) {
      begun_ = true;
      last_ = static_cast<std::int64_t>(raw);
      return last_;
    }
    const std::uint64_t step = (raw - static_cast<std::uint64_t>(last_)) & mask;
    last_ += step < half ? static_cast<std::int64_t>(step)
                         : static_cast<std::int64_t>(step) - 2 * static_cast<std::int64_t>(half);
    return last_;
  }

 private:
  unsigned bits_;
  bool begun_ = false;
  std::int64_t last_ = 0;
};

// Records of `size` bytes: decode(record) appends what it holds (at most one event) and is false for one that cannot
// be. Gives false at the end, an error when the file ends inside a record.
template <class Decode, class Refuse>
Expected<bool> next_records(ByteSource& source, std::size_t size, Events& chunk, const Decode& decode,
                            const Refuse& refuse) {
  chunk.clear();
  while (chunk.empty()) {
    const auto view = source.peek(size * kChunkEvents);
    if (!view) return fail(view.error());
    const std::size_t whole = view->size() / size;
    if (whole == 0 && view->empty()) return false;
    if (whole == 0) return cut_short(source, "an event");
    for (std::size_t i = 0; i < whole; ++i) {
      const std::uint8_t* record = view->data() + i * size;
      if (!decode(record)) {
        Error error = refuse(record);
        source.skip(i * size);
        error.where = source.where();
        return fail(std::move(error));
      }
    }
    source.skip(whole * size);
  }
  return true;
}

}  // namespace syn::data::formats
