// synfire-trainer: `synfire train` and `synfire distill` run this as a child. Standard output is one JSON object,
// progress goes to standard error; exit codes are synfire's (0 done, 1 failed, 2 wrong use, 130 interrupted).
#include <CLI/CLI.hpp>
#include <iostream>
#include <limits>

#include "conversion/trainer/session.hpp"
#include "core/error.hpp"
#include "core/units.hpp"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace {

// A batch's tensors are large, alike in every step, and freed at once. Given back to the system each time, their pages
// are zeroed anew: half of the time of a spiking network's training went there.
void keep_freed_memory() {
#ifdef __GLIBC__
  ::mallopt(M_MMAP_MAX, 0);
  ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
#endif
}

using syn::train::Request;

struct FramingOptions {
  std::string window = "25ms";
  std::uint64_t steps = 12;
};

void add_options(CLI::App& verb, Request& r, FramingOptions& framing) {
  auto& s = r.settings;
  verb.add_option("--data", r.data,
                  "fashion-mnist, mnist, idx:IMAGES,LABELS, or events:FOLDER (recordings in N-MNIST's layout)")
      ->capture_default_str();
  verb.add_option("--test-data", r.test_data, "with idx: data, the files of the test split");
  verb.add_option("--limit", r.limit, "learn from the first N images only")->check(CLI::Range(2, 1 << 30));
  verb.add_option("--arch", s.architecture,
                  "the network's layers: student, teacher, tiny; of recordings: events, events-tiny")
      ->capture_default_str();
  verb.add_option("--epochs", s.epochs, "how often every image is seen")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  verb.add_option("--batch", s.batch, "images in one step")->check(CLI::Range(2, 65536))->capture_default_str();
  verb.add_option("--lr", s.rate, "the learning rate's peak")->check(CLI::Range(1e-9, 1e3))->capture_default_str();
  verb.add_option("--weight-decay", s.weight_decay, "pull of the weights to 0")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  verb.add_option("--shift", s.augmentation.shift, "vary images by up to N pixels")
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  verb.add_flag("--flip,!--no-flip", s.augmentation.flip, "mirror every other image (default: yes)");
  verb.add_option("--erase", s.augmentation.erase, "probability of a rectangle of noise")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  verb.add_option("--seed", s.seed, "decides every random choice")->capture_default_str();
  verb.add_option("--validation", s.validation, "images held out to choose the best epoch")->capture_default_str();
  verb.add_option("--mean", s.scaling.mean, "subtracted from pixel / 255")->capture_default_str();
  verb.add_option("--std", s.scaling.deviation, "what the difference is divided by")
      ->check(CLI::Range(1e-6, 1e6))
      ->capture_default_str();
  verb.add_option("--window", framing.window, "of events: how long one step is")->capture_default_str();
  verb.add_option("--steps", framing.steps, "of events: steps that are looked at, from a recording's first event on")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  verb.add_flag("--bfloat16", s.bfloat16, "convolve in bfloat16: faster on processors that have it");
  verb.add_option("--threads", r.threads,
                  "threads of libtorch; 0: all processors; 1 is best while others keep the machine busy")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  verb.add_option("-o,--output", r.output,
                  "the ONNX file, of events the NIR file; written after every epoch that is the best so far")
      ->required();
  verb.add_option("--checkpoint", r.checkpoint, "where the run is kept; an existing one is continued");
  verb.add_option("--card", r.card, "a Markdown page that says what was made, and how");
  verb.add_flag("--json", r.json, "print the result as one JSON object");
}

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();
  CLI::App app{"Trains and distils the networks that Synfire turns into spikes."};
  app.require_subcommand(1);
  app.set_version_flag("--version", SYN_VERSION);
  app.footer(
      "Example:\n"
      "  synfire-trainer train --arch teacher --epochs 16 -o teacher.onnx --checkpoint teacher.ckpt\n"
      "  synfire-trainer distill --teacher teacher.ckpt --arch student --epochs 40 -o student.onnx\n"
      "  synfire-trainer train --data events:saccades --arch events --no-flip --shift 1 --lr 0.03 -o saccades.nir");
  Request request;
  request.command.assign(argv, argv + argc);

  request.settings.architecture = "student";
  auto& train = *app.add_subcommand("train", "teach a network from labels alone");
  FramingOptions framing;
  add_options(train, request, framing);
  auto& distill = *app.add_subcommand("distill", "teach a network from labels and from a teacher's scores");
  add_options(distill, request, framing);
  syn::train::Distillation distillation;
  distill.add_option("--teacher", request.teacher, "the checkpoint that `train` left")->required();
  distill.add_option("--temperature", distillation.temperature, "softens the scores")
      ->check(CLI::Range(0.1, 1000.0))
      ->capture_default_str();
  distill.add_option("--alpha", distillation.alpha, "the teacher's share of the loss")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return syn::train::report_error({error.what(), "command line", "see synfire-trainer --help"}, request.wants_json(),
                                    2);
  }
  if (request.data.starts_with("idx:") && request.test_data.empty()) {
    return syn::train::report_error(
        {"idx: data has no test split of its own", "command line", "give --test-data idx:IMAGES,LABELS"}, request.json,
        2);
  }
  if (request.data.starts_with(syn::data::kEventsPrefix)) {
    const auto window = syn::read_duration(framing.window, "--window");
    if (!window) return syn::train::report_error(window.error(), request.json, 2);
    request.settings.framing = {std::chrono::duration_cast<std::chrono::microseconds>(*window).count(), framing.steps};
    request.settings.scaling.white = 1;
  }
  if (distill.parsed()) request.settings.distillation = distillation;
  return syn::train::run(request);
}
