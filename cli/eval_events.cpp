#include "cli/eval_events.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/each_image.hpp"
#include "cli/json.hpp"
#include "cli/options.hpp"
#include "conversion/data/events/event_set.hpp"
#include "conversion/data/events/open.hpp"
#include "conversion/data/events/windows.hpp"
#include "core/text.hpp"
#include "core/units.hpp"
#include "report/evaluation.hpp"
#include "report/table.hpp"
#include "snn/coding/decoders.hpp"

namespace syn::cli {

namespace {

namespace coding = snn::coding;

constexpr std::uint64_t kMostSteps = 1 << 16;                  // of one recording
constexpr std::uint64_t kMostScores = std::uint64_t{1} << 27;  // of all: 1 GiB
constexpr std::uint64_t kMostFile = std::uint64_t{1} << 30;

// What one recording came to.
struct Watched {
  std::vector<double> scores;  // steps x classes; one row where the model answers only at its end
  std::vector<float> step_us;  // from the events to the scores, of each step
  std::uint64_t events = 0, spikes = 0, synops = 0;
};

// The events of a recording that has been read: opening a file and unpacking it is not a sensor's work.
class InMemory final : public data::EventReader {
 public:
  InMemory(data::Recording recording, data::Events events)
      : recording_(std::move(recording)), events_(std::move(events)) {}
  const data::Recording& recording() const override { return recording_; }
  Expected<bool> next(data::Events& chunk) override {
    if (done_) return false;
    done_ = true;
    chunk = std::move(events_);
    return !chunk.empty();
  }

 private:
  data::Recording recording_;
  data::Events events_;
  bool done_ = false;
};

Expected<Watched> watch(Live& network, const std::string& file, std::int64_t window_us,
                        std::optional<std::uint64_t> steps) {
  using Clock = std::chrono::steady_clock;
  const auto bytes = read_file(file, "recording", kMostFile);
  if (!bytes) return fail(bytes.error());
  const auto reader = data::open_events(*bytes, file, {.sensor = network.sensor()});
  if (!reader) return fail(reader.error());
  if ((*reader)->recording().sensor != network.sensor())
    return fail(text::cat("the recording has ", (*reader)->recording().sensor.polarities,
                          " polarities, the network takes ", network.sensor().polarities),
                file, "synfire events can merge polarities");
  auto events = data::read_all(**reader);
  if (!events) return fail(events.error());
  InMemory stream((*reader)->recording(), std::move(*events));
  auto windows = data::WindowReader::make(stream, {.duration_us = window_us, .start_us = {}, .exactly = steps});
  if (!windows) return fail(windows.error());

  Watched out;
  data::EventWindow window;
  std::vector<double> scores;
  network.start();
  for (;;) {
    const auto began = Clock::now();
    const auto more = windows->next(window);
    if (!more) return fail(more.error());
    if (!*more) break;
    const auto cost = network.step(window.counts, scores);
    const auto ended = Clock::now();
    if (!cost) {
      Error error = cost.error();
      error.where = text::cat(file, ", ", error.where);
      return fail(std::move(error));
    }
    out.step_us.push_back(std::chrono::duration<float, std::micro>(ended - began).count());
    out.scores.insert(out.scores.end(), scores.begin(), scores.end());
    out.events += window.events;
    out.spikes += cost->spikes;
    out.synops += cost->synaptic_operations;
    if (out.step_us.size() > kMostSteps)
      return fail(text::cat("the recording has more than ", text::grouped(kMostSteps), " steps"), file,
                  "make longer ones, --window, or fewer, --steps");
  }
  if (out.scores.empty())
    return fail("the recording holds no event, so that nothing was seen", file, "give --steps, or leave it out");
  return out;
}

struct AtMargin {
  double margin = 0, accuracy = 0, mean_us = 0;
};

struct Figures {
  std::uint64_t total = 0, correct = 0;
  double events = 0, spikes = 0, synops = 0;        // a recording
  double step_p50 = 0, step_p95 = 0, step_max = 0;  // us
  double steps = 0;                                 // a recording
  double core_share = 0;
  std::vector<double> anytime;  // accuracy after each step; empty where the model speaks only at its end
  std::vector<AtMargin> margins;
};

// How far the best score is ahead of the second in a row.
double lead(std::span<const double> row) {
  double best = row[0], second = -1e300;
  for (const double v : row.subspan(1)) {
    second = std::max(second, std::min(best, v));
    best = std::max(best, v);
  }
  return row.size() > 1 ? best - second : 0;
}

Figures figures_of(const std::vector<Watched>& all, const std::vector<data::LabelledRecording>& files,
                   std::uint32_t classes, std::int64_t window_us, std::vector<double> margins) {
  Figures f{.total = all.size()};
  std::vector<double> times, leads;
  std::size_t most = 0;
  bool anytime = true;
  double busy = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Watched& w = all[i];
    f.correct += coding::by_potential(w.scores, classes).winner == files[i].label;
    f.events += static_cast<double>(w.events);
    f.spikes += static_cast<double>(w.spikes);
    f.synops += static_cast<double>(w.synops);
    for (const float us : w.step_us) times.push_back(us), busy += us;
    most = std::max(most, w.step_us.size());
    anytime = anytime && w.scores.size() == w.step_us.size() * classes;
    leads.push_back(lead(std::span(w.scores).last(classes)));
  }
  const auto n = static_cast<double>(std::max<std::size_t>(1, all.size()));
  f.events /= n, f.spikes /= n, f.synops /= n;
  f.steps = static_cast<double>(times.size()) / n;
  f.step_p50 = report::percentile(times, 0.5);
  f.step_p95 = report::percentile(times, 0.95);
  f.step_max = times.empty() ? 0 : *std::max_element(times.begin(), times.end());
  f.core_share = busy / (static_cast<double>(times.size()) * static_cast<double>(window_us));
  if (!anytime) return f;

