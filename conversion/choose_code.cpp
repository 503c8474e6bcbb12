#include "conversion/choose_code.hpp"

#include <algorithm>
#include <numeric>

#include "conversion/ann/executor.hpp"
#include "conversion/calibration_images.hpp"
#include "conversion/parallel.hpp"
#include "core/text.hpp"
#include "snn/coding.hpp"
#include "snn/cost.hpp"
#include "snn/engine.hpp"

namespace syn {
namespace {

constexpr std::size_t kBatch = 16;  // images a task

double share(std::span<const std::uint8_t> right) {
  return static_cast<double>(std::accumulate(right.begin(), right.end(), std::size_t{0})) /
         static_cast<double>(right.size());
}

CodeTrial trial_of(const CodeCandidate& candidate, const snn::Model& model) {
  CodeTrial out{.candidate = candidate};
  for (const snn::Cost& cost : snn::costs(model))
    out.operations += static_cast<double>(cost.work.synaptic_operations + cost.work.neuron_updates);
  for (const snn::Population& p : model.populations) {
    if (std::holds_alternative<snn::IntegrateAndFire>(p.kind)) out.events += p.mean_events;
  }
  return out;
}

}  // namespace

std::vector<CodeCandidate> default_candidates() {
  using enum snn::Code;
  return {{phase, 2},   {volley, 4}, {volley, 5}, {phase, 3}, {volley, 8},
          {volley, 11}, {phase, 4},  {phase, 5},  {phase, 6}, {phase, 8}};
}

Expected<double> float_accuracy(const ann::Graph& graph, const data::Dataset& data, std::span<const std::size_t> images,
                                const ConvertOptions& options) {
  auto normalisation = pixel_coding(data, options);
  if (!normalisation) return fail(normalisation.error());
  auto executor = ann::Executor::make(graph);
  if (!executor) return fail(executor.error());
  const std::size_t size = executor->size(graph.input), classes = executor->size(graph.output);
  if (size != data.shape.size()) {
    return fail(text::cat("the network takes ", size, " values but an image has ", data.shape.size()),
                text::cat("input '", graph.input, "'"), "use the data set that the network was trained on");
  }
  std::vector<std::uint8_t> right(images.size());
  parallel_blocks(images.size(), kBatch, options.threads, [&](std::size_t, std::size_t begin, std::size_t end) {
    std::vector<float> x(size * (end - begin));
    for (std::size_t i = begin; i < end; ++i)
      float_pixels(*normalisation, data.shape, data.image(images[i]), false,
                   std::span(x).subspan((i - begin) * size, size));
    const std::vector<float> y = executor->run(x, 1);
    for (std::size_t i = begin; i < end; ++i) {
      const auto first = y.begin() + static_cast<std::ptrdiff_t>((i - begin) * classes);
      const auto best = std::max_element(first, first + static_cast<std::ptrdiff_t>(classes)) - first;
      right[i] = best == data.labels[images[i]];
    }
  });
  return share(right);
}

Expected<double> spiking_accuracy(const snn::Model& model, const data::Dataset& data,
                                  std::span<const std::size_t> images, std::uint32_t threads) {
  const auto engine = snn::Engine::make(model);
  if (!engine) return fail(engine.error());
  const snn::Shape& shape = model.populations[0].shape;
  std::vector<std::uint8_t> right(images.size());
  parallel_blocks(images.size(), kBatch, threads, [&](std::size_t, std::size_t begin, std::size_t end) {
    snn::Window window;
    window.rows = model.rows();
    window.in.resize(1);
    window.in[0].resize(shape.neurons());
    for (std::size_t i = begin; i < end; ++i) {
      snn::quantise_pixels(shape, data.image(images[i]), window.in[0]);
      snn::State state;
      engine->run(state, window);
      const auto best = std::ranges::max_element(window.potentials) - window.potentials.begin();
      right[i] = best == data.labels[images[i]];
    }
  });
  return share(right);
}

Expected<ChosenCode> choose_code(const ann::Graph& graph, const data::Dataset& train, const ChooseOptions& options,
                                 const ConvertProgress& progress) {
  const std::size_t calibrated = std::min<std::size_t>(options.convert.calibration_images, train.count),
                    held_out = std::min<std::size_t>(options.held_out_images, train.count - calibrated);
  if (held_out == 0 || options.candidates.empty()) {
    return fail(text::cat("no images are left to choose by: ", calibrated, " of ", train.count, " calibrate"),
                train.name, "use fewer --calibration-images, or name a code");
  }
  const auto order = drawn_order(train.count, options.convert.seed, calibrated + held_out);
  const std::span images = std::span(order).subspan(calibrated);

  ChosenCode out;
  out.held_out_images = static_cast<std::uint32_t>(held_out);
  const auto ann = float_accuracy(graph, train, images, options.convert);
  if (!ann) return fail(ann.error());
  out.ann_accuracy = *ann;
  std::vector<Converted> converted;
  for (const CodeCandidate& candidate : options.candidates) {
    if (progress) progress(name_of(candidate.code), converted.size(), options.candidates.size());
    ConvertOptions now = options.convert;
    now.code = candidate.code;
    now.steps = candidate.steps;
    auto made = convert(graph, train, now);
    if (!made) return fail(made.error());
    const auto accuracy = spiking_accuracy(made->model, train, images, now.threads);
    if (!accuracy) return fail(accuracy.error());
    CodeTrial& trial = out.trials.emplace_back(trial_of(candidate, made->model));
    trial.accuracy = *accuracy;
    trial.good_enough = 100 * (out.ann_accuracy - *accuracy) <= options.points;
    converted.push_back(std::move(*made));
  }
  if (progress) progress("done", converted.size(), converted.size());
  // The earlier one where both are equal: fewer levels are fewer bits on the wire.
  const auto better = [](const CodeTrial& a, const CodeTrial& b) {
    if (a.good_enough != b.good_enough) return a.good_enough;
    return a.good_enough ? a.operations < b.operations : a.accuracy > b.accuracy;
  };
  const auto best = std::ranges::min_element(out.trials, better);
  best->chosen = true;
  out.converted = std::move(converted[static_cast<std::size_t>(best - out.trials.begin())]);
  if (!best->good_enough) {
    out.converted.remarks.push_back(text::cat("no code came within ", options.points,
                                              " points of the float network on ", held_out,
                                              " held-out images: the most accurate was taken"));
  }
  return out;
}

}  // namespace syn
