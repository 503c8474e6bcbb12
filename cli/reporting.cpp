#include "cli/reporting.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "cli/each_image.hpp"
#include "cli/machine.hpp"
#include "cli/one_process.hpp"
#include "core/text.hpp"

namespace syn::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kWatchedImages = 1000;
constexpr std::uint32_t kRasterNeurons = 400;  // of all populations together
constexpr double kHeaderBytes = 32;            // of a frame (docs/wire-protocol.md)

const char* kind_of(const snn::Population& p) {
  if (std::holds_alternative<snn::Source>(p.kind)) return "input";
  return std::holds_alternative<snn::Pooled>(p.kind) ? "pool" : "neurons";
}

std::string shape_of(const snn::Population& p) {
  return text::cat(p.shape.height, " x ", p.shape.width, " x ", p.shape.channels);
}

}  // namespace

void ReportOption::declare(CLI::App& app, const std::string& what) {
  app.add_option("--report", path, text::cat("write a page about it here (one .html file): ", what));
}

Expected<> ReportOption::check() const {
  if (!asked()) return {};
  std::error_code ignored;
  if (fs::is_directory(path, ignored))
    return fail("a folder is not a report", path, "name the file itself: --report report.html");
  const std::string trial = text::cat(path, ".", ::getpid(), ".part");  // where write_file begins
  const bool can = static_cast<bool>(std::ofstream(trial, std::ios::binary | std::ios::trunc));
  fs::remove(trial, ignored);
  if (!can) return fail("the report cannot be written there", path, "check that the folder exists, and its rights");
  return {};
}

report::Page page_of(const SpikingFile& file, const data::Dataset& dataset, std::string model_name) {
  report::Page page{.model = std::move(model_name), .data = dataset.name};
  page.facts = this_run();
  const snn::Model& model = file.model;
  page.facts.push_back(
      {"model", text::cat(model.name, ", ", text::grouped(static_cast<std::int64_t>(weight_count(model))),
                          " int8 weights, ", text::bytes(static_cast<double>(file.bytes.size())))});
  page.facts.push_back({"model hash", to_hex(file.hash)});
  page.facts.push_back({"data", text::cat(dataset.name, ", ", text::grouped(static_cast<std::int64_t>(dataset.count)),
                                          " images of ", shape_of(model.populations.front()))});
  for (const auto& [key, value] : model.notes) page.facts.push_back({key, value});
  return page;
}

void add_way(report::Page& page, std::string where, std::string clock, const report::Evaluation& evaluation,
             std::optional<double> wire_bytes) {
  if (page.ways.empty()) {
    page.latencies_us = evaluation.latencies_us;
    page.latency_clock = text::cat(where, ", ", clock);
    if (!evaluation.digest.empty()) {
      page.facts.push_back({"digest", evaluation.digest});
      page.facts.push_back({"spike digest", evaluation.spike_digest});
    }
  }
  page.ways.push_back({std::move(where), std::move(clock), evaluation, wire_bytes});
}

void add_placement(report::Page& page, const MeshResult& result, const snn::Model& model, const std::string& gateway) {
  report::PlacementView view{.gateway = gateway,
                             .raw_input = static_cast<double>(result.raw_input_bytes),
                             .predicted_latency_us = result.plan.predicted_latency_us,
                             .predicted_throughput = result.plan.predicted_throughput,
                             .predicted_wire = result.plan.predicted_wire_bytes,
                             .notes = result.plan.notes};
  for (const Placement& shard : result.plan.shards) {
    report::Machine machine{.predicted_us = shard.predicted_us, .memory = static_cast<double>(shard.predicted_bytes)};
    for (const NodeEntry& node : result.plan.nodes) {
      if (node.id == shard.node) machine.name = node.name;
    }
    for (const NodeTime& time : result.times) {
      if (time.node == machine.name) machine.measured_us = time.compute_us;
    }
    for (const Piece& piece : shard.pieces) {
      const snn::Population& p = model.populations[piece.population];
      const bool whole = piece.channel_begin == 0 && piece.channel_end == p.shape.channels;
      machine.pieces.push_back(whole ? p.name
                                     : text::cat(p.name, "[", piece.channel_begin, ":", piece.channel_end, "]"));
    }
    view.machines.push_back(std::move(machine));
  }
  const double inferences = static_cast<double>(std::max<std::uint64_t>(1, result.counts.results));
  for (const EdgeTraffic& e : result.edges) {
    const double headers = static_cast<double>(e.frames) * kHeaderBytes / inferences;
    view.edges.push_back({.from = e.from,
                          .to = e.to,
                          .population = e.population,
                          .payload = std::max(0.0, static_cast<double>(e.bytes) / inferences - headers),
                          .headers = headers,
                          .int8 = static_cast<double>(e.int8_bytes_per_inference)});
  }
  page.placement = std::move(view);
}

