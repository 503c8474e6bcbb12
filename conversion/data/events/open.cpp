#include "conversion/data/events/open.hpp"

#include <algorithm>

#include "conversion/data/events/checked.hpp"
#include "conversion/data/events/formats.hpp"
#include "core/text.hpp"

namespace syn::data {

namespace {

using formats::Format;

// Owns the bytes that its decoder reads.
class Opened final : public EventReader {
 public:
  Opened(std::unique_ptr<ByteSource> source, std::unique_ptr<EventReader> checked)
      : source_(std::move(source)), checked_(std::move(checked)) {}
  const Recording& recording() const override { return checked_->recording(); }
  Expected<bool> next(Events& chunk) override { return checked_->next(chunk); }
  Repairs repairs() const override { return checked_->repairs(); }
  std::optional<double> done() const override {
    if (!source_->size() || *source_->size() == 0) return {};
    return static_cast<double>(source_->offset()) / static_cast<double>(*source_->size());
  }

 private:
  std::unique_ptr<ByteSource> source_;  // first in, last out
  std::unique_ptr<EventReader> checked_;
};

Expected<const Format*> choose(ByteSource& source, const std::string& name) {
  if (!name.empty()) {
    for (const Format& format : formats::kFormats) {
      if (name == format.name) return &format;
    }
    return fail(text::cat("'", name, "' is not a format"), "--format", "one of: " + format_names());
  }
  const auto start = source.peek(formats::kLookAhead);
  if (!start) return fail(start.error());
  if (start->empty()) return fail("the file is empty", source.name(), "record again");
  for (const Format& format : formats::kFormats) {
    if (format.looks_like(*start)) return &format;
  }
  const std::string_view first = formats::as_text(*start);
  if (first.starts_with("#!AER-DAT")) {
    return fail(text::cat("version ", first.substr(9, 3), " of AEDAT is not supported (2.0 and 4.0 are)"),
                source.name(), "convert it with DV or jAER");
  }
  if (first.starts_with("% ")) {
    return fail("a Prophesee header without a known encoding (DAT, EVT 2.0 and EVT 3.0 are known)", source.name(),
                "give --format if you know it is one of these, or convert it with metavision_file_to_dat");
  }
  return fail("not an event recording of a known format", source.name(),
              text::cat("known are: ", format_names(), "; --format names one that cannot be told by its content"));
}

// The smallest sensor that holds all events, for formats that do not say.
Expected<Sensor> measure(EventReader& reader) {
  Sensor sensor = reader.recording().sensor;
  Events chunk;
  for (;;) {
    const auto more = reader.next(chunk);
    if (!more) return fail(more.error());
    if (!*more) break;
    for (const std::uint16_t x : chunk.x) sensor.width = std::max(sensor.width, x + 1u);
    for (const std::uint16_t y : chunk.y) sensor.height = std::max(sensor.height, y + 1u);
  }
  sensor.width = std::max(sensor.width, 1u);
  sensor.height = std::max(sensor.height, 1u);
  return sensor;
}

Expected<std::unique_ptr<EventReader>> open(std::unique_ptr<ByteSource> source, const OpenOptions& options) {
  const auto format = choose(*source, options.format);
  if (!format) return fail(format.error());
  auto decoder = (*format)->make(*source, options);
  if (!decoder) return decoder;
  Recording recording = (*decoder)->recording();
  if (options.sensor) {
    recording.sensor.width = options.sensor->width;
    recording.sensor.height = options.sensor->height;
  }
  if (!recording.sensor_stated && !options.sensor) {
    if (!source->can_rewind()) {
      return fail(text::cat(recording.format, " does not say how large its sensor is, and a pipe cannot be read twice"),
                  source->name(), "give --sensor WIDTHxHEIGHT");
    }
    const auto sensor = measure(**decoder);
    if (!sensor) return fail(sensor.error());
    recording.sensor = *sensor;
    if (auto back = source->rewind(); !back) return fail(back.error());
    decoder = (*format)->make(*source, options);
    if (!decoder) return decoder;
  }
  const std::string name = source->name();
  return std::make_unique<Opened>(std::move(source),
                                  make_checked(std::move(*decoder), std::move(recording), options, name));
}

}  // namespace

Expected<std::unique_ptr<EventReader>> open_events(const std::filesystem::path& file, const OpenOptions& options) {
  auto source = ByteSource::file(file);
  if (!source) return fail(source.error());
  return open(std::make_unique<ByteSource>(std::move(*source)), options);
}

Expected<std::unique_ptr<EventReader>> open_events(ByteView bytes, std::string name, const OpenOptions& options) {
  return open(std::make_unique<ByteSource>(ByteSource::memory(bytes, std::move(name))), options);
}

const std::string& format_names() {
  static const std::string names = [] {
    std::string out;
    for (const Format& format : formats::kFormats) out += (out.empty() ? "" : ", ") + std::string(format.name);
    return out;
  }();
  return names;
}

Expected<Events> read_all(EventReader& reader, std::size_t most) {
  Events out, chunk;
  out.sensor = reader.recording().sensor;
  for (;;) {
    const auto more = reader.next(chunk);
    if (!more) return fail(more.error());
    if (!*more) return out;
    if (chunk.size() > most - out.size()) {
      return fail(text::cat("more than ", text::grouped(static_cast<std::int64_t>(most)), " events"),
                  reader.recording().format, "read it in pieces, or cut it into windows");
    }
    out.t.insert(out.t.end(), chunk.t.begin(), chunk.t.end());
    out.x.insert(out.x.end(), chunk.x.begin(), chunk.x.end());
    out.y.insert(out.y.end(), chunk.y.begin(), chunk.y.end());
    out.polarity.insert(out.polarity.end(), chunk.polarity.begin(), chunk.polarity.end());
  }
}

}  // namespace syn::data
