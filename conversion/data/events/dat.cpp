// Prophesee DAT: the text header, one byte of event type (0: 2D, 12: contrast detection), one of event size (8), then
// little-endian pairs of 32-bit time in us and 32-bit address.
#include "conversion/data/events/prophesee_header.hpp"
#include "core/text.hpp"

namespace syn::data::formats {

namespace {

// Where x, y and the polarity lie in the address.
struct Layout {
  unsigned x_bits, y_shift, y_bits, polarity_shift;
};
constexpr Layout kVersion1{9, 9, 8, 17};
constexpr Layout kVersion2{14, 14, 14, 28};

class Dat final : public EventReader {
 public:
  Dat(ByteSource& source, const Layout& layout, Recording recording)
      : source_(source), layout_(layout), recording_(std::move(recording)) {}
  const Recording& recording() const override { return recording_; }
  Expected<bool> next(Events& chunk) override {
    return next_records(
        source_, 8, chunk,
        [&](const std::uint8_t* record) {
          const auto address = little<std::uint32_t>(record + 4);
          const auto field = [&](unsigned shift, unsigned bits) {
            return static_cast<std::uint16_t>(address >> shift & ((1u << bits) - 1));
          };
          chunk.push(time_(little<std::uint32_t>(record)), field(0, layout_.x_bits),
                     field(layout_.y_shift, layout_.y_bits),
                     static_cast<std::uint8_t>(address >> layout_.polarity_shift & 1));
          return true;
        },
        [](const std::uint8_t*) { return Error{}; });
  }

 private:
  ByteSource& source_;
  Layout layout_;
  Recording recording_;
  Unwrapped time_{32};
};

}  // namespace

bool is_dat(ByteView start) {
  return header_in(start).is_dat();
}

Made make_dat(ByteSource& source, const OpenOptions&) {
  const auto header = take_header(source);
  if (!header) return fail(header.error());
  const auto version = header->values.find("version");
  const std::string number = version == header->values.end() ? "" : version->second;
  if (number != "1" && number != "2") {
    return fail(
        number.empty() ? "the header states no version" : text::cat("version '", number, "' of DAT is not known"),
        source.name(), "versions 1 and 2 are read: record with one of these");
  }
  const auto kind = source.peek(2);
  if (!kind) return fail(kind.error());
  if (kind->size() < 2) return cut_short(source, "the event type and size");
  if (((*kind)[0] != 0 && (*kind)[0] != 12) || (*kind)[1] != 8) {
    return fail(text::cat("events of type ", (*kind)[0], " and ", (*kind)[1],
                          " bytes are not contrast detections (type 0 or 12, 8 bytes)"),
                source.where(), "give the file that holds the CD events");
  }
  source.skip(2);
  Recording recording{.format = text::cat("DAT ", number)};
  if (const auto sensor = header->sensor()) {
    recording.sensor = *sensor;
    recording.sensor_stated = true;
  }
  if (const auto date = header->values.find("date"); date != header->values.end()) {
    recording.notes.emplace_back("date", date->second);
  }
  return std::make_unique<Dat>(source, number == "1" ? kVersion1 : kVersion2, std::move(recording));
}

}  // namespace syn::data::formats
