#include "conversion/trainer/session.hpp"

#include <torch/version.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "conversion/nir/raising.hpp"
#include "conversion/nir/write.hpp"
#include "conversion/onnx/write.hpp"
#include "conversion/trainer/export.hpp"
#include "conversion/trainer/spiking_export.hpp"
#include "conversion/trainer/training.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"

namespace syn::train {
namespace {

volatile std::sig_atomic_t interrupted = 0;

extern "C" void on_interrupt(int) {
  if (interrupted) ::_exit(130);  // the second one does not wait for the batch
  interrupted = 1;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  const auto two = [](std::int64_t n) { return text::cat(n < 10 ? "0" : "", n); };
  return whole < 3600 ? text::cat(whole / 60, ':', two(whole % 60))
                      : text::cat(whole / 3600, ':', two(whole / 60 % 60), ':', two(whole % 60));
}

// One line that is redrawn on a terminal; in a file, one line an epoch.
class ProgressLine {
 public:
  void show(const Progress& p) {
    const double now = seconds_now();
    const double done = static_cast<double>((p.epoch - 1) * p.batches + p.batch);
    if (first_ < 0) first_ = done - 1;
    const double left = (now - started_) / (done - first_) * (static_cast<double>(p.epochs * p.batches) - done);
    if (p.epoch_done) {
      std::cerr << (terminal_ ? "\r\033[K" : "") << "epoch " << p.epoch << '/' << p.epochs << "  loss "
                << text::fixed(p.loss, 4);
      if (p.validation_accuracy >= 0) {
        std::cerr << "  validation " << text::fixed(100 * p.validation_accuracy, 2) << " %  best "
                  << text::fixed(100 * p.best_accuracy, 2) << " %";
      }
      std::cerr << "  " << clock_text(now - started_) << " gone, " << clock_text(left) << " left" << std::endl;
    } else if (terminal_ && now - drawn_ > 0.2) {
      drawn_ = now;
      constexpr std::int64_t kWidth = 30;
      const auto full = static_cast<std::size_t>(kWidth * p.batch / p.batches);
      std::cerr << "\r\033[Kepoch " << p.epoch << '/' << p.epochs << " [" << std::string(full, '#')
                << std::string(kWidth - full, '.') << "] loss " << text::fixed(p.loss, 4) << "  " << clock_text(left)
                << " left" << std::flush;
    }
  }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) != 0;
  double started_ = seconds_now(), drawn_ = 0, first_ = -1;
};

// ONNX for what is still to become spikes, NIR for what already is.
Expected<Bytes> model_file(const Request& request, const Network& network) {
  const std::string name = request.output.stem().string();
  if (!network.architecture().spiking) return onnx_file::write(to_graph(network, name));
  const auto graph = nir::raise(to_model(network, name, *request.settings.framing), request.output.string());
  if (!graph) return fail(graph.error());
  return nir::write(*graph);
}

Expected<std::string> write_model(const Request& request, const Network& network) {
  const auto bytes = model_file(request, network);
  if (!bytes) return fail(bytes.error());
  if (auto wrote = write_file(request.output, *bytes); !wrote) return fail(wrote.error());
  return to_hex(Sha256::of(*bytes));
}

Expected<data::Dataset> load_split(const Request& request, data::Split split) {
  const std::string& spec = split == data::Split::test && !request.test_data.empty() ? request.test_data : request.data;
  const auto limit = split == data::Split::train ? request.limit : std::nullopt;
  if (!request.settings.framing) return data::load(spec, split, limit);
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  return data::load_frames(spec.substr(data::kEventsPrefix.size()), split, *request.settings.framing, limit,
                           [&](std::size_t done, std::size_t total) {
                             if (done < total && (!terminal || done % 256 != 0)) return;
                             std::cerr << (terminal ? "\r\033[K" : "") << "reading " << data::name_of(split) << ": "
                                       << done << " of " << total << " recordings" << (done == total ? "\n" : "")
                                       << std::flush;
                           });
}

struct Teacher {
  std::shared_ptr<Network> network;  // null: none asked for
  std::string name;
};
Expected<Teacher> load_teacher(const Request& request) {
  if (request.teacher.empty()) return Teacher{};
  const std::string where = request.teacher.string();
  const auto bytes = read_file(request.teacher);
  if (!bytes) return fail(bytes.error());
  const auto checkpoint = decode(*bytes, where);
  if (!checkpoint) return fail(checkpoint.error());
  const auto network = network_of(*checkpoint, where);
  if (!network) return fail(network.error());
  // Named by what it is, not by where it lies: a run may be continued with the teacher in another folder.
  return Teacher{*network, to_hex(Sha256::of(*bytes))};
}

nlohmann::ordered_json to_json(const Request& request, const Result& r) {
  nlohmann::ordered_json json{{"model", request.output.string()},
                              {"architecture", r.architecture},
                              {"data", r.data},
                              {"parameters", r.parameters},
                              {"macs", r.macs},
                              {"epochs", r.epochs},
                              {"best_epoch", r.best_epoch},
                              {"seed", request.settings.seed},
                              {"validation_accuracy", r.validation_accuracy},
                              {"correct", r.test_correct},
                              {"total", r.test_images},
                              {"test_accuracy", r.test_accuracy()},
                              {"seconds", r.seconds},
                              {"sha256", r.sha256}};
  if (const auto& framing = request.settings.framing) {
    json["window_us"] = framing->window_us;
    json["steps"] = framing->steps;
  }
  return json;
}

// A wrong folder is found now, not after an hour.
Expected<> check_folders(const Request& request) {
  for (const auto& file : {request.output, request.checkpoint, request.card}) {
    std::error_code ignored;
    if (file.empty() || !file.has_parent_path() || std::filesystem::is_directory(file.parent_path(), ignored)) continue;
    return fail("the folder does not exist", file.string(), text::cat("mkdir -p ", file.parent_path().string()));
  }
  return {};
}

// Trains to the end (the result) or to an interruption (nothing).
Expected<std::optional<Result>> train(const Request& request) {
  const double started = seconds_now();
  if (auto found = check_folders(request); !found) return fail(found.error());
  auto learn = load_split(request, data::Split::train);
  if (!learn) return fail(learn.error());
  // Loaded now for the same reason; looked at only at the end.
  const auto test = load_split(request, data::Split::test);
  if (!test) return fail(test.error());
  if (test->shape != learn->shape || test->classes > learn->classes) {
    return fail("the test images have another shape or more classes than those to learn from", request.data,
                "check the files");
  }
  const auto teacher = load_teacher(request);
  if (!teacher) return fail(teacher.error());
  auto training = Training::start(request.settings, *learn, teacher->network, teacher->name);
  if (!training) return fail(training.error());
  std::error_code ignored;
  if (!request.checkpoint.empty() && std::filesystem::exists(request.checkpoint, ignored)) {
    const auto bytes = read_file(request.checkpoint);
    if (!bytes) return fail(bytes.error());
    const auto checkpoint = decode(*bytes, request.checkpoint.string());
    if (!checkpoint) return fail(checkpoint.error());
    if (auto resumed = training->resume(*checkpoint, request.checkpoint.string()); !resumed)
      return fail(resumed.error());
    std::cerr << "continuing after epoch " << checkpoint->epoch << ", batch " << checkpoint->batch << std::endl;
  }

  const auto save = [&]() -> Expected<> {
    if (request.checkpoint.empty()) return {};
    return write_file(request.checkpoint, encode(training->checkpoint()));
  };
  std::optional<Error> trouble;
  ProgressLine line;
  const auto finished = training->run({.after_batch = [&](const Progress& progress) {
    line.show(progress);
    if (progress.epoch_done) {
      if (auto saved = save(); !saved) trouble = saved.error();
      if (training->best_epoch() == progress.epoch && !trouble) {
        if (auto wrote = write_model(request, *training->best()); !wrote) trouble = wrote.error();
      }
    }
    return !trouble && !interrupted;
  }});
  if (trouble) return fail(*trouble);
  if (!finished) return fail(finished.error());
  if (!*finished) {
    if (auto saved = save(); !saved) return fail(saved.error());
    return std::optional<Result>{};
  }

  const auto best = training->best();
  const auto sha256 = write_model(request, *best);
  if (!sha256) return fail(sha256.error());
  const auto cost = flow(best->architecture(), learn->shape, learn->classes);
  std::vector<std::uint32_t> all(test->count);
  std::iota(all.begin(), all.end(), 0u);
  return Result{.architecture = best->architecture().name,
                .about = best->architecture().about,
                .data = request.data,
                .description = training->checkpoint().description,
                .parameters = cost->parameters,
                .macs = cost->macs,
                .epochs = request.settings.epochs,
                .best_epoch = training->best_epoch(),
                .train_images = learn->count - request.settings.validation,
                .validation_images = request.settings.validation,
                .test_images = test->count,
                .test_correct = correct(*best, *test, all, request.settings.scaling),
                .validation_accuracy = training->best_accuracy(),
                .seconds = seconds_now() - started,
                .sha256 = *sha256,
                .torch_version = TORCH_VERSION};
}

}  // namespace

