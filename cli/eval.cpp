// `synfire eval`: a network over a data set in this process. .onnx runs as the float reference, .syn on the integer
// engine; recordings of events run as streams through .nir, and .syn of the float profile or `step` code.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/converting.hpp"
#include "cli/eval_events.hpp"
#include "cli/files.hpp"
#include "cli/json.hpp"
#include "cli/nir_options.hpp"
#include "cli/one_process.hpp"
#include "cli/options.hpp"
#include "cli/reporting.hpp"
#include "cli/verb.hpp"
#include "conversion/data/events/event_set.hpp"
#include "core/text.hpp"
#include "report/table.hpp"
#include "snn/metrics.hpp"

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
  if (e.agreeing) {
    table.row({"same class as the float network",
               text::cat(text::fixed(100.0 * static_cast<double>(*e.agreeing) / static_cast<double>(e.total), 2),
                         " %  (", text::grouped(static_cast<std::int64_t>(*e.agreeing)), " of ",
                         text::grouped(static_cast<std::int64_t>(e.total)), ")")});
  }
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
    app.add_option("model", model_,
                   ".onnx (float reference), .syn (integer engine), or .nir and .syn that watch events")
        ->required();
    app.add_option("--against", against_, "the .onnx that a .syn was made from: counts images of equal class");
    data_.declare(app);
    app.add_option("--threads", threads_, "any number gives the same digest")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    streams_.declare(app);
    nir_.declare(app);
    report_.declare(app, "of a .syn, its figures; of an .onnx, also accuracy against T for every code");
  }

  Expected<Answer> run(Terminal& terminal) override {
    if (auto writable = report_.check(); !writable) return fail(writable.error());
    auto any = load_any(model_);
    if (!any) return fail(any.error());
    if (data_.spec.starts_with(data::kEventsPrefix)) return watch(std::move(*any), terminal);
    if (streams_.any() || nir_.given())
      throw UsageError({"--window, --steps, --margin, --dialect, --dt and --reset are about recordings of events",
                        "the command line", "give --data events:FOLDER, or leave them away"});
    if (!std::holds_alternative<ann::Graph>(*any) && !std::holds_alternative<SpikingFile>(*any))
      return fail("a model of the float profile takes sequences, not images", model_,
                  "synfire eval MODEL --data events:FOLDER, or synfire infer MODEL --input X.npy --output Y.npy");
    std::optional<ann::Graph> original;
    if (!against_.empty()) {
      auto other = load_any(against_);
      if (!other) return fail(other.error());
      if (!std::holds_alternative<ann::Graph>(*other) || std::holds_alternative<ann::Graph>(*any)) {
        return fail("--against compares a spiking network with a float one", against_,
                    "synfire eval MODEL.syn --against MODEL.onnx");
      }
      original = std::move(std::get<ann::Graph>(*other));
    }
    const auto dataset = data_.load();
    if (!dataset) return fail(dataset.error());
    report::Evaluation evaluation;
    if (auto* file = std::get_if<SpikingFile>(&*any)) {
      auto engine = snn::Engine::make(file->model);
      if (!engine) return fail(engine.error());
      auto local = evaluate_spiking(*engine, *dataset, data_.mean, data_.std, threads_, terminal, "spiking network");
      if (!local) return fail(local.error());
      evaluation = std::move(local->evaluation);
      std::optional<report::Evaluation> network;
      if (original) {
        auto wanted = evaluate_float(*original, *dataset, data_.mean, data_.std, threads_, terminal, "float network");
        if (!wanted) return fail(wanted.error());
        evaluation.agreeing = 0;
        for (std::size_t i = 0; i < local->outcomes.size(); ++i)
          *evaluation.agreeing += snn::winner(local->outcomes[i].potentials) == wanted->classes[i];
        network = std::move(wanted->evaluation);
      }
      if (report_.asked()) {
        report::Page page = begin_page(*file, *dataset, evaluation);
        page.network = std::move(network);
        if (auto ended = end_page(page, file->model, *dataset, terminal); !ended) return fail(ended.error());
      }
    } else {
      auto e = evaluate_float(std::get<ann::Graph>(*any), *dataset, data_.mean, data_.std, threads_, terminal,
                              "float network");
      if (!e) return fail(e.error());
      evaluation = std::move(e->evaluation);
      if (report_.asked()) {
        if (auto ended = report_conversions(std::get<ann::Graph>(*any), *dataset, evaluation, terminal); !ended)
          return fail(ended.error());
      }
    }
    return Answer{evaluation_json(evaluation).dump(), as_text(evaluation), {}};
  }

 private:
  Expected<Answer> watch(AnyModel any, Terminal& terminal) const {
    if (report_.asked() || !against_.empty() || !data_.mean.empty() || !data_.std.empty())
      throw UsageError({"--report, --against, --mean and --std are about images", "the command line",
                        "leave them away with --data events:FOLDER"});
    struct {
      const std::string& where;
      const NirOptions& nir;
      Expected<std::unique_ptr<Live>> operator()(ann::Graph&) const {
        return fail("a network that has not become spikes does not run on a stream", where,
                    "synfire train --data events:FOLDER --arch events makes one that does");
      }
      Expected<std::unique_ptr<Live>> operator()(SpikingFile& file) const {
        nir.refuse("a .syn holds its rules");
        return make_live(std::move(file.model), where);
      }
      Expected<std::unique_ptr<Live>> operator()(RealFile& file) const {
        nir.refuse("a .syn holds its rules");
        return make_live(std::move(file.model), where);
      }
      Expected<std::unique_ptr<Live>> operator()(nir::Graph& graph) const {
        auto model = nir.lower(graph, where);
        if (!model) return fail(model.error());
        return make_live(std::move(*model), where);
      }
    } const make{model_, nir_};
    auto network = std::visit(make, any);
    if (!network) return fail(network.error());
    const auto split = data::split_from(data_.split);
    if (!split) return fail(split.error());
    const auto limit = data_.limit > 0 ? std::optional<std::size_t>(data_.limit) : std::nullopt;
    return evaluate_streams(std::move(*network), data_.spec.substr(data::kEventsPrefix.size()), *split, limit, streams_,
                            threads_, terminal);
  }

  report::Page begin_page(const SpikingFile& file, const data::Dataset& dataset, const report::Evaluation& e) const {
    report::Page page = page_of(file, dataset, std::filesystem::path(model_).filename().string());
    add_way(page, "one process", "wall clock", e);
    return page;
  }
  Expected<> end_page(report::Page& page, const snn::Model& model, const data::Dataset& dataset, Terminal& terminal) {
    if (auto seen = add_activity(page, model, dataset, data_, threads_, terminal); !seen) return fail(seen.error());
    return write_report(report_, page, terminal);
  }

  // A float network's page is about its conversion with the default options, and what other codes and T would give.
  Expected<> report_conversions(const ann::Graph& graph, const data::Dataset& dataset,
                                const report::Evaluation& network, Terminal& terminal) {
    DataOptions training = data_;
    training.split = "train";
    training.limit = 0;
    const auto train = training.load();
    if (!train) return fail(train.error());
    const ConvertOptions options{.threads = threads_, .mean = data_.mean, .std = data_.std};
    const auto converted = convert_with_progress(graph, *train, options, terminal);
    if (!converted) return fail(converted.error());
    const auto file = as_file(converted->model);
    if (!file) return fail(file.error());
    const auto engine = snn::Engine::make(file->model);
    if (!engine) return fail(engine.error());
    const auto local = evaluate_spiking(*engine, dataset, data_.mean, data_.std, threads_, terminal, "spiking network");
    if (!local) return fail(local.error());
    report::Page page = begin_page(*file, dataset, local->evaluation);
    page.network = network;
    if (auto swept = add_sweep(page, graph, dataset, *train, options, terminal); !swept) return fail(swept.error());
    if (auto seen = add_activity(page, file->model, dataset, data_, threads_, terminal); !seen)
      return fail(seen.error());
    add_conversion(page, *converted);
    return write_report(report_, page, terminal);
  }

  std::string model_, against_;
  DataOptions data_;
  StreamOptions streams_;
  NirOptions nir_;
  ReportOption report_;
  std::uint32_t threads_ = default_threads();
};

}  // namespace

std::unique_ptr<Verb> make_eval() {
  return std::make_unique<Eval>();
}

}  // namespace syn::cli
