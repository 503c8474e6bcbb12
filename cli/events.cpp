// `synfire events`: what an event recording holds, and the same as text, arrays or frames.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/event_options.hpp"
#include "cli/json.hpp"
#include "cli/verb.hpp"
#include "conversion/data/events/summary.hpp"
#include "conversion/data/events/write.hpp"
#include "core/text.hpp"

namespace syn::cli {

namespace {

class EventsVerb final : public Verb {
 public:
  const char* name() const override { return "events"; }
  const char* summary() const override { return "what an event recording holds; the same as CSV, arrays or frames"; }
  const char* example() const override {
    return "synfire events recording.aedat4 --denoise 5ms --window 1ms --to frames.npy";
  }
  void declare(CLI::App& app) override {
    app.add_option("file", file_,
                   "AEDAT 2 or 4, N-MNIST .bin, Prophesee DAT or RAW, HDF5 (SHD, NIRData), CSV; told by its content")
        ->required();
    opening_.declare(app);
    filtering_.declare(app);
    windowing_.declare(app);
    app.add_option("--to", to_,
                   "write what is left: .csv, .npy (N x 4: t, x, y, p; frames with --window), .bin (N-MNIST)");
    app.add_flag("--sample", sample_, "frames with an axis of length 1 in front, as `synfire infer` takes them");
  }

  Expected<Answer> run(Terminal& terminal) override {
    const data::OpenOptions options = opening_.options();
    const auto windows = windowing_.options();
    if (windows && !to_.ends_with(".npy")) {
      throw UsageError({"frames are written as .npy", "--window", "give --to FILE.npy"});
    }
    if (!to_.empty() && !to_.ends_with(".npy") && !to_.ends_with(".csv") && !to_.ends_with(".bin")) {
      throw UsageError(
          {text::cat("'", to_, "' is no kind of file that is written"), "--to", "end it in .csv, .npy or .bin"});
    }
    auto opened = data::open_events(file_, options);
    if (!opened) return fail(opened.error());
    data::EventSummary before, after;
    auto reader = data::summarised(std::move(*opened), before);
    const data::Recording recording = reader->recording();
    auto chain = filtering_.around(std::move(reader), file_, options);
    if (!chain) return fail(chain.error());
    reader = data::summarised(std::move(*chain), after);

    const std::string title = "reading " + file_ + ", percent";
    const data::Progress progress = [&](double done) {
      terminal.progress(title, static_cast<std::uint64_t>(done * 99), 100);
    };
    data::FrameFile frames;
    Expected<> written;
    if (windows) {
      const auto made = data::write_frames(*reader, *windows, sample_, to_, progress);
      if (!made) return fail(made.error());
      frames = *made;
    } else if (to_.ends_with(".csv")) {
      written = data::write_csv(*reader, to_, progress);
    } else if (to_.ends_with(".npy")) {
      written = data::write_event_array(*reader, to_, progress);
    } else if (to_.ends_with(".bin")) {
      written = data::write_bin(*reader, to_, progress);
    }
    if (!written) return fail(written.error());
    // Whatever is left to read (all, when nothing is written) is counted.
    data::Events chunk;
    for (;;) {
      const auto more = reader->next(chunk);
      if (!more) return fail(more.error());
      if (!*more) break;
      if (const auto done = reader->done()) progress(*done);
    }
    terminal.progress(title, 100, 100);
    return answer(recording, reader->recording().sensor, before, after, reader->repairs(), frames);
  }

 private:
  static Json json_of(const data::Sensor& s) {
    return {{"width", s.width}, {"height", s.height}, {"polarities", s.polarities}};
  }
  static Json json_of(const data::EventSummary& s) {
    return {{"events", s.events},
            {"first_us", s.first_us},
            {"last_us", s.last_us},
            {"duration_us", s.duration_us()},
            {"rate_per_s", s.rate()},
            {"on_share", s.on_share()},
            {"active_pixels", s.active_pixels}};
  }
  static std::string line(const char* name, const data::EventSummary& s, const data::Sensor& sensor) {
    return text::cat(name, text::grouped(static_cast<std::int64_t>(s.events)), " events, ", text::grouped(s.first_us),
                     " to ", text::grouped(s.last_us), " us (",
                     text::fixed(static_cast<double>(s.duration_us()) / 1e6, 3), " s), ",
                     text::fixed(s.rate() / 1e3, 1), " k events/s",
                     sensor.polarities == 2 ? text::cat(", ", text::fixed(100 * s.on_share(), 1), " % ON") : "", ", ",
                     s.active_pixels, " of ", sensor.pixels(), " pixels active\n");
  }

  Answer answer(const data::Recording& recording, const data::Sensor& sensor, const data::EventSummary& before,
                const data::EventSummary& after, const data::Repairs& repairs, const data::FrameFile& frames) const {
    Json json{{"file", file_},
              {"format", recording.format},
              {"sensor", json_of(recording.sensor)},
              {"sensor_stated", recording.sensor_stated}};
    json.update(json_of(before));
    std::string out =
        text::cat(recording.format, ", sensor ", recording.sensor.width, " x ", recording.sensor.height,
                  recording.sensor_stated ? "" : " (not stated in the file)", "\n", line("", before, recording.sensor));
    for (const auto& [key, value] : recording.notes) {
      json["notes"][key] = value;
      out += text::cat(key, ": ", value, "\n");
    }
    json["repairs"] = {{"outside", repairs.outside}, {"reordered", repairs.reordered}, {"clamped", repairs.clamped}};
    if (repairs.any()) {
      out += text::cat("mended: ", repairs.outside, " events outside the sensor dropped, ", repairs.reordered,
                       " sorted in, ", repairs.clamped, " clamped\n");
    }
    if (filtering_.any()) {
      json["filtered"] = json_of(after);
      json["filtered"]["sensor"] = json_of(sensor);
      out += line("after the filters: ", after, sensor);
    }
    if (!to_.empty()) {
      json["output"] = to_;
      if (windowing_.options()) {
        json["windows"] = frames.windows;
        json["saturated"] = frames.saturated;
        out += text::cat(frames.windows, " frames of ", sensor.polarities, " x ", sensor.height, " x ", sensor.width);
      } else {
        out += text::cat(text::grouped(static_cast<std::int64_t>(after.events)), " events");
      }
      out += text::cat(" -> ", to_, "\n");
    }
    return {json.dump(), out, {}};
  }

  std::string file_, to_;
  bool sample_ = false;
  OpeningOptions opening_;
  FilteringOptions filtering_;
  WindowingOptions windowing_;
};

}  // namespace

std::unique_ptr<Verb> make_events() {
  return std::make_unique<EventsVerb>();
}

}  // namespace syn::cli