bool Request::wants_json() const {
  return json || std::find(command.begin(), command.end(), "--json") != command.end();
}

int report_error(const Error& error, bool json, int exit_code) {
  if (json) {
    const nlohmann::ordered_json object{{"error", {{"what", error.what}, {"where", error.where}, {"do", error.todo}}}};
    std::cout << object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
  }
  std::cerr << "synfire-trainer: " << error.what << " (" << error.where << "); " << error.todo << std::endl;
  return exit_code;
}

int run(const Request& request) {
  interrupted = 0;
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  if (request.threads > 0) torch::set_num_threads(request.threads);
  try {
    const auto result = train(request);
    if (!result) return report_error(result.error(), request.json, 1);
    if (!*result) {
      const std::string next = request.checkpoint.empty()
                                   ? "nothing was kept; next time give --checkpoint FILE"
                                   : "the same command continues from " + request.checkpoint.string();
      return report_error({"interrupted", request.output.string(), next}, request.json, 130);
    }
    const Result& r = **result;
    if (!request.card.empty()) {
      const std::string page = card(request, r);
      const auto wrote = write_file(request.card, {reinterpret_cast<const std::uint8_t*>(page.data()), page.size()});
      if (!wrote) return report_error(wrote.error(), request.json, 1);
    }
    if (request.json) {
      std::cout << to_json(request, r).dump(2) << std::endl;
    } else {
      std::cout << request.output.string() << ": " << text::fixed(100 * r.test_accuracy(), 2) << " % of "
                << r.test_images << (request.settings.framing ? " test recordings, " : " test images, ")
                << text::grouped(r.parameters) << " parameters, " << text::grouped(r.macs) << " multiply-adds "
                << (request.settings.framing ? "a step" : "an image") << std::endl;
    }
    return 0;
  } catch (const c10::Error& error) {  // libtorch throws; nothing of it is expected here
    return report_error({error.what_without_backtrace(), "libtorch", "please report this"}, request.json, 1);
  } catch (const std::bad_alloc&) {
    return report_error({"out of memory", request.settings.architecture, "use a smaller --batch or --limit"},
                        request.json, 1);
  }
}

}  // namespace syn::train
