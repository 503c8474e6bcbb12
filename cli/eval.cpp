// `synfire eval`: a network over a data set in this process. .onnx runs as the float reference, .syn on the integer
// engine.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/files.hpp"
#include "cli/json.hpp"
#include "cli/one_process.hpp"
#include "cli/options.hpp"
#include "cli/verb.hpp"
#include "core/text.hpp"
#include "report/table.hpp"

namespace syn::cli {

namespace {

std::string as_text(const report::Evaluation& e) {
  const auto count = [](double v) { return text::grouped(static_cast<std::int64_t>(v + 0.5)); };
  report::Table table({"figure", "value"});
  table.row({"accuracy",
             text::cat(text::fixed(e.accuracy() * 100, 2), " %  (", text::grouped(static_cast<std::int64_t>(e.correct)),
                       " of ", text::grouped(static_cast<std::int64_t>(e.total)), ")")});
  table.row({"code", e.steps ? text::cat(e.code, ", T = ", e.steps) : e.code});
  if (e.spikes_per_inference) {
    table.row({"spikes per inference", count(*e.spikes_per_inference)});
    table.row({"events per inference", count(*e.events_per_inference)});
    table.row({"synaptic operations", count(*e.synops_per_inference)});
  }
  table.row(
      {"latency p50 / p95 / p99", text::cat(text::fixed(e.latency_us_p50, 0), " / ", text::fixed(e.latency_us_p95, 0),
                                            " / ", text::fixed(e.latency_us_p99, 0), " us")});
  table.row({"throughput", text::cat(text::fixed(e.throughput_per_s, 0), " /s")});
  if (!e.digest.empty()) {
    table.row({"digest", e.digest});
    table.row({"spike digest", e.spike_digest});
  }
  return table.text();
}

class Eval final : public Verb {
 public:
  const char* name() const override { return "eval"; }
  const char* summary() const override { return "accuracy, activity and digest of a network over a data set"; }
  const char* example() const override { return "synfire eval models/fashion-student.onnx --data fashion-mnist"; }

  void declare(CLI::App& app) override {
    app.add_option("model", model_, ".onnx (float reference) or .syn (integer engine)")->required();
    data_.declare(app);
    app.add_option("--threads", threads_, "any number gives the same digest")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
  }

  Expected<Answer> run(Terminal& terminal) override {
    auto any = load_any(model_);
    if (!any) return fail(any.error());
    const auto dataset = data_.load();
    if (!dataset) return fail(dataset.error());
    report::Evaluation evaluation;
    if (auto* file = std::get_if<SpikingFile>(&*any)) {
      auto engine = snn::Engine::make(std::move(file->model));
      if (!engine) return fail(engine.error());
      auto local = evaluate_spiking(*engine, *dataset, data_.mean, data_.std, threads_, terminal, "spiking network");
      if (!local) return fail(local.error());
      evaluation = std::move(local->evaluation);
    } else {
      auto e = evaluate_float(std::get<ann::Graph>(*any), *dataset, data_.mean, data_.std, threads_, terminal,
                              "float network");
      if (!e) return fail(e.error());
      evaluation = std::move(*e);
    }
    return Answer{evaluation_json(evaluation).dump(), as_text(evaluation), {}};
  }

 private:
  std::string model_;
  DataOptions data_;
  std::uint32_t threads_ = default_threads();
};

}  // namespace

std::unique_ptr<Verb> make_eval() {
  return std::make_unique<Eval>();
}

}  // namespace syn::cli
