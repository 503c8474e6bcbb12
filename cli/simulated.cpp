#include "cli/simulated.hpp"

#include "cli/one_process.hpp"

namespace syn::cli {

Expected<MeshResult> simulate(const SpikingFile& file, const data::Dataset& dataset, const std::vector<float>& mean,
                              const std::vector<float>& std, const sim::SimOptions& options, Terminal& terminal,
                              std::string_view title) {
  if (auto fits = check_input(file.model, dataset); !fits) return fail(fits.error());
  std::vector<Count> row;
  std::optional<Error> bad_input;
  sim::SimInput input;
  input.count = dataset.count;
  input.row_of = [&](std::uint64_t i) -> std::span<const Count> {
    auto counts = input_counts(file.model, dataset, i, mean, std);
    if (!counts) {
      bad_input = counts.error();
      row.assign(row.size(), 0);
    } else {
      row = std::move(*counts);
    }
    return row;
  };
  terminal.progress(title, 0, dataset.count);
  auto run = sim::run_simulation(file.model, file.hash, std::move(input), options, [&](std::uint64_t done) {
    if (done < dataset.count) terminal.progress(title, done, dataset.count);
  });
  if (!run) return fail(run.error());
  if (bad_input) return fail(*bad_input);
  terminal.progress(title, dataset.count, dataset.count);

  MeshResult result;
  result.counts = run->counts;
  result.plan = run->planned.plan;
  result.event_log_hash = run->event_log_hash;
  result.joule_per_inference = run->joule_per_inference;
  result.refused = run->refused;
  result.raw_input_bytes = dataset.shape.size();
  const double inferences = static_cast<double>(std::max<std::uint64_t>(1, run->counts.results));
  result.wire_bytes_per_inference = static_cast<double>(run->wire_bytes) / inferences;
  result.evaluation.spikes_per_inference = static_cast<double>(run->spikes) / inferences;
  result.evaluation.events_per_inference = static_cast<double>(run->spike_events) / inferences;
  result.evaluation.synops_per_inference = static_cast<double>(run->work.synaptic_operations) / inferences;
  const double seconds = static_cast<double>(run->elapsed.count()) * 1e-9;
  result.evaluation.throughput_per_s = seconds > 0 ? static_cast<double>(run->counts.results) / seconds : 0;
  for (std::size_t i = 0; i < run->compute.size() && i < result.plan.nodes.size(); ++i) {
    result.times.push_back(
        {result.plan.nodes[i].name, static_cast<double>(run->compute[i].count()) / 1000 / inferences});
  }
  for (const sim::SimEdge& edge : run->edges) {
    result.edges.push_back({edge.from, edge.to, edge.population, edge.frames, edge.bytes, edge.neurons});
  }
  judge(result, run->outcomes, dataset.labels, file.model);
  return result;
}

}  // namespace syn::cli
