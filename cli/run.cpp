// `synfire run`: a data set through a mesh of daemons.
#include <CLI/CLI.hpp>

#include "cli/mesh.hpp"
#include "cli/options.hpp"
#include "cli/verb.hpp"
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
  }

  Expected<Answer> run(Terminal& terminal) override {
    const auto deadline = read_duration(deadline_, "--deadline");
    if (!deadline) throw UsageError(deadline.error());
    run_.deadline = *deadline;
    const auto file = load_spiking(model_);
    if (!file) return fail(file.error());
    const auto dataset = data_.load();
    if (!dataset) return fail(dataset.error());
    run_.mean = data_.mean;
    run_.std = data_.std;
    const auto result = run_mesh(*file, *dataset, run_, terminal);
    if (!result) return fail(result.error());
    return answer(*result, file->model);
  }

 private:
  std::string model_;
  DataOptions data_;
  MeshRun run_;
  std::string deadline_ = "10s";
};

}  // namespace

std::unique_ptr<Verb> make_run() {
  return std::make_unique<Run>();
}

}  // namespace syn::cli
