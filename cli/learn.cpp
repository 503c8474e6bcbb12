// `synfire learn`: a layer of neurons that learns by itself, on a node.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/course.hpp"
#include "cli/json.hpp"
#include "cli/learn_mesh.hpp"
#include "cli/learn_report.hpp"
#include "cli/options.hpp"
#include "cli/reporting.hpp"
#include "cli/verb.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "report/table.hpp"
#include "sim/learning.hpp"
#include "sim/profiles.hpp"

namespace syn::cli {

namespace {

class Learn final : public Verb {
 public:
  const char* name() const override { return "learn"; }
  const char* summary() const override {
    return "a layer of neurons that learns from images by itself, on a node, and remembers it over a restart";
  }
  const char* example() const override {
    return "synfire learn --data fashion-mnist --neurons 100 --images 10000 --state learned";
  }

  void declare(CLI::App& app) override {
    app.add_option("--data", data_, "fashion-mnist | mnist | idx:IMAGES,LABELS: its training images are learnt from")
        ->required();
    app.add_option("--test-data", test_data_, "where the held-out images are from; default: the test split of --data");
    app.add_option("--images", images_, "to learn from, in the data set's order, again from its beginning if need be")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40))
        ->capture_default_str();
    app.add_option("--neurons", spec_.neurons)->check(CLI::Range(1, 4096))->capture_default_str();
    app.add_flag("--reward", spec_.rule.modulated, "learn by outcome: forwards where it answers right, else backwards");
    app.add_option("--seed", spec_.rule.seed, "of first weights, phases and rounding")->capture_default_str();
    app.add_option("--steps", spec_.steps, "an image is shown for so many")
        ->check(CLI::Range(1, 255))
        ->capture_default_str();
    app.add_option("--threshold", spec_.threshold, "of every neuron, to which its own is added")
        ->check(CLI::Range(1, 1 << 30))
        ->capture_default_str();
    app.add_option("--exam-every", exam_every_, "ask about the held-out images after so many; 0: at the end only")
        ->capture_default_str();
    app.add_option("--exam-images", exam_images_, "held-out images to ask about")
        ->check(CLI::Range(1, 1 << 30))
        ->capture_default_str();
    app.add_option("--keep-every", keep_every_, "the node makes its state durable after so many images")
        ->check(CLI::Range(1, 1 << 30))
        ->capture_default_str();
    app.add_option("--name", learner_, "by which the node remembers the learner: a-z 0-9 _ -; default: the data set's");
    auto* where = app.add_option_group("where", "default: a daemon that is started here and forgets");
    where->add_option("--state", mesh_.state, "a daemon that is started here; this folder is its memory");
    auto* cluster = where->add_option("--cluster", mesh_.cluster, "TOML file that lists daemons (docs/operating.md)");
    auto* sim = where->add_flag("--sim", sim_, "a simulated node, on a virtual clock");
    where->require_option(0, 1);
    app.add_option("--node", mesh_.node, "which one of --cluster; default: the first")->needs(cluster);
    app.add_option("--device", device_, "device profile of --sim")->needs(sim)->capture_default_str();
    app.add_option("--kills", kills_, "--sim: so often the node is killed on the way, and started again")->needs(sim);
    app.add_option("--pids", mesh_.pids_file, "write the process id of the daemon that is started here to this file");
    app.add_option("-o,--output", output_, "keep the learned state here");
    report_.declare(app, "accuracy while it learns, and what every neuron has learnt, as pictures");
  }

  Expected<Answer> run(Terminal& terminal) override {
    if (auto writable = report_.check(); !writable) return fail(writable.error());
    const auto is_name = [](const std::string& s) {
      return !s.empty() && s.size() <= 48 &&
             s.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
    };
    if (learner_.empty()) learner_ = is_name(data_) ? data_ : "images";
    if (!is_name(learner_))
      throw UsageError({text::cat("'", learner_, "' is no learner's name"), "--name", "use 1 to 48 of a-z 0-9 _ -"});
    auto train = data::load(data_, data::Split::train, images_);
    if (!train) return fail(train.error());
    auto test = data::load(test_data_.empty() ? data_ : test_data_, data::Split::test, exam_images_);
    if (!test) return fail(test.error());
    spec_.sources = static_cast<std::uint32_t>(train->shape.size());
    spec_.classes = static_cast<std::uint32_t>(std::max(train->classes, test->classes));
    if (const auto fits = snn::learning::read_spec(to_bytes(spec_)); !fits) throw UsageError(fits.error());
    auto course = Course::make(std::move(*train), std::move(*test), images_, exam_every_);
    if (!course) return fail(course.error());

    const auto shows = [&](const Learned& learned) {
      if (course->answered(learned)) {
        const Exam& exam = course->exams().back();
        terminal.line(text::cat("after ", text::grouped(static_cast<std::int64_t>(exam.images)),
                                " images: ", text::fixed(exam.accuracy() * 100, 1), " % of ",
                                text::grouped(static_cast<std::int64_t>(exam.total)), " held-out ones"));
      } else if (learned.taught && course->taught() < images_) {
        terminal.progress("learning", course->taught(), images_);
      }
    };
    terminal.progress("learning", 0, images_);
    auto learned =
        sim_ ? learn_in_simulator(*course, shows) : learn_on_daemon(mesh_, teacher(), *course, shows, terminal);
    if (!learned) return fail(learned.error());
    terminal.progress("learning", images_, images_);
    const Bytes& state = learned->finished.bytes;
    if (!output_.empty()) {
      if (auto written = write_file(output_, state); !written) return fail(written.error());
    }
    if (report_.asked()) {
      if (auto written = write_learning_report(report_, *course, *learned, learner_, terminal); !written)
        return fail(written.error());
    }
    return answer(*course, *learned);
  }