  for (std::size_t t = 1; t <= most; ++t) {  // a recording that has ended keeps its last answer
    std::uint64_t correct = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t rows = std::min(t, all[i].step_us.size());
      correct += coding::by_potential(std::span(all[i].scores).first(rows * classes), classes).winner == files[i].label;
    }
    f.anytime.push_back(static_cast<double>(correct) / n);
  }
  if (margins.empty()) {
    const double usual = report::percentile(leads, 0.5);
    for (const double part : {0.125, 0.25, 0.5}) margins.push_back(part * usual);
  }
  for (const double margin : margins) {
    AtMargin at{.margin = margin};
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto decision = coding::by_margin({.margin = margin, .held = 1}, all[i].scores, classes);
      at.accuracy += decision.winner == files[i].label;
      at.mean_us += static_cast<double>(decision.step + 1) * static_cast<double>(window_us);
    }
    at.accuracy /= n, at.mean_us /= n;
    f.margins.push_back(at);
  }
  return f;
}

std::string percent(double share, int digits = 2) {
  return text::cat(text::fixed(100 * share, digits), " %");
}

std::string as_text(const Figures& f, const Live& network, std::int64_t window_us) {
  const auto count = [](double v) { return text::grouped(static_cast<std::int64_t>(v + 0.5)); };
  const auto ms = [](double us) { return text::cat(text::fixed(us / 1000, 1), " ms"); };
  report::Table table({"figure", "value"});
  table.row({"accuracy", text::cat(percent(f.total ? static_cast<double>(f.correct) / static_cast<double>(f.total) : 0),
                                   "  (", text::grouped(static_cast<std::int64_t>(f.correct)), " of ",
                                   text::grouped(static_cast<std::int64_t>(f.total)), ")")});
  table.row({"a step", text::cat(ms(static_cast<double>(window_us)), ", ", text::fixed(f.steps, 1), " a recording")});
  table.row({"events a recording", count(f.events)});
  table.row({"spikes a recording", count(f.spikes)});
  table.row({"synaptic operations", count(f.synops)});
  table.row({"a step takes p50 / p95 / max", text::cat(text::fixed(f.step_p50, 1), " / ", text::fixed(f.step_p95, 1),
                                                       " / ", text::fixed(f.step_max, 1), " us")});
  table.row({"a live stream uses", text::cat(percent(f.core_share), " of one core")});
  std::string out = table.text();
  if (!f.anytime.empty()) {
    report::Table anytime({"time", "accuracy"});
    for (std::size_t t = 0; t < f.anytime.size(); ++t)
      anytime.row({ms(static_cast<double>(window_us) * static_cast<double>(t + 1)), percent(f.anytime[t])});
    report::Table margins({text::cat("answers once ahead by (", network.scores_are(), ")"), "accuracy", "mean time"});
    for (const AtMargin& m : f.margins) margins.row({text::fixed(m.margin, 2), percent(m.accuracy), ms(m.mean_us)});
    out += text::cat("\n", anytime.text(), "\n", margins.text());
  }
  for (const auto& [key, value] : network.rules()) out += text::cat(key, ": ", value, "\n");
  return out;
}

