#include "cli/event_options.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <map>

#include "core/text.hpp"
#include "core/units.hpp"

namespace syn::cli {

namespace {

std::int64_t microseconds(const std::string& text, const char* option) {
  const auto duration = read_duration(text, option);
  if (!duration) throw UsageError(duration.error());
  return std::chrono::duration_cast<std::chrono::microseconds>(*duration).count();
}

data::Sensor sensor_from(const std::string& text) {
  data::Sensor out;
  const char* end = text.data() + text.size();
  const auto width = std::from_chars(text.data(), end, out.width);
  if (width.ec == std::errc{} && width.ptr != end && *width.ptr == 'x') {
    const auto height = std::from_chars(width.ptr + 1, end, out.height);
    if (height.ec == std::errc{} && height.ptr == end && out.known() && out.width <= data::kGreatestSensorSide &&
        out.height <= data::kGreatestSensorSide) {
      return out;
    }
  }
  throw UsageError({text::cat("'", text, "' is not the size of a sensor"), "--sensor", "give WIDTHxHEIGHT: 346x260"});
}

}  // namespace

void OpeningOptions::declare(CLI::App& app) {
  app.add_option("--format", format_, "for files that cannot be told by their content: " + data::format_names());
  app.add_option("--sensor", sensor_, "WIDTHxHEIGHT, in place of what the file says");
  app.add_option("--chip", chip_, "AEDAT 2 whose header names none: dvs128, davis240, davis346, ...");
  app.add_option("--columns", columns_, "CSV without a line of names: t,x,y,p");
  app.add_option("--time-unit", time_unit_, "of CSV; auto: seconds with a decimal point, else microseconds")
      ->check(CLI::IsMember({"auto", "s", "ms", "us", "ns"}));
  app.add_option("--sample-index", sample_, "HDF5: which recording of the set, from 0");
  app.add_option("--node", node_, "NIRData: NODE/OBSERVABLE; else the first that holds events");
  app.add_option("--order", order_, "time that runs backwards: refuse, sort or clamp")
      ->check(CLI::IsMember({"refuse", "sort", "clamp"}));
  app.add_option("--order-bound", bound_, "how late an event may be to be sorted in or clamped");
  app.add_option("--outside", outside_, "events outside the sensor: refuse or drop")
      ->check(CLI::IsMember({"refuse", "drop"}));
}

data::OpenOptions OpeningOptions::options() const {
  static const std::map<std::string, data::TimeUnit> units{{"auto", data::TimeUnit::by_look},
                                                           {"s", data::TimeUnit::s},
                                                           {"ms", data::TimeUnit::ms},
                                                           {"us", data::TimeUnit::us},
                                                           {"ns", data::TimeUnit::ns}};
  data::OpenOptions out;
  out.order = order_ == "sort"    ? data::TimeOrder::sort
              : order_ == "clamp" ? data::TimeOrder::clamp
                                  : data::TimeOrder::refuse;
  out.bound_us = microseconds(bound_, "--order-bound");
  out.outside = outside_ == "drop" ? data::OutsideSensor::drop : data::OutsideSensor::refuse;
  if (!sensor_.empty()) out.sensor = sensor_from(sensor_);
  out.format = format_;
  out.chip = chip_;
  out.columns = columns_;
  out.sample = sample_;
  out.node = node_;
  out.time_unit = units.at(time_unit_);
  return out;
}

void FilteringOptions::declare(CLI::App& app) {
  app.add_option("--from", from_, "leave out so much of the beginning (500ms)");
  app.add_option("--for", for_, "keep so much from there on");
  app.add_option("--hot-pixels", hot_sigmas_, "drop pixels that fire so many standard deviations above the mean (5)");
  app.add_option("--refractory", refractory_, "after an event its pixel is deaf for so long (1ms)");
  app.add_option("--denoise", denoise_, "keep events with a neighbour's within so long before (5ms)");
  app.add_option("--crop", crop_, "X,Y,WIDTH,HEIGHT")->delimiter(',')->expected(4);
  app.add_option("--downsample", factor_, "blocks of so many pixels a side become one");
  app.add_option("--downsample-by", by_, "sum: every event; majority: one when more than half of a block fired")
      ->check(CLI::IsMember({"sum", "majority"}));
  app.add_option("--polarity", polarity_, "both, merge (one polarity), on, off")
      ->check(CLI::IsMember({"both", "merge", "on", "off"}));
}

bool FilteringOptions::any() const {
  return !from_.empty() || !for_.empty() || hot_sigmas_ > 0 || !refractory_.empty() || !denoise_.empty() ||
         !crop_.empty() || factor_ != 1 || polarity_ != "both";
}

Expected<std::unique_ptr<data::EventReader>> FilteringOptions::around(std::unique_ptr<data::EventReader> reader,
                                                                      const std::string& file,
                                                                      const data::OpenOptions& opening) const {
  std::vector<data::EventFilter> filters;
  if (!from_.empty() || !for_.empty()) {
    filters.push_back(data::TimeSpan{.from_us = from_.empty() ? 0 : microseconds(from_, "--from"),
                                     .for_us = for_.empty() ? -1 : microseconds(for_, "--for")});
  }
  if (hot_sigmas_ > 0) {
    auto again = data::open_events(file, opening);
    if (!again) return fail(again.error());
    auto hot = data::find_hot_pixels(**again, hot_sigmas_);
    if (!hot) return fail(hot.error());
    filters.push_back(data::DropPixels{std::move(*hot)});
  }
  if (!refractory_.empty()) filters.push_back(data::Refractory{microseconds(refractory_, "--refractory")});
  if (!denoise_.empty()) filters.push_back(data::Denoise{microseconds(denoise_, "--denoise")});
  if (!crop_.empty()) filters.push_back(data::Crop{crop_[0], crop_[1], crop_[2], crop_[3]});
  if (factor_ != 1) {
    filters.push_back(data::Downsample{
        .factor = factor_, .by = by_ == "majority" ? data::Downsample::By::majority : data::Downsample::By::sum});
  }
  static const std::map<std::string, data::PolarityChoice> choices{{"both", data::PolarityChoice::both},
                                                                   {"merge", data::PolarityChoice::merge},
                                                                   {"on", data::PolarityChoice::on},
                                                                   {"off", data::PolarityChoice::off}};
  filters.push_back(choices.at(polarity_));
  for (const data::EventFilter& filter : filters) {
    auto next = data::filtered(std::move(reader), filter);
    if (!next) return next;
    reader = std::move(*next);
  }
  return reader;
}

void WindowingOptions::declare(CLI::App& app) {
  auto* duration = app.add_option("--window", duration_, "frames of so long (1ms), from the first event on");
  app.add_option("--window-events", events_, "frames of so many events")->excludes(duration);
  app.add_option("--steps", steps_, "exactly so many frames: cut, or empty ones at the end");
}

std::optional<data::WindowOptions> WindowingOptions::options() const {
  if (duration_.empty() && events_ == 0) {
    if (steps_ > 0) throw UsageError({"--steps counts frames", "--steps", "give --window or --window-events, too"});
    return {};
  }
  data::WindowOptions out;
  if (!duration_.empty()) {
    out.duration_us = microseconds(duration_, "--window");
    if (out.duration_us <= 0) throw UsageError({"a window is at least 1 us long", "--window", "give 1ms, say"});
  }
  out.events = events_;
  if (steps_ > 0) out.exactly = steps_;
  return out;
}

}  // namespace syn::cli