Expected<> add_activity(report::Page& page, const snn::Model& model, const data::Dataset& dataset,
                        const DataOptions& options, std::uint32_t threads, Terminal& terminal) {
  if (auto fits = check_input(model, dataset); !fits) return fail(fits.error());
  // First every population, then what crosses each edge that carries counts.
  std::vector<report::Watch> watches;
  for (std::uint32_t p = 0; p < model.populations.size(); ++p) {
    watches.push_back({p, 0, model.populations[p].shape.channels});
  }
  std::vector<report::EdgeBytes*> bounded;
  if (page.placement) {
    for (report::EdgeBytes& edge : page.placement->edges) {
      auto watch = report::watch_of(model, edge.population);
      if (!watch) return fail(watch.error());
      if (std::holds_alternative<snn::Readout>(model.populations[watch->population].kind)) continue;
      watches.push_back(*watch);
      bounded.push_back(&edge);
    }
  }
  const auto glass = report::Glass::make(model, watches);
  if (!glass) return fail(glass.error());
  const std::size_t images = std::min(dataset.count, kWatchedImages);
  report::Glass::Seen seen;
  std::mutex mutex;
  const auto ended = for_each_image(images, threads, terminal, "report: activity", [&] {
    return [&](std::size_t i) -> Expected<> {
      auto counts = input_counts(model, dataset, i, options.mean, options.std);
      if (!counts) return fail(counts.error());
      const auto one = glass->look(std::move(*counts));
      const std::lock_guard lock(mutex);
      glass->add(one, seen);
      return {};
    };
  });
  if (!ended) return fail(ended.error());
  page.watched = images;
  for (std::size_t p = 0; p < model.populations.size(); ++p) {
    const snn::Population& population = model.populations[p];
    if (std::holds_alternative<snn::Readout>(population.kind)) continue;
    page.layers.push_back({.name = population.name,
                           .kind = kind_of(population),
                           .neurons = population.shape.neurons(),
                           .greatest = population.greatest,
                           .counts = seen.watched[p]});
  }
  for (std::size_t e = 0; e < bounded.size(); ++e) {
    const report::CountHistogram& crossed = seen.watched[model.populations.size() + e];
    bounded[e]->entropy = crossed.entropy() * static_cast<double>(crossed.total()) / static_cast<double>(images) / 8;
  }
  page.energy = report::energy(model, seen);

  auto counts = input_counts(model, dataset, 0, options.mean, options.std);
  if (!counts) return fail(counts.error());
  const auto one = glass->look(std::move(*counts));
  report::Sample sample{.index = 0, .label = dataset.labels[0]};
  sample.picture = {static_cast<std::uint32_t>(dataset.shape.height),
                    static_cast<std::uint32_t>(dataset.shape.width),
                    static_cast<std::uint32_t>(dataset.shape.channels),
                    {dataset.image(0).begin(), dataset.image(0).end()}};
  const auto spiking = std::ranges::count_if(
      model.populations, [](const auto& p) { return std::holds_alternative<snn::IntegrateAndFire>(p.kind); });
  const auto each = kRasterNeurons / static_cast<std::uint32_t>(std::max<std::ptrdiff_t>(1, spiking));
  sample.raster = report::raster_of(model, one, std::clamp(each, 12u, 120u));
  for (const snn::Population& p : model.populations) {
    const auto* readout = std::get_if<snn::Readout>(&p.kind);
    if (!readout) continue;
    for (const std::int32_t v : one.potentials) sample.logits.push_back(v * readout->scale / model.rows());
  }
  page.sample = std::move(sample);
  return {};
}

void add_conversion(report::Page& page, const Converted& converted) {
  for (report::Layer& layer : page.layers) {
    for (const LayerReport& of : converted.layers) {
      if (of.name != layer.name) continue;
      layer.kind = of.kind;
      if (of.kind == "pool") continue;
      layer.conversion = report::Layer::Conversion{.signal = of.signal,
                                                   .clipping = of.clipping_error,
                                                   .rounding = of.rounding_error,
                                                   .mean_error_before = of.mean_error_before,
                                                   .mean_error_after = of.mean_error_after,
                                                   .dead = of.dead};
    }
  }
  page.remarks.insert(page.remarks.end(), converted.remarks.begin(), converted.remarks.end());
}

Expected<> write_report(const ReportOption& option, report::Page& page, Terminal& terminal) {
  const std::string html = report::html(page);
  if (auto written = write_file(option.path, {reinterpret_cast<const std::uint8_t*>(html.data()), html.size()});
      !written)
    return fail(written.error());
  terminal.line(text::cat("report: ", option.path, " (", text::bytes(static_cast<double>(html.size())), ")"));
  return {};
}

}  // namespace syn::cli