 private:
  nodes::TeacherOptions teacher() const {
    return {.name = "gateway", .node = {}, .learner = learner_, .spec = spec_, .keep_every = keep_every_};
  }

  Expected<LearnedOn> learn_in_simulator(Course& course, const std::function<void(const Learned&)>& shows) {
    const auto device = sim::profile(device_);
    if (!device) return fail(device.error());
    const std::uint64_t exams = exam_every_ == 0 ? 1 : images_ / exam_every_ + 1;
    auto run = sim::run_learning(teacher(),
                                 {.opened = [&](const LearnerState& state) { course.opened(state); },
                                  .next = [&] { return course.next(); },
                                  .answered = shows,
                                  .lost = [](const Error&) {},
                                  .over = {}},
                                 {.seed = spec_.rule.seed,
                                  .node = *device,
                                  .gateway = *device,
                                  .kills = kills_,
                                  .lessons = images_ + exams * course.test().count});
    if (!run) return fail(run.error());
    event_log_hash_ = run->event_log_hash;
    return LearnedOn{.finished = std::move(run->finished),
                     .where = text::cat("a simulated node, ", device_),
                     .seconds = static_cast<double>(run->elapsed.count()) * 1e-9,
                     .restarts = run->kills,
                     .bytes_sent = run->bytes,
                     .messages_sent = run->messages};
  }

  Answer answer(const Course& course, const LearnedOn& learned) const {
    const LearnerState& state = learned.finished.state;
    const Exam& last = course.exams().back();
    const std::string hash = syn::to_hex(state.hash);
    const std::uint64_t taught = state.presentations - course.went_on_from() + course.retaught();
    const double per_minute = learned.seconds > 0 ? static_cast<double>(taught) / learned.seconds * 60 : 0;
    Json json{{"data", data_},
              {"neurons", spec_.neurons},
              {"rewarded", spec_.rule.modulated},
              {"images", state.presentations},
              {"went_on_from", course.went_on_from()},
              {"taught_again", course.retaught()},
              {"restarts", learned.restarts},
              {"accuracy", last.accuracy()},
              {"correct", last.correct},
              {"total", last.total},
              {"silent", course.silent()},
              {"images_per_minute", per_minute},
              {"state_sha256", hash},
              {"state_bytes", state.state_bytes},
              {"resident_bytes", state.resident_bytes},
              {"where", learned.where}};
    Json exams = Json::array();
    for (const Exam& e : course.exams())
      exams.push_back({{"images", e.images}, {"correct", e.correct}, {"total", e.total}});
    json["exams"] = std::move(exams);
    if (sim_) json["event_log_hash"] = event_log_hash_;

    const auto whole = [](std::uint64_t n) { return text::grouped(static_cast<std::int64_t>(n)); };
    report::Table table({"figure", "value"});
    table.row({"learnt", text::cat(whole(state.presentations), " images of ", data_,
                                   spec_.rule.modulated ? ", by their outcome" : ", by itself")});
    if (course.went_on_from() > 0)
      table.row({"  went on from", text::cat(whole(course.went_on_from()), ", which the node remembered",
                                             taught == 0 ? ": nothing was left to learn" : "")});
    if (learned.restarts > 0)
      table.row({"  restarts", text::cat(learned.restarts, ", ", whole(course.retaught()), " images taught again")});
    table.row({"accuracy", text::cat(text::fixed(last.accuracy() * 100, 2), " % of ", whole(last.total),
                                     " held-out images; chance is ", text::fixed(100.0 / spec_.classes, 0), " %")});
    if (taught > 0)
      table.row({"images a minute", text::cat(whole(static_cast<std::uint64_t>(per_minute)),
                                              ", exams in between included", sim_ ? ", virtual clock" : "")});
    table.row({"where", learned.where});
    table.row({"memory", text::cat(text::bytes(static_cast<double>(state.resident_bytes)), " resident, ",
                                   text::bytes(static_cast<double>(state.state_bytes)), " on its disk")});
    table.row({"state", hash});
    report::Table curve({"images", "accuracy"});
    for (const Exam& e : course.exams()) curve.row({whole(e.images), text::fixed(e.accuracy() * 100, 1)});
    return {.json = json.dump(), .text = text::cat("\n", table.text(), "\n", curve.text()), .error = {}};
  }

  std::string data_, test_data_, learner_, output_, device_ = "pi4";
  std::uint64_t images_ = 10'000, exam_every_ = 1000, exam_images_ = 1000;
  std::uint32_t keep_every_ = 500, kills_ = 0;
  bool sim_ = false;
  snn::learning::LearnerSpec spec_;
  LearnMesh mesh_;
  ReportOption report_;
  std::string event_log_hash_;
};

}  // namespace

std::unique_ptr<Verb> make_learn() {
  return std::make_unique<Learn>();
}

}  // namespace syn::cli
