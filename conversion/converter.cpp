#include "conversion/converter.hpp"

#include <algorithm>
#include <numeric>

#include "conversion/calibration_images.hpp"
#include "conversion/fold.hpp"
#include "conversion/parallel.hpp"
#include "conversion/patches.hpp"
#include "core/text.hpp"
#include "snn/coding.hpp"
#include "snn/engine.hpp"

namespace syn {
namespace {

constexpr std::size_t kBlock = 8;  // images a task

void tally(std::span<const Count> counts, std::uint64_t& sum, std::uint64_t& events) {
  for (const Count count : counts) {
    sum += count;
    events += count != 0;
  }
}

// The populations that a layer reads, each once.
std::vector<std::size_t> populations_read(const LoweredLayer& layer) {
  std::vector<std::size_t> out;
  for (const LoweredTerm& term : layer.terms) out.insert(out.end(), term.parts.begin(), term.parts.end());
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

const char* kind_of(const LoweredLayer& layer, const Synapses& synapses) {
  if (layer.kind == LoweredLayer::Kind::readout) return "readout";
  if (layer.terms.size() > 1) return "add";
  struct {
    const char* operator()(const snn::Conv&) const { return "conv"; }
    const char* operator()(const snn::Dense&) const { return "dense"; }
    const char* operator()(const snn::SumPool&) const { return "pool"; }
    const char* operator()(const snn::MaxPool&) const { return "pool"; }
    const char* operator()(const snn::Depthwise&) const { return "depthwise"; }
    const char* operator()(const snn::OneToOne&) const { return "scale"; }
  } name;
  return std::visit(name, synapses.projections[0].connection);
}

}  // namespace

Expected<Converted> convert(const ann::Graph& graph, const data::Dataset& train, const ConvertOptions& options,
                            const ConvertProgress& progress) {
  return Converter(train, options, progress).run(graph);
}

Expected<> Converter::check() const {
  const std::uint32_t most = options_.code == snn::Code::phase ? snn::kGreatestPhase : 255;
  if (options_.steps < 1 || options_.steps > most) {
    return fail(text::cat(options_.steps, " steps are out of range for ", name_of(options_.code), " code"), "--steps",
                text::cat("use 1 to ", most));
  }
  if (options_.calibration_images < 1 || train_.count < 1)
    return fail("there are no calibration images", train_.name, "give at least one");
  return {};
}

Expected<Converted> Converter::run(const ann::Graph& original) {
  if (auto ok = check(); !ok) return fail(ok.error());
  auto folded = fold(original);
  if (!folded) return fail(folded.error());
  auto executor = ann::Executor::make(std::move(*folded));
  if (!executor) return fail(executor.error());
  executor_.emplace(std::move(*executor));
  auto lowered =
      lower(graph(), {static_cast<std::uint32_t>(train_.shape.height), static_cast<std::uint32_t>(train_.shape.width),
                      static_cast<std::uint32_t>(train_.shape.channels)});
  if (!lowered) return fail(lowered.error());
  lowered_ = std::move(*lowered);
  if (auto ok = open_source(); !ok) return fail(ok.error());
  for (std::size_t i = 0; i < lowered_.layers.size(); ++i) {
    if (auto ok = add_layer(i); !ok) {
      ok.error().where = text::cat("population '", lowered_.layers[i].name, "', ", ok.error().where);
      return fail(ok.error());
    }
  }
  model().outputs = {model().populations.back().name};
  if (progress_) progress_("done", lowered_.layers.size(), lowered_.layers.size());
  // The whole obeys every rule.
  if (auto engine = snn::Engine::make(out_.model); !engine) return fail(engine.error());
  return std::move(out_);
}

Expected<> Converter::open_source() {
  const auto pixels = pixel_coding(train_, options_);
  if (!pixels) return fail(pixels.error());
  const CalibrationImages drawn = draw_images(train_, options_);
  images_ = drawn.indices.size();
  out_.calibration_images = static_cast<std::uint32_t>(images_);
  out_.remarks = lowered_.remarks;
  held_.resize(lowered_.layers.size() + 1);
  for (const LoweredLayer& layer : lowered_.layers) {
    for (const std::size_t population : populations_read(layer)) ++held_[population].readers;
    for (const std::string& value : layer.reads) ++floats_[value].readers;
  }
  exact_ = std::ranges::any_of(lowered_.layers, [](const LoweredLayer& l) { return l.quantised != nullptr; }) &&
           std::ranges::all_of(lowered_.layers, [](const LoweredLayer& l) {
             return l.kind != LoweredLayer::Kind::spiking || l.quantised != nullptr;
           });

  snn::Population source{.name = lowered_.source,
                         .shape = lowered_.source_shape,
                         .code = options_.code,
                         .kind = pixels->source,
                         .greatest = 255,
                         .amplitude = pixels->amplitude};
  Held& held = held_[0];
  held.zero = pixels->zero;
  held.counts = Activity(images_, 1, source.shape.neurons(), 255);
  std::vector<float>& floats = floats_[graph().input].values;
  floats.resize(images_ * source.shape.neurons());
  std::vector<std::uint64_t> sums(images_), events(images_);
  parallel_blocks(images_, kBlock, options_.threads, [&](std::size_t, std::size_t begin, std::size_t end) {
    std::vector<Count> counts(source.shape.neurons());
    for (std::size_t i = begin; i < end; ++i) {
      const ByteView image = train_.image(drawn.indices[i]);
      snn::quantise_pixels(source.shape, image, counts);
      held.counts.store(i, 0, counts);
      tally(counts, sums[i], events[i]);
      float_pixels(*pixels, train_.shape, image, graph().input_shape.size() == 3,
                   std::span(floats).subspan(i * counts.size(), counts.size()));
    }
  });
  set_means(source, sums, events);
  model().populations.push_back(std::move(source));
  model().name = graph().name;
  model().code = options_.code;
  model().steps = options_.steps;
  model().notes = {
      {"converter", text::cat("synfire ", SYN_VERSION)},
      {"calibration", text::cat(train_.name, ", ", images_, " of ", train_.count, " images, seed ", options_.seed)},
      {"calibration_sha256", drawn.digest},
      {"ceiling", options_.ceiling == Ceiling::mse ? "mse" : "greatest"},
      {"bias_correction", options_.bias_correction ? "yes" : "no"},
      {"rounding", options_.rounding == WeightRounding::sums ? "sums" : "nearest"}};
  return {};
}

void Converter::set_means(snn::Population& population, std::span<const std::uint64_t> sums,
                          std::span<const std::uint64_t> events) const {
  const auto n = static_cast<double>(images_);
  population.mean_count = static_cast<double>(std::reduce(sums.begin(), sums.end())) / n;
  population.mean_events = static_cast<double>(std::reduce(events.begin(), events.end())) / n;
}

Stage Converter::stage(const LoweredLayer& layer) const {
  Stage out{.inputs = {}, .code = options_.code, .steps = options_.steps, .threads = options_.threads};
  for (const std::size_t p : populations_read(layer))
    out.inputs.push_back({static_cast<std::uint32_t>(p), &out_.model.populations[p], &held_[p].counts});
  return out;
}

Expected<> Converter::add_layer(std::size_t index) {
  const LoweredLayer& layer = lowered_.layers[index];
  if (progress_) progress_(layer.name, index, lowered_.layers.size());
  Making making{.index = index,
                .layer = layer,
                .target = {.name = layer.name,
                           .shape = layer.shape,
                           .code = options_.code,
                           .kind = snn::Pooled{},
                           .greatest = 1,
                           .amplitude = {}},
                .report = {.name = layer.name, .kind = {}, .channels = {}}};
  run_floats(layer);
  if (layer.kind == LoweredLayer::Kind::pooled) {
    const std::size_t from = layer.terms[0].parts[0];
    const Reads reads{static_cast<std::uint32_t>(from), model().populations[from], held_[from].zero};
    auto pool = make_pool(graph().nodes[*layer.pool], reads, layer.shape);
    if (!pool) return fail(pool.error());
    making.target.greatest = pool->greatest;
    making.target.amplitude = pool->amplitude;
    held_[index + 1].zero = pool->zero;
    making.report.kind = "pool";
    return close(std::move(making), {std::move(pool->projection)});
  }
  auto synapses = synapses_of(layer);
  if (!synapses) return fail(synapses.error());
  making.report.kind = kind_of(layer, *synapses);
  making.report.weights = synapses->weight_count;
  if (layer.kind == LoweredLayer::Kind::readout) return add_readout(std::move(making), std::move(*synapses));
  return add_spiking(std::move(making), std::move(*synapses));
}

Expected<Synapses> Converter::synapses_of(const LoweredLayer& layer) const {
  std::vector<Term> terms;
  for (const LoweredTerm& term : layer.terms) {
    Term& now = terms.emplace_back(
        Term{term.node ? &graph().nodes[*term.node] : nullptr, {}, term.factor, term.shift, term.gain});
    for (const std::size_t p : term.parts)
      now.parts.push_back({static_cast<std::uint32_t>(p), out_.model.populations[p], held_[p].zero});
  }
  return make_synapses(terms, layer.shift, layer.shape, layer.kind == LoweredLayer::Kind::readout, rounding_of(layer),
                       text::cat("layer '", layer.name, "'"));
}

Rounding Converter::rounding_of(const LoweredLayer& layer) const {
  if (options_.rounding == WeightRounding::nearest) return {};
  // A network whose counts are its activations needs no refit, and none must move its weights.
  Rounding out{.sample = {}, .refit = options_.refit && !exact_, .count_value = {}, .threads = options_.threads};
  if (const ann::QuantisedRelu* known = layer.quantised; known && counted()) {
    for (std::size_t c = 0; c < layer.shape.channels; ++c)
      out.count_value.push_back(double{known->ceiling.data[known->ceiling.data.size() == 1 ? 0 : c]} / levels());
  }
  out.sample = [this, &layer](std::uint32_t from, const snn::Connection& connection) {
    // Pixels, pooled or not, are what the float network reads.
    const bool exact = from == 0 || !held_[from].zero.empty();
    return sample_patches(
        connection, layer.shape,
        {.population = out_.model.populations[from],
         .counts = held_[from].counts,
         .floats = exact ? std::span<const float>() : floats_.at(lowered_.layers[from - 1].value).values,
         .images = images_});
  };
  return out;
}

void Converter::run_floats(const LoweredLayer& layer) {
  if (layer.nodes.empty()) return;  // the readout of a value that is there
  std::vector<float>& out = floats_[layer.value].values;
  const std::size_t out_size = layer.shape.neurons();
  out.resize(images_ * out_size);
  parallel_blocks(images_, kBlock, options_.threads, [&](std::size_t, std::size_t begin, std::size_t end) {
    ann::Scratch scratch;
    std::map<std::string_view, std::vector<float>> made;
    std::vector<std::span<const float>> in;
    for (const std::size_t i : layer.nodes) {
      const ann::Node& node = graph().nodes[i];
      in.clear();
      for (const std::string& name : node.inputs) {
        if (const auto here = made.find(name); here != made.end()) {
          in.push_back(here->second);
          continue;
        }
        const std::size_t size = executor_->size(name);
        in.push_back(std::span(floats_.at(name).values).subspan(begin * size, (end - begin) * size));
      }
      std::vector<float>& to = made[node.output];
      to.resize((end - begin) * executor_->size(node.output));
      executor_->run_node(i, end - begin, in, to, scratch);
    }
    std::ranges::copy(made.at(layer.value), out.begin() + static_cast<std::ptrdiff_t>(begin * out_size));
  });
}

Expected<> Converter::close(Making making, std::vector<snn::Projection> projections) {
  const std::size_t neurons = making.target.shape.neurons();
  Activity& counts = held_[making.index + 1].counts;
  counts = Activity(images_, rows(), neurons, making.target.greatest);
  std::vector<std::uint64_t> sums(images_), events(images_);
  const auto ok =
      stage(making.layer)
          .simulate(making.target, projections, images_, [&](std::size_t image, std::span<const Count> out) {
            for (std::size_t r = 0; r < rows(); ++r) counts.store(image, r, out.subspan(r * neurons, neurons));
            tally(out, sums[image], events[image]);
          });
  if (!ok) return ok;
  set_means(making.target, sums, events);
  making.report.mean_count = making.target.mean_count;
  making.report.mean_events = making.target.mean_events;
  making.report.density = making.target.mean_events / static_cast<double>(neurons * rows());
  append(std::move(making), std::move(projections));
  return {};
}

void Converter::append(Making making, std::vector<snn::Projection> projections) {
  model().populations.push_back(std::move(making.target));
  for (snn::Projection& projection : projections) {
    projection.to = static_cast<std::uint32_t>(making.index + 1);
    model().projections.push_back(std::move(projection));
  }
  out_.layers.push_back(std::move(making.report));
  for (const std::size_t p : populations_read(making.layer)) {
    if (--held_[p].readers == 0) held_[p] = {};
  }
  for (const std::string& value : making.layer.reads) {
    if (--floats_[value].readers == 0) floats_.erase(value);
  }
}

}  // namespace syn
