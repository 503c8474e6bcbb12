#include "cli/one_process.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "cli/each_image.hpp"
#include "cli/options.hpp"
#include "conversion/ann/executor.hpp"
#include "core/text.hpp"
#include "snn/coding.hpp"

namespace syn::cli {

namespace {

using SteadyClock = std::chrono::steady_clock;

const snn::Population& source_of(const snn::Model& model) {
  return model.populations.front();
}

std::int64_t ns_since(SteadyClock::time_point began) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyClock::now() - began).count();
}

}  // namespace

Expected<> check_input(const snn::Model& model, const data::Dataset& dataset) {
  std::size_t sources = 0, readouts = 0;
  for (const snn::Population& p : model.populations) {
    sources += std::holds_alternative<snn::Source>(p.kind);
    readouts += std::holds_alternative<snn::Readout>(p.kind);
  }
  if (sources != 1 || readouts != 1)
    return fail(text::cat("classes of images need one input and one readout; the model has ", sources, " and ", readouts),
                text::cat("model '", model.name, "'"), "give it sequences: synfire infer MODEL --input X.npy --output Y.npy");
  const snn::Shape& shape = source_of(model).shape;
  const data::Shape wanted{shape.channels, shape.height, shape.width};
  if (dataset.shape == wanted) return {};
  const auto show = [](const data::Shape& s) { return text::cat(s.channels, " x ", s.height, " x ", s.width); };
  return fail(text::cat("the model takes images of ", show(wanted), " (channels x height x width), the data set has ",
                        show(dataset.shape)),
              dataset.name, "use the data set that the model was converted for");
}

Expected<std::vector<Count>> input_counts(const snn::Model& model, const data::Dataset& dataset, std::size_t i,
                                          const std::vector<float>& mean, const std::vector<float>& std) {
  const snn::Population& source = source_of(model);
  std::vector<Count> counts(source.shape.neurons());
  if (mean.empty() && std.empty()) {
    snn::quantise_pixels(source.shape, dataset.image(i), counts);
    return counts;
  }
  std::vector<float> x(source.shape.neurons());
  normalise(dataset, i, mean, std, x);
  if (auto coded = snn::quantise(std::get<snn::Source>(source.kind), source.shape, x, counts); !coded)
    return fail(coded.error());
  return counts;
}

Expected<Local> evaluate_spiking(const snn::Engine& engine, const data::Dataset& dataset,
                                 const std::vector<float>& mean, const std::vector<float>& std, std::uint32_t threads,
                                 Terminal& terminal, std::string_view title, Team* team) {
  const snn::Model& model = engine.model();
  if (auto fits = check_input(model, dataset); !fits) return fail(fits.error());
  Local local;
  local.outcomes.resize(dataset.count);
  std::atomic<std::uint64_t> spikes = 0, events = 0, synops = 0;
  const auto began = SteadyClock::now();
  const auto ended = for_each_image(dataset.count, threads, terminal, title, [&] {
    return [&, window = snn::Window{}, state = snn::State{}](std::size_t i) mutable -> Expected<> {
      const auto started = SteadyClock::now();
      auto counts = input_counts(model, dataset, i, mean, std);
      if (!counts) return fail(counts.error());
      state.next_row = 0;
      window.rows = model.rows();
      window.in.resize(1);
      window.in[0] = std::move(*counts);
      const Work work = engine.run(state, window, team);
      local.outcomes[i] = {window.potentials, window.checksum, ns_since(started)};
      spikes += window.spikes;
      events += window.events;
      synops += work.synaptic_operations;
      return {};
    };
  });
  if (!ended) return fail(ended.error());
  const double seconds = static_cast<double>(ns_since(began)) * 1e-9;
  local.evaluation = report::evaluate(local.outcomes, dataset.labels);
  local.evaluation.code = name_of(model.code);
  local.evaluation.steps = model.steps;
  const auto per_inference = [&](std::uint64_t sum) {
    return static_cast<double>(sum) / static_cast<double>(dataset.count);
  };
  local.evaluation.spikes_per_inference = per_inference(spikes);
  local.evaluation.events_per_inference = per_inference(events);
  local.evaluation.synops_per_inference = per_inference(synops);
  local.evaluation.throughput_per_s = static_cast<double>(dataset.count) / seconds;
  return local;
}

Expected<LocalFloat> evaluate_float(const ann::Graph& graph, const data::Dataset& dataset,
                                    const std::vector<float>& mean, const std::vector<float>& std,
                                    std::uint32_t threads, Terminal& terminal, std::string_view title) {
  auto executor = ann::Executor::make(graph);
  if (!executor) return fail(executor.error());
  const std::vector<std::int64_t> shape{static_cast<std::int64_t>(dataset.shape.channels),
                                        static_cast<std::int64_t>(dataset.shape.height),
                                        static_cast<std::int64_t>(dataset.shape.width)};
  if (graph.input_shape != shape) {
    return fail(text::cat("the network does not take images of ", shape[0], " x ", shape[1], " x ", shape[2]),
                dataset.name, "use the data set that the network was trained on");
  }
  std::vector<std::int64_t> latencies(dataset.count);
  LocalFloat local;
  local.classes.resize(dataset.count);
  const auto began = SteadyClock::now();
  const auto ended = for_each_image(dataset.count, threads, terminal, title, [&] {
    return [&, x = std::vector<float>(dataset.shape.size())](std::size_t i) mutable -> Expected<> {
      const auto started = SteadyClock::now();
      normalise(dataset, i, mean, std, x);
      const std::vector<float> logits = executor->run(x, 1);
      latencies[i] = ns_since(started);
      local.classes[i] = static_cast<std::uint32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
      return {};
    };
  });
  if (!ended) return fail(ended.error());
  report::Evaluation& e = local.evaluation;
  for (std::size_t i = 0; i < dataset.count; ++i) e.correct += local.classes[i] == dataset.labels[i];
  e.total = dataset.count;
  e.code = "float32";
  e.throughput_per_s = static_cast<double>(dataset.count) / (static_cast<double>(ns_since(began)) * 1e-9);
  std::vector<double> us(latencies.size());
  std::transform(latencies.begin(), latencies.end(), us.begin(),
                 [](std::int64_t ns) { return static_cast<double>(ns) / 1000; });
  e.latency_us_p50 = report::percentile(us, 0.50);
  e.latency_us_p95 = report::percentile(us, 0.95);
  e.latency_us_p99 = report::percentile(us, 0.99);
  e.latencies_us = std::move(us);
  return local;
}

}  // namespace syn::cli
