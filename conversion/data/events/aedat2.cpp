// AEDAT 2 (jAER since 2010): text lines that begin with '#', then pairs of big-endian 32-bit address and time in us.
// The address means what the chip's class in jAER makes of it; x runs as jAER shows it (it mirrors the field), y
// upwards.
#include <algorithm>
#include <cctype>

#include "conversion/data/events/formats.hpp"
#include "core/text.hpp"

namespace syn::data::formats {

namespace {

constexpr std::size_t kLongestLine = 4096;
constexpr std::size_t kLongestHeader = std::size_t{1} << 22;  // jAER dumps all preferences into it

struct Chip {
  const char* name;
  Sensor sensor;
  bool davis;
};
constexpr Chip kChips[] = {{"dvs128", {128, 128, 2}, false},  {"davis128", {128, 128, 2}, true},
                           {"davis208", {208, 192, 2}, true}, {"davis240", {240, 180, 2}, true},
                           {"davis346", {346, 260, 2}, true}, {"davis640", {640, 480, 2}, true}};

const Chip* chip_in(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const Chip& chip : kChips) {
    if (text.find(chip.name) != std::string::npos) return &chip;
  }
  return nullptr;
}
std::string chip_names() {
  std::string out;
  for (const Chip& chip : kChips) out += (out.empty() ? "" : ", ") + std::string(chip.name);
  return out;
}

class Aedat2 final : public EventReader {
 public:
  Aedat2(ByteSource& source, const Chip& chip, Recording recording)
      : source_(source), chip_(chip), recording_(std::move(recording)) {}
  const Recording& recording() const override { return recording_; }

  Expected<bool> next(Events& chunk) override {
    return next_records(
        source_, 8, chunk, [&](const std::uint8_t* record) { return decode(record, chunk); },
        [&](const std::uint8_t* record) {
          return Error{text::cat("the address ", big32(record), " is not one of a ", chip_.name), "",
                       "name the chip that recorded: --chip, one of " + chip_names()};
        });
  }

 private:
  bool decode(const std::uint8_t* record, Events& chunk) {
    const std::uint32_t address = big32(record);
    const std::int64_t t = time_(big32(record + 4));
    if (chip_.davis) {
      // Bit 31: a sample of a frame or of the IMU; bit 10: an edge at the trigger input.
      if (address >> 31 != 0 || (address >> 10 & 1) != 0) return true;
      return push(chunk, t, address >> 12 & 1023, address >> 22 & 511, address >> 11 & 1);
    }
    if ((address & 0x80008000u) != 0) return true;  // a special event
    if (address >> 16 != 0) return false;
    // jAER: bit 0 clear is ON. (iniVation's page on AEDAT 1 says the opposite; jAER wrote the files.)
    return push(chunk, t, address >> 1 & 127, address >> 8 & 127, 1 - (address & 1));
  }
  bool push(Events& chunk, std::int64_t t, std::uint32_t x, std::uint32_t y, std::uint32_t polarity) const {
    if (x >= chip_.sensor.width) return false;
    chunk.push(t, static_cast<std::uint16_t>(chip_.sensor.width - 1 - x), static_cast<std::uint16_t>(y),
               static_cast<std::uint8_t>(polarity));
    return true;
  }

  ByteSource& source_;
  const Chip& chip_;
  Recording recording_;
  Unwrapped time_{32};
};

// A first event whose address begins with the byte '#' is no line: it is not text up to an end of line.
Expected<bool> stands_at_line(ByteSource& source) {
  const auto view = source.peek(kLongestLine);
  if (!view) return fail(view.error());
  if (view->empty() || view->front() != '#') return false;
  const auto end = std::find(view->begin(), view->end(), '\n');
  if (end == view->end()) return false;
  return std::all_of(view->begin(), end, [](std::uint8_t c) { return c >= 32 || c == '\t' || c == '\r'; });
}

}  // namespace

bool is_aedat2(ByteView start) {
  return as_text(start).starts_with("#!AER-DAT2");
}

Made make_aedat2(ByteSource& source, const OpenOptions& options) {
  Recording recording{.format = "AEDAT 2", .sensor_stated = true};
  std::string chip_line;
  for (bool header = true; header;) {
    const auto at_line = stands_at_line(source);
    if (!at_line) return fail(at_line.error());
    if (!*at_line) break;
    if (source.offset() > kLongestHeader) return fail("the header does not end", source.where(), "record again");
    const auto line = source.line(kLongestLine);
    if (!line) return fail(line.error());
    if ((*line)->starts_with("# AEChip:")) chip_line = (*line)->substr(9);
    header = !(*line)->starts_with("#End Of ASCII");
  }
  const Chip* chip = chip_in(options.chip.empty() ? chip_line : options.chip);
  if (!chip && !options.chip.empty()) {
    return fail(text::cat("'", options.chip, "' is not a chip known here"), "--chip", "one of " + chip_names());
  }
  if (!chip && !chip_line.empty()) {
    return fail(text::cat("the chip", chip_line, " is not known here"), source.name(),
                "if its addresses are laid out like a known one's, name that: --chip, one of " + chip_names());
  }
  if (!chip) {  // Files before 2014 name no chip. Only the DVS128 has addresses of 16 bits.
    const auto some = source.peek(8 * 256);
    if (!some) return fail(some.error());
    for (std::size_t i = 0; i + 8 <= some->size(); i += 8) {
      const std::uint32_t address = big32(some->data() + i);
      if (address >> 16 != 0 && address >> 31 == 0) {
        return fail("the header names no chip, and the addresses are not a DVS128's", source.name(),
                    "name the chip that recorded: --chip, one of " + chip_names());
      }
    }
    chip = &kChips[0];
  } else if (options.chip.empty()) {
    recording.notes.emplace_back("chip", chip_line.substr(chip_line.find_first_not_of(' ')));
  }
  recording.sensor = chip->sensor;
  return std::make_unique<Aedat2>(source, *chip, std::move(recording));
}

}  // namespace syn::data::formats
