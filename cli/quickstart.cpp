// `synfire quickstart`, the main job from end to end on real data: a distilled network becomes spikes, is spread over
// three daemons, and one process, three processes and three simulated machines must give one digest.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/converting.hpp"
#include "cli/executables.hpp"
#include "cli/files.hpp"
#include "cli/json.hpp"
#include "cli/mesh.hpp"
#include "cli/one_process.hpp"
#include "cli/options.hpp"
#include "cli/reporting.hpp"
#include "cli/simulated.hpp"
#include "cli/verb.hpp"
#include "core/text.hpp"
#include "report/table.hpp"
#include "sim/profiles.hpp"

namespace syn::cli {

namespace {

// The model that the repository ships: beside the working folder, or above the folder of this program.
std::string shipped_model() {
  namespace fs = std::filesystem;
  const fs::path name = fs::path("models") / "fashion-student.onnx";
  std::error_code ignored;
  if (fs::exists(name, ignored)) return name.string();
  for (fs::path folder = fs::path(executable("synfire")).parent_path(); folder.has_relative_path();
       folder = folder.parent_path()) {
    if (fs::exists(folder / name, ignored)) return (folder / name).string();
  }
  return name.string();
}

struct Stages {
  report::Evaluation network;
  Local local;
  MeshResult mesh, simulated;
};

std::string as_text(const Stages& s, const SpikingFile& file, bool one_digest) {
  const report::Evaluation& spiking = s.local.evaluation;
  const report::Evaluation& mesh = s.mesh.evaluation;
  const auto percent = [](double v) { return text::fixed(v * 100, 2) + " %"; };
  const auto whole = [](double v) { return text::grouped(static_cast<std::int64_t>(v + 0.5)); };
  const auto ms = [](double us) { return text::fixed(us / 1000, 2); };
  const double inferences = static_cast<double>(std::max<std::uint64_t>(1, s.mesh.counts.results));

  report::Table table({"figure", "value"});
  table.row({"network, float32", percent(s.network.accuracy())});
  table.row({text::cat("spiking, ", spiking.code, " T = ", spiking.steps),
             text::cat(percent(spiking.accuracy()), "  (",
                       text::fixed((s.network.accuracy() - spiking.accuracy()) * 100, 2), " points less)")});
  table.row({"spikes per inference", whole(*spiking.spikes_per_inference)});
  table.row({"events per inference", whole(*spiking.events_per_inference)});
  table.row({"synaptic operations", whole(*spiking.synops_per_inference)});
  table.row(
      {"on the wire per inference", text::cat(whole(s.mesh.wire_bytes_per_inference), " B, everything included")});
  table.row({"latency p50 / p95 / p99",
             text::cat(ms(mesh.latency_us_p50), " / ", ms(mesh.latency_us_p95), " / ", ms(mesh.latency_us_p99),
                       " ms, with ", s.mesh.plan.in_flight, " in flight")});
  table.row({"  alone, in one process", text::cat(ms(spiking.latency_us_p50), " / ", ms(spiking.latency_us_p95), " / ",
                                                  ms(spiking.latency_us_p99), " ms")});
  table.row(
      {"throughput", text::cat(whole(mesh.throughput_per_s), " /s over ", s.mesh.plan.shards.size(), " daemons")});
  table.row({"inferences",
             text::cat(s.mesh.counts.accepted, " accepted, ", s.mesh.counts.results, " results, ", s.mesh.counts.errors,
                       " errors, ", s.mesh.counts.lost, " lost, ", s.mesh.counts.duplicated, " duplicated")});

  report::Table edges({"edge", "population", "B per inference", "int8 features", "raw input"});
  for (const EdgeTraffic& edge : s.mesh.edges) {
    edges.row({edge.from + " -> " + edge.to, edge.population, whole(static_cast<double>(edge.bytes) / inferences),
               text::cat(edge.int8_bytes_per_inference), text::cat(s.mesh.raw_input_bytes)});
  }
  report::Table digests({"where", "digest", "spike digest"});
  const auto digest = [&](const char* where, const report::Evaluation& e) {
    digests.row({where, e.digest.substr(0, 32) + "…", e.spike_digest.substr(0, 32) + "…"});
  };
  digest("one process", spiking);
  digest("daemons (CURVE over TCP)", mesh);
  digest("simulated nodes", s.simulated.evaluation);
  return text::cat(
      "\n", table.text(), "\n", edges.text(), "\n", show(s.mesh.plan, file.model), "\n", digests.text(),
      one_digest ? "✓ one digest: all inferences gave the same bits everywhere\n" : "✗ the digests differ\n");
}

class Quickstart final : public Verb {
 public:
  const char* name() const override { return "quickstart"; }
  const char* summary() const override {
    return "the main job from end to end: convert, spread over three daemons, prove one digest";
  }
  const char* example() const override { return "synfire quickstart"; }
  void declare(CLI::App& app) override {
    app.add_option("--model", model_, "another trained network (.onnx)");
    data_.spec = "fashion-mnist";
    data_.declare(app, false);
    app.add_option("--steps", options_.steps, "T")->check(CLI::Range(1, 255))->capture_default_str();
    app.add_option("--nodes", nodes_, "daemons")->check(CLI::Range(1, 16))->capture_default_str();
    app.add_option("-o,--output", output_, "keep the converted model here (.syn)");
    report_.declare(app, "all of this, and accuracy against T for every code");
  }

