// Prophesee RAW: the text header, then little-endian words whose upper four bits say what they are.
//   EVT 2.0, 32 bits: 0 OFF and 1 ON: 6 low bits of time, x, y (11 bits each); 8: the upper 28 bits of time
//   EVT 3.0, 16 bits: 0: y; 2: polarity and x, an event; 3: polarity and x, base of a vector; 4 and 5: 12 or 8 pixels
//                     from the base on, a bit each; 6: lower 12 bits of time; 8: upper 12
// Other words (triggers, vendor data) are skipped, as are events before the first upper time, which have no time yet.
#include "conversion/data/events/prophesee_header.hpp"
#include "core/text.hpp"

namespace syn::data::formats {

namespace {

class Evt2 final : public EventReader {
 public:
  Evt2(ByteSource& source, Recording recording) : source_(source), recording_(std::move(recording)) {}
  const Recording& recording() const override { return recording_; }
  Expected<bool> next(Events& chunk) override {
    return next_records(
        source_, 4, chunk,
        [&](const std::uint8_t* record) {
          const auto word = little<std::uint32_t>(record);
          const std::uint32_t type = word >> 28;
          if (type == 8) {
            high_ = upper_(word & 0x0fffffff) << 6;
            timed_ = true;
          } else if (type <= 1 && timed_) {
            chunk.push(high_ | (word >> 22 & 63), static_cast<std::uint16_t>(word >> 11 & 2047),
                       static_cast<std::uint16_t>(word & 2047), static_cast<std::uint8_t>(type));
          }
          return true;
        },
        [](const std::uint8_t*) { return Error{}; });
  }

 private:
  ByteSource& source_;
  Recording recording_;
  Unwrapped upper_{28};
  std::int64_t high_ = 0;
  bool timed_ = false;
};

class Evt3 final : public EventReader {
 public:
  Evt3(ByteSource& source, Recording recording) : source_(source), recording_(std::move(recording)) {}
  const Recording& recording() const override { return recording_; }
  Expected<bool> next(Events& chunk) override {
    chunk.clear();
    while (chunk.empty()) {
      // A word holds up to 12 events.
      const auto view = source_.peek(2 * (kChunkEvents / 12));
      if (!view) return fail(view.error());
      if (view->empty()) return false;
      if (view->size() == 1) return cut_short(source_, "a word of EVT 3.0");
      const std::size_t words = view->size() / 2;
      for (std::size_t i = 0; i < words; ++i) take(little<std::uint16_t>(view->data() + 2 * i), chunk);
      source_.skip(words * 2);
    }
    return true;
  }

 private:
  void take(std::uint16_t word, Events& chunk) {
    const std::uint16_t low11 = word & 2047, low12 = word & 4095;
    switch (word >> 12) {
      case 0:
        y_ = low11;
        break;
      case 2:
        if (timed_) chunk.push(t_, low11, y_, word >> 11 & 1);
        break;
      case 3:
        base_ = low11;
        polarity_ = word >> 11 & 1;
        break;
      case 4:
        vector(low12, 12, chunk);
        break;
      case 5:
        vector(word & 255, 8, chunk);
        break;
      case 6:
        t_ = (t_ & ~std::int64_t{4095}) | low12;
        break;
      case 8: {
        const std::int64_t high = upper_(low12) << 12;
        // The lower bits follow in a word of their own; until then they are those of the new upper ones' first moment.
        if (!timed_ || high != (t_ & ~std::int64_t{4095})) t_ = high;
        timed_ = true;
        break;
      }
      default:
        break;
    }
  }
  void vector(std::uint32_t pixels, std::uint16_t width, Events& chunk) {
    for (std::uint16_t i = 0; i < width; ++i) {
      if ((pixels >> i & 1) != 0 && timed_) chunk.push(t_, static_cast<std::uint16_t>(base_ + i), y_, polarity_);
    }
    base_ = static_cast<std::uint16_t>(base_ + width);
  }

  ByteSource& source_;
  Recording recording_;
  Unwrapped upper_{12};
  std::int64_t t_ = 0;
  std::uint16_t y_ = 0, base_ = 0;
  std::uint8_t polarity_ = 0;
  bool timed_ = false;
};

bool has_encoding(ByteView start, std::string_view number, std::string_view name) {
  const PropheseeHeader header = header_in(start);
  return !header.is_dat() && (header.encoding() == number || header.encoding() == name);
}

template <class Reader>
Made make(ByteSource& source, const char* format) {
  const auto header = take_header(source);
  if (!header) return fail(header.error());
  Recording recording{.format = format};
  if (const auto sensor = header->sensor()) {
    recording.sensor = *sensor;
    recording.sensor_stated = true;
  }
  for (const char* key : {"date", "serial_number", "system_id"}) {
    if (const auto at = header->values.find(key); at != header->values.end())
      recording.notes.emplace_back(key, at->second);
  }
  return std::make_unique<Reader>(source, std::move(recording));
}

}  // namespace

bool is_evt2(ByteView start) {
  return has_encoding(start, "2.0", "EVT2");
}
bool is_evt3(ByteView start) {
  return has_encoding(start, "3.0", "EVT3");
}
Made make_evt2(ByteSource& source, const OpenOptions&) {
  return make<Evt2>(source, "EVT 2.0");
}
Made make_evt3(ByteSource& source, const OpenOptions&) {
  return make<Evt3>(source, "EVT 3.0");
}

}  // namespace syn::data::formats
