// `synfire sim`: the mesh on simulated machines, deterministic; same seed, same event log.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/files.hpp"
#include "cli/mesh_result.hpp"
#include "cli/mesh_options.hpp"
#include "cli/one_process.hpp"
#include "cli/options.hpp"
#include "cli/reporting.hpp"
#include "cli/simulated.hpp"
#include "cli/verb.hpp"
#include "core/text.hpp"
#include "core/units.hpp"

namespace syn::cli {

namespace {

class Sim final : public Verb {
 public:
  const char* name() const override { return "sim"; }
  const char* summary() const override {
    return "the mesh on simulated machines, on a virtual clock; same seed, same run";
  }
  const char* example() const override {
    return "synfire sim student.syn --nodes 4 --device pi4 --seed 1 --data fashion-mnist --limit 100";
  }

  void declare(CLI::App& app) override {
    app.add_option("model", model_, ".syn")->required();
    mesh_.declare(app);
    data_.declare(app);
    app.add_option("--seed", options_.seed, "of jitter and faults")->capture_default_str();
    app.add_option("--rate", options_.rate, "inferences submitted per simulated second; 0: as fast as admitted")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--deadline", deadline_, "an inference without a result by then is an error")->capture_default_str();
    app.add_option("--fault", faults_,
                   "kill:NODE@TIME, slow:NODExFACTOR@TIME or cut:NODE-NODE@TIME; nodes count from 1, the first "
                   "submission is at 0ms");
    report_.declare(app, "accuracy, a raster, bytes, latencies, the placement");
  }

  Expected<Answer> run(Terminal& terminal) override {
    const auto deadline = read_duration(deadline_, "--deadline");
    if (!deadline) throw UsageError(deadline.error());
    options_.deadline = *deadline;
    if (auto writable = report_.check(); !writable) return fail(writable.error());
    for (const std::string& fault : faults_) options_.faults.push_back(read_fault(fault));
    const auto file = load_spiking(model_);
    if (!file) return fail(file.error());
    const auto machines = mesh_.machines();
    if (!machines) return fail(machines.error());
    const auto dataset = data_.load();
    if (!dataset) return fail(dataset.error());
    options_.nodes = machines->nodes;
    options_.gateway = machines->gateway;
    options_.window_steps = mesh_.window_steps;
    options_.in_flight = mesh_.in_flight;
    auto result = simulate(*file, *dataset, data_.mean, data_.std, options_, terminal, "simulated mesh");
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
    add_way(page, text::cat(result.plan.shards.size(), " simulated nodes"), "virtual clock", result.evaluation,
            result.wire_bytes_per_inference);
    add_placement(page, result, file.model, "gateway");
    page.simulated_joule = result.joule_per_inference;
    page.facts.push_back({"simulation's seed", text::cat(options_.seed)});
    page.facts.push_back({"event log", result.event_log_hash});
    for (const std::string& fault : faults_) page.facts.push_back({"fault", fault});
    if (auto seen = add_activity(page, file.model, dataset, data_, default_threads(), terminal); !seen)
      return fail(seen.error());
    return write_report(report_, page, terminal);
  }

  // The operator's words for a fault; anything else is wrong use.
  static sim::Fault read_fault(const std::string& s) {
    const auto wrong = [&s] {
      return UsageError(
          {text::cat("'", s, "' is not a fault"), "--fault", "write kill:2@300ms, slow:1x10@50ms or cut:1-2@1s"});
    };
    const auto colon = s.find(':'), at = s.find('@');
    if (colon == std::string::npos || at == std::string::npos || at < colon) throw wrong();
    const std::string kind = s.substr(0, colon), who = s.substr(colon + 1, at - colon - 1);
    const auto number = [&](std::string_view digits) {
      std::uint32_t n = 0;
      const auto [end, trouble] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
      if (trouble != std::errc{} || end != digits.data() + digits.size() || n == 0) throw wrong();
      return n;
    };
    sim::Fault fault;
    if (s.substr(at + 1) != "0ms") {
      const auto when = read_duration(s.substr(at + 1), "--fault");
      if (!when) throw UsageError(when.error());
      fault.at = *when;
    }
    if (kind == "kill") {
      fault.kind = sim::Fault::Kind::kill;
      fault.node = number(who) - 1;
    } else if (kind == "slow" || kind == "cut") {
      fault.kind = kind == "slow" ? sim::Fault::Kind::slow : sim::Fault::Kind::cut;
      const auto middle = who.find(kind == "slow" ? 'x' : '-');
      if (middle == std::string::npos) throw wrong();
      fault.node = number(std::string_view(who).substr(0, middle)) - 1;
      const std::uint32_t second = number(std::string_view(who).substr(middle + 1));
      (kind == "slow" ? fault.factor : fault.other) = kind == "slow" ? second : second - 1;
    } else {
      throw wrong();
    }
    return fault;
  }

  std::string model_;
  MeshOptions mesh_;
  DataOptions data_;
  ReportOption report_;
  sim::SimOptions options_;
  std::string deadline_ = "10s";
  std::vector<std::string> faults_;
};

}  // namespace

std::unique_ptr<Verb> make_sim() {
  return std::make_unique<Sim>();
}

}  // namespace syn::cli