Json as_json(const Figures& f, const Live& network, std::int64_t window_us) {
  Json json{{"correct", f.correct},
            {"total", f.total},
            {"accuracy", f.total ? static_cast<double>(f.correct) / static_cast<double>(f.total) : 0},
            {"window_us", window_us},
            {"steps_per_recording", f.steps},
            {"events_per_recording", f.events},
            {"spikes_per_recording", f.spikes},
            {"synops_per_recording", f.synops},
            {"step_us_p50", f.step_p50},
            {"step_us_p95", f.step_p95},
            {"step_us_max", f.step_max},
            {"core_share", f.core_share},
            {"decoder", network.scores_are()}};
  for (std::size_t t = 0; t < f.anytime.size(); ++t)
    json["anytime"].push_back({{"us", window_us * static_cast<std::int64_t>(t + 1)}, {"accuracy", f.anytime[t]}});
  for (const AtMargin& m : f.margins)
    json["margins"].push_back({{"margin", m.margin}, {"accuracy", m.accuracy}, {"mean_us", m.mean_us}});
  for (const auto& [key, value] : network.rules()) json["rules"][key] = value;
  return json;
}

}  // namespace

void StreamOptions::declare(CLI::App& app) {
  app.add_option("--window", window, "of events: how long a step is (20ms); else what the model says");
  app.add_option("--steps", steps, "of events: steps a recording is watched for; 0: to its end")
      ->check(CLI::Range(std::uint64_t{0}, kMostSteps))
      ->capture_default_str();
  app.add_option("--margin", margins,
                 "of events: answer once the best score is so far ahead (several: a row each); else parts of the usual "
                 "lead")
      ->delimiter(',');
}

Expected<Answer> evaluate_streams(std::unique_ptr<Live> network, const std::string& folder, data::Split split,
                                  std::optional<std::size_t> limit, const StreamOptions& options, std::uint32_t threads,
                                  Terminal& terminal) {
  std::int64_t window_us = network->step_us().value_or(0);
  if (!options.window.empty()) {
    const auto duration = read_duration(options.window, "--window");
    if (!duration) throw UsageError(duration.error());
    window_us = std::chrono::duration_cast<std::chrono::microseconds>(*duration).count();
  }
  if (window_us < 1)
    throw UsageError({"how long a step is, the model does not say", "--window", "give --window 25ms, say"});
  std::optional<std::uint64_t> steps = network->steps();
  if (options.steps > 0) {
    if (steps && *steps != options.steps)
      throw UsageError({text::cat("an inference of this model has ", *steps, " steps"), "--steps", "leave it away"});
    steps = options.steps;
  }
  const auto files = data::list_recordings(folder, split, limit);
  if (!files) return fail(files.error());
  const std::uint32_t classes = network->classes();
  for (const auto& one : *files) {
    if (one.label >= classes)
      return fail(text::cat("its label is ", static_cast<int>(one.label), ", the network knows ", classes, " classes"),
                  one.file.string(), "use the recordings that the network was trained for");
  }

  std::vector<Watched> all(files->size());
  std::atomic<std::uint64_t> scores = 0;
  auto watched = for_each_image(all.size(), threads, terminal, "streams", [&] {
    return [&, mine = std::shared_ptr<Live>(network->another())](std::size_t i) -> Expected<> {
      auto one = watch(*mine, (*files)[i].file.string(), window_us, steps);
      if (!one) return fail(one.error());
      if ((scores += one->scores.size()) > kMostScores)
        return fail("the answers of all steps take more than 1 GiB", folder, "take a --limit or longer steps");
      all[i] = std::move(*one);
      return {};
    };
  });
  if (!watched) return fail(watched.error());
  const Figures figures = figures_of(all, *files, classes, window_us, options.margins);
  return Answer{as_json(figures, *network, window_us).dump(), as_text(figures, *network, window_us), {}};
}

}  // namespace syn::cli
