// `peers`: ONNX Runtime, float32 and int8, and Synfire's engine on the same ONNX files in the same run, as a table.
// bench/README.md says how to read it. Exit code 0: all were compared; 1: some were not; 2: wrong use.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <thread>

#include "bench/kernels/page.hpp"
#include "bench/peers/comparison.hpp"
#include "bench/peers/page.hpp"
#include "bench/peers/resident.hpp"
#include "bench/peers/table.hpp"
#include "core/text.hpp"
#include "snn/engine.hpp"

namespace {

namespace fs = std::filesystem;
using namespace syn;
using namespace syn::peers;

int complain(const Error& error, int code) {
  std::fprintf(stderr, "peers: %s\n  where: %s\n  do:    %s\n", error.what.c_str(), error.where.c_str(),
               error.todo.c_str());
  return code;
}

// "volley:8", "auto"
Expected<Spiking> spiking_from(const std::string& word) {
  if (word == "auto") return Spiking{.automatic = true};
  const auto colon = word.find(':');
  if (colon != std::string::npos) {
    const int steps = std::atoi(word.c_str() + colon + 1);
    for (const snn::Code code : {snn::Code::step, snn::Code::volley, snn::Code::phase}) {
      if (word.substr(0, colon) == snn::name_of(code) && steps > 0 && steps < 256)
        return Spiking{code, static_cast<std::uint32_t>(steps)};
    }
  }
  return fail(text::cat("'", word, "' names no code and number of steps"), "--spiking",
              "write auto, volley:8, phase:4 or step:32");
}

// The student, and what stands for the networks that users bring (models/foreign); those on digits were trained
// on MNIST.
std::vector<std::string> default_models() {
  std::vector<std::string> models{"models/fashion-student.onnx"};
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator("models/foreign", none)) {
    if (entry.path().extension() != ".onnx") continue;
    models.push_back(entry.path().string() + (entry.path().stem().string().ends_with("digits") ? "=mnist" : ""));
  }
  std::sort(models.begin() + 1, models.end());
  return models;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> models, spiking{"volley:8", "phase:4"};
  std::string data = "fashion-mnist", library, report;
  std::size_t images = 0;
  bool json = false;
  Answer answer;
  CompareOptions& o = answer.options;
  Resident resident;
  o.preparing_threads = std::max(1u, std::thread::hardware_concurrency());

  CLI::App app{"ONNX Runtime and Synfire on the same networks in the same run. Run it in the repository."};
  app.add_option("models", models, "FILE.onnx or FILE.onnx=DATA; default: the student and models/foreign/*.onnx");
  app.add_option("--data", data, "fashion-mnist | mnist | idx:IMAGES,LABELS, where a model names none")
      ->capture_default_str();
  app.add_option("--mean", o.normalisation.mean, "per channel; networks see (pixel / 255 - mean) / std")
      ->delimiter(',');
  app.add_option("--std", o.normalisation.std, "per channel")->delimiter(',')->check(CLI::PositiveNumber);
  app.add_option(
         "--spiking", spiking,
         "codes and steps to convert to; auto: the cheapest within 0.5 points of the network, on training images")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--images", images, "test images to judge by; 0: all")->capture_default_str();
  app.add_option("--calibration-images", o.calibration_images, "for the peer's int8 and for conversion")
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
  app.add_option("--seed", o.seed, "which training images calibrate the conversion")->capture_default_str();
  app.add_option("--rounds", o.race.rounds, "in each of which every engine is timed")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--calls", o.race.calls, "images timed a round")->check(CLI::Range(1, 10000))->capture_default_str();
  app.add_option("--batch", o.batch, "images a call for throughput; 1: not measured")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--threads", o.threads, "everybody once more with so many; 1: not")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--jobs", o.preparing_threads, "threads for converting; nothing timed depends on it")
      ->check(CLI::Range(1, 256));
  app.add_option("--library", library,
                 "libonnxruntime.so.1; default: SYN_ONNXRUNTIME, else what bench/peers/setup installed");
  app.add_option("--keep", o.keep, "folder for the int8 and the spiking networks that were made");
  app.add_flag_callback(
      "--without-accounting", [&o] { o.accounts = false; },
      "Synfire counts no spikes and makes no checksums, which the peer does not do either");
  app.add_flag("--anyway", answer.anyway, "print ratios even if the machine is busy");
  app.add_option("--report", report, "also measure the kernels, and write an HTML page of all of it to this file");
  app.add_flag("--json", json, "one JSON object on standard output");
  // For the children that measure memory (resident.hpp).
  app.add_option("--resident-of", resident.network)->group("");
  app.add_option("--classes", resident.classes)->group("");
  app.add_flag("--pixels", resident.bytes)->group("");
  CLI11_PARSE(app, argc, argv);

  if (!resident.network.empty()) {
    resident.library = library;
    resident.data = data;
    resident.normalisation = o.normalisation;
    const auto bytes = measure_resident(resident);
    if (!bytes) return complain(bytes.error(), 1);
    std::printf("%s\n", text::cat(*bytes).c_str());
    return 0;
  }

  answer.machine = bench::look_at_machine();
  for (const std::string& word : spiking) {
    const auto one = spiking_from(word);
    if (!one) return complain(one.error(), 2);
    o.spiking.push_back(*one);
  }
  const auto found = find_library(library, ".");
  if (!found) return complain(found.error(), 1);
  const auto runtime = Runtime::load(*found);
  if (!runtime) return complain(runtime.error(), 1);
  answer.runtime_version = runtime->version();
  answer.kernels = snn::Engine::kernel_names().front();

  // Before anything here has threads: it starts processes.
  std::optional<bench::Answer> kernels;
  if (!report.empty()) {
    if (auto possible = bench::check_page(report); !possible) return complain(possible.error(), 1);
    auto measured = bench::measure_all({}, bench::progress_bar);
    if (!measured) return complain(measured.error(), 1);
    kernels = std::move(*measured);
  }

  std::map<std::string, Splits> splits;  // by spec: several networks share one
  for (const std::string& model : models.empty() ? default_models() : models) {
    const auto at = model.rfind('=');
    const std::string file = model.substr(0, at), spec = at == std::string::npos ? data : model.substr(at + 1);
    std::fprintf(stderr, "peers: %s ...\n", file.c_str());
    if (!splits.contains(spec)) {
      auto train = data::load(spec, data::Split::train);
      auto test = data::load(spec, data::Split::test, images ? std::optional(images) : std::nullopt);
      if (!train || !test) {
        answer.troubles.push_back(train ? test.error() : train.error());
        continue;
      }
      test->name = train->name = spec;
      splits.emplace(spec, Splits{std::move(*train), std::move(*test)});
    }
    auto compared = compare(file, splits.at(spec), *runtime, o);
    if (compared) {
      answer.comparisons.push_back(std::move(*compared));
    } else {
      answer.troubles.push_back(compared.error());
    }
  }
  if (kernels)
    if (auto written = bench::write_page(report, page(answer, &*kernels)); !written)
      return complain(written.error(), 1);
  std::fputs(json ? (as_json(answer) + "\n").c_str() : as_text(answer).c_str(), stdout);
  return answer.troubles.empty() ? 0 : 1;
}
