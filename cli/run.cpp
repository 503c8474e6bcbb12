// `synfire run`: a data set through a mesh of daemons.
#include <CLI/CLI.hpp>
#include <filesystem>

#include "cli/mesh.hpp"
#include "cli/options.hpp"
#include "cli/reporting.hpp"
#include "cli/verb.hpp"
#include "core/text.hpp"
#include "core/units.hpp"

namespace syn::cli {

namespace {

class Run final : public Verb {
 public:
  const char* name() const override { return "run"; }
  const char* summary() const override {
    return "a data set through a mesh of daemons, started here or running already";
  }
  const char* example() const override { return "synfire run student.syn --nodes 3 --data fashion-mnist"; }
  void declare(CLI::App& app) override {
    app.add_option("model", model_, ".syn")->required();
    run_.mesh.declare(app);
    data_.declare(app);
    app.add_option("--rate", run_.rate, "inferences submitted per second; 0: as fast as admitted")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--deadline", deadline_, "an inference without a result by then is an error")->capture_default_str();
    app.add_option("--pids", run_.pids_file, "write the process ids of the daemons here, one a line (--nodes)");
    report_.declare(app, "accuracy, a raster, bytes, latencies, the placement");
  }

  Expected<Answer> run(Terminal& terminal) override {
    const auto deadline = read_duration(deadline_, "--deadline");
    if (!deadline) throw UsageError(deadline.error());
    run_.deadline = *deadline;
    if (auto writable = report_.check(); !writable) return fail(writable.error());
    const auto file = load_spiking(model_);
    if (!file) return fail(file.error());
    const auto dataset = data_.load();
    if (!dataset) return fail(dataset.error());
    run_.mean = data_.mean;
    run_.std = data_.std;
    const auto result = run_mesh(*file, *dataset, run_, terminal);
    if (!result) return fail(result.error());
    if (report_.asked()) {
      if (auto written = write_page(*file, *dataset, *result, terminal); !written) return fail(written.error());
    }
    return answer(*result, file->model);
  }

 private:
  Expected<> write_page(const SpikingFile& file, const data::Dataset& dataset, const MeshResult& result,
                        Terminal& terminal) const {
    report::Page page = page_of(file, dataset, std::filesystem::path(model_).filename().string());
    const std::size_t nodes = result.plan.shards.size();
    add_way(page,
            text::cat(nodes, nodes == 1 ? " daemon" : " daemons", run_.mesh.cluster.empty() ? " on this machine" : ""),
            "wall clock", result.evaluation, result.wire_bytes_per_inference);
    add_placement(page, result, file.model, "gateway");
    if (auto seen = add_activity(page, file.model, dataset, data_, default_threads(), terminal); !seen)
      return fail(seen.error());
    return write_report(report_, page, terminal);
  }

  std::string model_;
  DataOptions data_;
  ReportOption report_;
  MeshRun run_;
  std::string deadline_ = "10s";
};

}  // namespace

std::unique_ptr<Verb> make_run() {
  return std::make_unique<Run>();
}

}  // namespace syn::cli
