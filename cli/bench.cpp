// `synfire bench`: how fast the engine is on this machine: latency of one inference at a time, and throughput. Of NIR
// files and float models sequences, whole and step by step (bench_real.hpp).
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/bench_real.hpp"
#include "cli/files.hpp"
#include "cli/json.hpp"
#include "cli/nir_options.hpp"
#include "cli/one_process.hpp"
#include "cli/options.hpp"
#include "cli/verb.hpp"
#include "core/text.hpp"
#include "report/table.hpp"
#include "transport/spin_team.hpp"

namespace syn::cli {

namespace {

class Bench final : public Verb {
 public:
  const char* name() const override { return "bench"; }
  const char* summary() const override { return "speed of the engine on this machine"; }
  const char* example() const override { return "synfire bench student.syn --data fashion-mnist --threads 1"; }
  void declare(CLI::App& app) override {
    app.add_option("model", model_, ".syn or .nir")->required();
    data_.limit = 1000;
    data_.declare(app, false);
    app.add_option("--input", inputs_,
                   "of .nir and float models, in place of --data: .npy, samples x steps x input shape (NAME=X.npy for "
                   "each of several inputs)")
        ->allow_extra_args(false);
    nir_.declare(app);
    app.add_option("--threads", threads_, "inferences at a time")->check(CLI::Range(1, 256))->capture_default_str();
    app.add_option("--share", share_, "threads that share each inference: for networks of a millisecond or more")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    app.add_option(
        "--target", target_,
        "the instruction set to use: avx512vnni, avx512, avx2, sse4, neon, reference; of float models avx512, "
        "avx2, plain");
    app.add_option("--repeat", repeat_, "passes over the data; the median pass is reported")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
  }

  Expected<Answer> run(Terminal& terminal) override {
    auto any = load_any(model_);
    if (!any) return fail(any.error());
    if (auto* graph = std::get_if<nir::Graph>(&*any)) {
      auto model = nir_.lower(*graph, model_);
      if (!model) return fail(model.error());
      return sequences(std::move(*model), terminal);
    }
    nir_.refuse("only NIR files leave their rules open");
    if (auto* real = std::get_if<RealFile>(&*any)) return sequences(std::move(real->model), terminal);
    auto file = load_spiking(model_);
    if (!file) return fail(file.error());
    if (!inputs_.empty() || data_.spec.empty())
      throw UsageError({"this model is timed on a data set", "the command line", "give --data, and no --input"});
    const auto dataset = data_.load();
    if (!dataset) return fail(dataset.error());
    const auto engine = snn::Engine::make(std::move(file->model), target_);
    if (!engine) return fail(engine.error());
    if (share_ > 1 && threads_ > 1)
      return fail("inferences can be beside each other or shared, not both", "--threads and --share",
                  "give one of them");
    std::optional<transport::SpinTeam> team;
    if (share_ > 1) team.emplace(share_);
    std::vector<report::Evaluation> passes;
    for (std::uint32_t pass = 0; pass <= repeat_; ++pass) {  // the first one warms caches and is not counted
      auto local =
          evaluate_spiking(*engine, *dataset, data_.mean, data_.std, threads_, terminal,
                           pass == 0 ? std::string("warm-up") : text::cat("pass ", pass), team ? &*team : nullptr);
      if (!local) return fail(local.error());
      if (pass > 0) passes.push_back(std::move(local->evaluation));
    }
    std::sort(passes.begin(), passes.end(),
              [](const auto& a, const auto& b) { return a.latency_us_p50 < b.latency_us_p50; });
    const report::Evaluation& e = passes[passes.size() / 2];
    const double synops_per_us = *e.synops_per_inference * e.throughput_per_s * 1e-6;
    Json json = evaluation_json(e);
    json["threads"] = threads_;
    json["share"] = share_;
    json["target"] = engine->kernels();
    json["resident_bytes"] = engine->resident_bytes();
    json["synops_per_us"] = synops_per_us;
    json["peak_resident_bytes"] = peak_resident_bytes();
    report::Table table({"figure", "value"});
    table.row(
        {"latency p50 / p95 / p99", text::cat(text::fixed(e.latency_us_p50, 1), " / ", text::fixed(e.latency_us_p95, 1),
                                              " / ", text::fixed(e.latency_us_p99, 1), " us")});
    table.row({"throughput",
               text::cat(text::fixed(e.throughput_per_s, 0), " /s on ", std::max(threads_, share_), " thread(s)")});
    table.row({"synaptic operations", text::cat(text::fixed(*e.synops_per_inference, 0), " per inference, ",
                                                text::fixed(synops_per_us / 1000, 1), " G/s")});
    table.row({"instruction set", std::string(engine->kernels())});
    table.row({"memory of the loaded model", text::bytes(static_cast<double>(engine->resident_bytes()))});
    table.row({"peak memory", text::bytes(static_cast<double>(peak_resident_bytes()))});
    table.row({"digest", e.digest});
    return Answer{json.dump(), table.text(), {}};
  }

 private:
  Expected<Answer> sequences(snn::real::Model model, Terminal& terminal) const {
    if (!data_.spec.empty() || threads_ > 1 || share_ > 1)
      throw UsageError({"float models run sequences on one thread", "the command line",
                        "give --input, and neither --data nor --threads nor --share"});
    return bench_real(std::move(model), {inputs_, target_, repeat_}, terminal);
  }

  std::string model_, target_;
  std::vector<std::string> inputs_;
  NirOptions nir_;
  DataOptions data_;
  std::uint32_t threads_ = 1, share_ = 1;
  std::uint32_t repeat_ = 5;
};

}  // namespace

std::unique_ptr<Verb> make_bench() {
  return std::make_unique<Bench>();
}

}  // namespace syn::cli