  Expected<Answer> run(Terminal& terminal) override {
    if (auto writable = report_.check(); !writable) return fail(writable.error());
    const std::string model = model_.empty() ? shipped_model() : model_;
    terminal.line(text::cat("synfire ", SYN_VERSION, ": ", model, " on ", data_.spec, ", T = ", options_.steps, ", ",
                            nodes_, " nodes"));
    const auto graph = load_onnx(model);
    if (!graph) return fail(graph.error());
    const auto test = data_.load();
    if (!test) return fail(test.error());
    DataOptions training = data_;
    training.split = "train";
    training.limit = 0;
    const auto train = training.load();
    if (!train) return fail(train.error());
    const std::uint32_t threads = default_threads();

    Stages stages;
    auto network = evaluate_float(*graph, *test, data_.mean, data_.std, threads, terminal, "float network");
    if (!network) return fail(network.error());
    stages.network = std::move(network->evaluation);

    options_.threads = threads;
    options_.mean = data_.mean;
    options_.std = data_.std;
    auto converted = convert_with_progress(*graph, *train, options_, terminal);
    if (!converted) return fail(converted.error());
    const auto made = as_file(converted->model);
    if (!made) return fail(made.error());
    const SpikingFile& file = *made;
    if (!output_.empty()) {
      if (auto written = write_file(output_, file.bytes); !written) return fail(written.error());
    }

    const auto engine = snn::Engine::make(file.model);
    if (!engine) return fail(engine.error());
    auto local = evaluate_spiking(*engine, *test, data_.mean, data_.std, threads, terminal, "one process");
    if (!local) return fail(local.error());
    stages.local = std::move(*local);

    MeshRun run{.mean = data_.mean, .std = data_.std, .title = text::cat(nodes_, " daemons")};
    run.mesh.nodes = nodes_;
    auto mesh = run_mesh(file, *test, run, terminal);
    if (!mesh) return fail(mesh.error());
    stages.mesh = std::move(*mesh);

    const auto machines = run.mesh.machines();
    if (!machines) return fail(machines.error());
    sim::SimOptions sim_options{.seed = options_.seed, .nodes = machines->nodes, .gateway = machines->gateway};
    auto simulated =
        simulate(file, *test, data_.mean, data_.std, sim_options, terminal, text::cat(nodes_, " simulated nodes"));
    if (!simulated) return fail(simulated.error());
    stages.simulated = std::move(*simulated);

    if (report_.asked()) {
      report::Page page = page_of(file, *test, std::filesystem::path(model).filename().string());
      page.network = stages.network;
      add_way(page, text::cat(nodes_, nodes_ == 1 ? " daemon" : " daemons", " on this machine"), "wall clock",
              stages.mesh.evaluation, stages.mesh.wire_bytes_per_inference);
      add_way(page, "one process", "wall clock", stages.local.evaluation);
      add_way(page, text::cat(nodes_, nodes_ == 1 ? " simulated node" : " simulated nodes"), "virtual clock",
              stages.simulated.evaluation, stages.simulated.wire_bytes_per_inference);
      add_placement(page, stages.mesh, file.model, "gateway");
      if (auto seen = add_activity(page, file.model, *test, data_, threads, terminal); !seen) return fail(seen.error());
      add_conversion(page, *converted);
      if (auto swept = add_sweep(page, *graph, *test, *train, options_, terminal); !swept) return fail(swept.error());
      if (auto written = write_report(report_, page, terminal); !written) return fail(written.error());
    }

    const auto same = [&](const report::Evaluation& e) {
      return e.total == test->count && e.digest == stages.local.evaluation.digest &&
             e.spike_digest == stages.local.evaluation.spike_digest;
    };
    const bool one_digest = same(stages.mesh.evaluation) && same(stages.simulated.evaluation);
    Answer answer{as_json(stages, file.model, one_digest), as_text(stages, file, one_digest), stages.mesh.trouble};
    if (!one_digest && answer.error.what.empty()) {
      answer.error = {"the digests of one process, the daemons and the simulator differ", "quickstart",
                      "this is a bug: please report the lines above"};
    }
    return answer;
  }

 private:
  static std::string as_json(const Stages& s, const snn::Model& model, bool one_digest) {
    Json json{{"one_digest", one_digest},
              {"network", evaluation_json(s.network)},
              {"one_process", evaluation_json(s.local.evaluation)}};
    json["run"] = Json::parse(answer(s.mesh, model).json);
    json["sim"] = Json::parse(answer(s.simulated, model).json);
    return json.dump();
  }

  std::string model_, output_;
  DataOptions data_;
  ConvertOptions options_;
  ReportOption report_;
  std::uint32_t nodes_ = 3;
};

}  // namespace

std::unique_ptr<Verb> make_quickstart() {
  return std::make_unique<Quickstart>();
}

}  // namespace syn::cli
