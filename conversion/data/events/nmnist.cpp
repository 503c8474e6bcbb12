// N-MNIST and N-Caltech101 (Orchard et al. 2015): five bytes an event: x, y, then a bit of polarity and 23 bits of time
// in us, big-endian. y = 240 is no event: all that follows is 2^13 us later. The format has no magic and no sizes.
#include <algorithm>

#include "conversion/data/events/formats.hpp"
#include "conversion/data/events/nmnist.hpp"
#include "core/text.hpp"

namespace syn::data {

namespace formats {

namespace {

constexpr std::size_t kRecord = 5;
constexpr std::uint8_t kLater = 240;
constexpr std::int64_t kStepUs = 1 << 13;
constexpr std::uint32_t kSide = 34;  // N-MNIST's; a recording of a larger sensor shows itself by its events

class NMnist final : public EventReader {
 public:
  explicit NMnist(ByteSource& source) : source_(source) {}
  const Recording& recording() const override { return recording_; }
  Expected<bool> next(Events& chunk) override {
    return next_records(
        source_, kRecord, chunk,
        [&](const std::uint8_t* r) {
          if (r[1] == kLater) {
            later_ += kStepUs;
          } else {
            const std::int64_t t = std::int64_t{r[2] & 127} << 16 | std::int64_t{r[3]} << 8 | r[4];
            chunk.push(t + later_, r[0], r[1], r[2] >> 7);
          }
          return true;
        },
        [](const std::uint8_t*) { return Error{}; });
  }

 private:
  ByteSource& source_;
  Recording recording_{.format = "N-MNIST", .sensor = {.width = kSide, .height = kSide}, .sensor_stated = false};
  std::int64_t later_ = 0;
};

}  // namespace

// Nothing says what the file is, so its events must look like one: nearly always in order of time, and within 240 rows.
bool is_nmnist(ByteView start) {
  const std::size_t records = std::min<std::size_t>(start.size() / kRecord, 2000);
  if (records == 0) return false;
  // A few letters of text (the cut head of another format) would pass for events.
  if (std::all_of(start.begin(), start.end(), [](std::uint8_t c) { return c >= 9 && c < 127; })) return false;
  std::int64_t last = 0, later = 0;
  std::size_t back = 0;
  for (std::size_t i = 0; i < records; ++i) {
    const std::uint8_t* r = start.data() + i * kRecord;
    if (r[1] > kLater) return false;
    if (r[1] == kLater) {
      later += kStepUs;
      continue;
    }
    const std::int64_t t = (std::int64_t{r[2] & 127} << 16 | std::int64_t{r[3]} << 8 | r[4]) + later;
    back += t < last;
    last = t;
  }
  return back * 50 <= records;
}

Made make_nmnist(ByteSource& source, const OpenOptions&) {
  return std::make_unique<NMnist>(source);
}

}  // namespace formats

Expected<Bytes> write_nmnist(const Events& events) {
  Bytes out;
  out.reserve(events.size() * formats::kRecord);
  std::int64_t later = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events.x[i] > 255 || events.y[i] >= formats::kLater || events.polarity[i] > 1 || events.t[i] < 0 ||
        (i > 0 && events.t[i] < events.t[i - 1])) {
      return fail(text::cat("event ", i, " does not fit N-MNIST's format"), "writing N-MNIST",
                  "crop to 256 x 240 pixels and begin time at 0");
    }
    while (events.t[i] - later >= 1 << 23) {
      const std::uint8_t step[] = {0, formats::kLater, 0, 0, 0};
      out.insert(out.end(), std::begin(step), std::end(step));
      later += formats::kStepUs;
      if (out.size() > std::size_t{1} << 32) {
        return fail("the recording is too long for N-MNIST's format", "writing N-MNIST", "cut it");
      }
    }
    const auto t = static_cast<std::uint32_t>(events.t[i] - later);
    const std::uint8_t record[] = {static_cast<std::uint8_t>(events.x[i]), static_cast<std::uint8_t>(events.y[i]),
                                   static_cast<std::uint8_t>(events.polarity[i] << 7 | t >> 16),
                                   static_cast<std::uint8_t>(t >> 8), static_cast<std::uint8_t>(t)};
    out.insert(out.end(), std::begin(record), std::end(record));
  }
  return out;
}

}  // namespace syn::data
