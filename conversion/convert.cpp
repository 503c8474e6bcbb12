// Layer by layer: every population is a model of two (what it reads, as a source of ready counts; and itself) on the
// integer engine. On entry of a layer the counts and the float activations of what it reads are there for all
// calibration images; on exit its own are, computed with its final integers, and those that nobody reads any more are
// gone.
#include "conversion/convert.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "conversion/activity.hpp"
#include "conversion/ann/executor.hpp"
#include "conversion/calibrate.hpp"
#include "conversion/calibration_images.hpp"
#include "conversion/fold.hpp"
#include "conversion/integer_rules.hpp"
#include "conversion/lowering.hpp"
#include "conversion/parallel.hpp"
#include "conversion/stage.hpp"
#include "conversion/synapses.hpp"
#include "core/text.hpp"
#include "snn/coding.hpp"
#include "snn/engine.hpp"

namespace syn {
namespace {

constexpr std::size_t kBlock = 8;        // images a task
constexpr std::size_t kFirstLook = 64;   // images that set the range of the histograms
constexpr std::size_t kSimulated = 250;  // images that bias correction simulates in `step` code
constexpr int kSimulations = 2;
// `step`: a potential may run this many thresholds (of the channel with the greatest) away from zero. Debts below are
// what takes back spikes fired too early. Measured on 10,000 held-out training images of the student: 1, 4 and 64
// lose 3.85, 3.61 and 3.61 points at T = 4 and 1.69, 1.73 and 1.73 at T = 8, so the clamp only has to be wide.
constexpr std::int64_t kClampThresholds = 16;
constexpr std::int64_t kGreatestClamp = 1 << 29;

std::uint32_t u32(std::int64_t v) {
  return static_cast<std::uint32_t>(v);
}

// What is known of a population while others that read it are still to come.
struct Held {
  Activity counts;
  std::vector<float> floats;  // [image][neuron], the float network's activations as its graph holds them
  std::vector<double> zero;   // per channel: the count that stands for 0; empty: 0
  std::size_t readers = 0;
};

class Converter {
 public:
  Converter(const data::Dataset& train, const ConvertOptions& options, const ConvertProgress& progress)
      : train_(train), options_(options), progress_(progress) {}

  Expected<Converted> run(const ann::Graph& original) {
    if (options_.steps < 1 || options_.steps > 255) {
      return fail(text::cat(options_.steps, " steps are out of range"), "--steps", "use 1 to 255");
    }
    if (options_.calibration_images < 1 || train_.count < 1) {
      return fail("there are no calibration images", train_.name, "give at least one");
    }
    auto folded = fold(original);
    if (!folded) return fail(folded.error());
    auto executor = ann::Executor::make(std::move(*folded));
    if (!executor) return fail(executor.error());
    executor_.emplace(std::move(*executor));
    auto lowered = lower(graph(), {u32(static_cast<std::int64_t>(train_.shape.height)),
                                   u32(static_cast<std::int64_t>(train_.shape.width)),
                                   u32(static_cast<std::int64_t>(train_.shape.channels))});
    if (!lowered) return fail(lowered.error());
    lowered_ = std::move(*lowered);
    if (auto ok = open_source(); !ok) return fail(ok.error());
    for (std::size_t i = 0; i < lowered_.layers.size(); ++i) {
      if (auto ok = add_layer(i); !ok) {
        ok.error().where = text::cat("population '", lowered_.layers[i].name, "', ", ok.error().where);
        return fail(ok.error());
      }
    }
    finish();
    if (auto engine = snn::Engine::make(out_.model); !engine)
      return fail(engine.error());  // the whole obeys every rule
    return std::move(out_);
  }

 private:
  const ann::Graph& graph() const { return executor_->graph(); }
  bool volley() const { return options_.code == snn::Code::volley; }
  std::uint32_t rows() const { return volley() ? 1 : options_.steps; }
  Coding coding() const {
    const double steps = options_.steps;
    return volley() ? Coding{options_.steps, 1, 1} : Coding{options_.steps, steps, steps};
  }
  snn::Model& model() { return out_.model; }

  Expected<> open_source() {
    auto drawn = draw_images(train_, options_);
    if (!drawn) return fail(drawn.error());
    images_ = drawn->indices.size();
    out_.calibration_images = static_cast<std::uint32_t>(images_);
    out_.remarks = lowered_.remarks;
    held_.resize(lowered_.layers.size() + 1);
    for (const LoweredLayer& layer : lowered_.layers) ++held_[layer.from].readers;

    snn::Population source{.name = lowered_.source,
                           .shape = lowered_.source_shape,
                           .code = options_.code,
                           .kind = drawn->source,
                           .greatest = 255,
                           .amplitude = drawn->amplitude};
    Held& held = held_[0];
    held.zero = drawn->zero;
    held.counts = Activity(images_, 1, source.shape.neurons(), 255);
    held.floats.resize(images_ * source.shape.neurons());
    std::vector<std::uint64_t> sums(images_), events(images_);
    parallel_blocks(images_, kBlock, options_.threads, [&](std::size_t, std::size_t begin, std::size_t end) {
      std::vector<Count> counts(source.shape.neurons());
      for (std::size_t i = begin; i < end; ++i) {
        const ByteView pixels = train_.image(drawn->indices[i]);
        snn::quantise_pixels(source.shape, pixels, counts);
        held.counts.store(i, 0, counts);
        tally(counts, sums[i], events[i]);
        float_pixels(*drawn, train_.shape, pixels, graph().input_shape.size() == 3,
                     std::span(held.floats).subspan(i * counts.size(), counts.size()));
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
        {"calibration_sha256", drawn->digest},
        {"ceiling", options_.ceiling == Ceiling::mse ? "mse" : "greatest"},
        {"bias_correction", options_.bias_correction ? "yes" : "no"}};
    return {};
  }

  static void tally(std::span<const Count> counts, std::uint64_t& sum, std::uint64_t& events) {
    for (const Count count : counts) {
      sum += count;
      events += count != 0;
    }
  }
  void set_means(snn::Population& population, std::span<const std::uint64_t> sums,
                 std::span<const std::uint64_t> events) const {
    const auto n = static_cast<double>(images_);
    population.mean_count = static_cast<double>(std::reduce(sums.begin(), sums.end())) / n;
    population.mean_events = static_cast<double>(std::reduce(events.begin(), events.end())) / n;
  }

  Stage stage(std::size_t index) const {
    const std::size_t from = lowered_.layers[index].from;
    return {out_.model.populations[from], held_[from].counts, options_.code, options_.steps, options_.threads};
  }

  Expected<> add_layer(std::size_t index) {
    const LoweredLayer& layer = lowered_.layers[index];
    if (progress_) progress_(layer.name, index, lowered_.layers.size());
    snn::Population target{.name = layer.name,
                           .shape = layer.shape,
                           .code = options_.code,
                           .kind = snn::Pooled{},
                           .greatest = 1,
                           .amplitude = {}};
    LayerReport report{.name = layer.name, .kind = {}, .channels = {}};
    run_floats(index);
    const Reads reads{.population = model().populations[layer.from], .zero = held_[layer.from].zero};
    if (layer.kind == LoweredLayer::Kind::pooled) {
      auto pool = make_pool(graph().nodes[layer.synapse], reads, layer.shape);
      if (!pool) return fail(pool.error());
      target.greatest = pool->greatest;
      target.amplitude = pool->amplitude;
      held_[index + 1].zero = pool->zero;
      report.kind = "pool";
      return close_layer(index, std::move(target), std::move(pool->connection), std::move(report));
    }
    auto synapses =
        make_synapses(graph().nodes[layer.synapse], reads, layer.shape, layer.kind == LoweredLayer::Kind::readout);
    if (!synapses) return fail(synapses.error());
    report.kind = std::holds_alternative<snn::Conv>(synapses->connection) ? "conv" : "dense";
    report.weights = synapses->weight_count;
    if (layer.kind == LoweredLayer::Kind::readout)
      return add_readout(index, std::move(target), std::move(*synapses), std::move(report));
    return add_spiking(index, std::move(target), std::move(*synapses), std::move(report));
  }

  // The float network's activations of the layer, for all images.
  void run_floats(std::size_t index) {
    const LoweredLayer& layer = lowered_.layers[index];
    const std::vector<float>& in = held_[layer.from].floats;
    std::vector<float>& out = held_[index + 1].floats;
    const std::size_t in_size = in.size() / images_, out_size = layer.shape.neurons();
    out.resize(images_ * out_size);
    parallel_blocks(images_, kBlock, options_.threads, [&](std::size_t, std::size_t begin, std::size_t end) {
      ann::Scratch scratch;
      std::vector<float> now(in.begin() + static_cast<std::ptrdiff_t>(begin * in_size),
                             in.begin() + static_cast<std::ptrdiff_t>(end * in_size)),
          next;
      for (const std::size_t node : layer.nodes) {
        next.resize((end - begin) * executor_->size(graph().nodes[node].output));
        executor_->run_node(node, end - begin, now, next, scratch);
        std::swap(now, next);
      }
      std::ranges::copy(now, out.begin() + static_cast<std::ptrdiff_t>(begin * out_size));
    });
  }

  Expected<> add_spiking(std::size_t index, snn::Population target, Synapses synapses, LayerReport report) {
    const std::size_t channels = target.shape.channels;
    target.greatest = volley() ? options_.steps : 1;
    target.kind = snn::IntegrateAndFire{.threshold = std::vector<std::int32_t>(channels, 1),
                                        .bias = std::vector<std::int32_t>(channels)};
    auto histogram = collect(index, target, synapses);
    if (!histogram) return fail(histogram.error());

    std::vector<ChannelChoice> choices(channels);
    std::vector<std::uint8_t> dead(channels);
    const auto known = options_.ceilings.find(target.name);
    if (known != options_.ceilings.end()) {
      if (known->second.size() != channels)
        return fail("there is not one ceiling per channel", "ceilings", "give one per channel");
      for (std::size_t c = 0; c < channels; ++c) {
        const auto theta = threshold_for(known->second[c], volley() ? options_.steps : 1, synapses.unit[c]);
        if (!theta) return fail(text::cat("the ceiling of channel ", c, " is too large"), "ceilings", "check it");
        choices[c] = {*theta, synapses.bias[c]};
      }
    } else {
      parallel_blocks(channels, 1, options_.threads, [&](std::size_t, std::size_t begin, std::size_t) {
        const auto choice = choose(*histogram, begin, synapses.bias[begin], coding(), options_);
        dead[begin] = !choice;
        choices[begin] = choice.value_or(ChannelChoice{1, synapses.bias[begin]});
      });
      revive(choices, dead, synapses);
    }
    if (!volley() && options_.bias_correction && known == options_.ceilings.end()) {
      if (auto ok = correct_by_simulation(index, target, synapses, choices, dead); !ok) return ok;
    }
    report_channels(*histogram, synapses, choices, dead, coding(), report);
    target.kind = neurons_of(choices);
    for (std::size_t c = 0; c < channels; ++c) target.amplitude.push_back(choices[c].threshold * synapses.unit[c]);
    return close_layer(index, std::move(target), std::move(synapses.connection), std::move(report));
  }

  snn::IntegrateAndFire neurons_of(std::span<const ChannelChoice> choices) const {
    snn::IntegrateAndFire out;
    std::int64_t greatest = 1;
    for (const ChannelChoice& choice : choices) {
      out.threshold.push_back(choice.threshold);
      out.bias.push_back(choice.bias);
      greatest = std::max<std::int64_t>(greatest, choice.threshold);
    }
    if (!volley()) {
      out.v_max = static_cast<std::int32_t>(std::min(kClampThresholds * greatest, kGreatestClamp));
      out.v_min = -out.v_max;
    }
    return out;
  }

  Expected<SumHistogram> collect(std::size_t index, const snn::Population& target, const Synapses& synapses) {
    const std::size_t channels = target.shape.channels, neurons = target.shape.neurons();
    // Each image of the first look has its own range, so that no two threads write the same.
    const std::size_t first = std::min(images_, kFirstLook);
    std::vector<std::int64_t> low(channels), high(channels),
        highs(first * channels, std::numeric_limits<std::int64_t>::min());
    auto ok = stage(index).for_each_sum(
        target, synapses.connection, first, [&](std::size_t, std::size_t image, std::span<const std::int64_t> sums) {
          for (std::size_t i = 0; i < neurons; ++i)
            highs[image * channels + i % channels] = std::max(highs[image * channels + i % channels], sums[i]);
        });
    if (!ok) return fail(ok.error());
    for (std::size_t c = 0; c < channels; ++c) {
      // Below: half a threshold of the coarsest code, and what bias correction may add; further down all counts are
      // zero.
      const std::int64_t bias = synapses.bias[c] * static_cast<std::int64_t>(coding().bias_times);
      high[c] = std::numeric_limits<std::int64_t>::min();
      for (std::size_t image = 0; image < first; ++image) high[c] = std::max(high[c], highs[image * channels + c]);
      const std::int64_t top = std::max<std::int64_t>(16, high[c] + bias);
      high[c] = top + top / 4 - bias;
      low[c] = -bias - 2 * top / std::min<std::int64_t>(options_.steps, 8);
    }
    SumHistogram total(low, high);
    std::vector<SumHistogram> parts(std::max(1u, options_.threads), total);
    std::vector<double> per_unit(channels);
    for (std::size_t c = 0; c < channels; ++c) per_unit[c] = 1 / synapses.unit[c];
    const std::vector<float>& floats = held_[index + 1].floats;
    ok = stage(index).for_each_sum(target, synapses.connection, images_,
                                   [&](std::size_t worker, std::size_t image, std::span<const std::int64_t> sums) {
                                     SumHistogram& part = parts[worker];
                                     const float* targets = floats.data() + image * neurons;
                                     for (std::size_t i = 0, c = 0; i < neurons; ++i, c = c + 1 == channels ? 0 : c + 1)
                                       part.add(c, sums[i], targets[i] * per_unit[c]);
                                   });
    if (!ok) return fail(ok.error());
    for (const SumHistogram& part : parts) total.merge(part);
    return total;
  }

  // `step`: spikes do not come evenly, so the mean rate is not what the sums promise. Runs the neurons themselves and
  // moves the bias by the mean error that is left.
  Expected<> correct_by_simulation(std::size_t index, const snn::Population& target, const Synapses& synapses,
                                   std::vector<ChannelChoice>& choices, std::span<const std::uint8_t> dead) {
    const std::size_t channels = choices.size(), neurons = target.shape.neurons(),
                      images = std::min(images_, kSimulated);
    const std::vector<float>& floats = held_[index + 1].floats;
    std::vector<std::int64_t> wanted(channels);
    for (std::size_t i = 0; i < images * neurons; ++i)
      wanted[i % channels] += SumHistogram::fixed(floats[i] / synapses.unit[i % channels]);
    for (int round = 0; round < kSimulations; ++round) {
      snn::Population now = target;
      now.kind = neurons_of(choices);
      std::vector<std::int64_t> spikes(images * channels), active(images * channels);
      const auto ok =
          stage(index).simulate(now, synapses.connection, images, [&](std::size_t image, std::span<const Count> out) {
            for (std::size_t i = 0; i < neurons; ++i) {
              std::int64_t total = 0;
              for (std::size_t r = 0; r < rows(); ++r) total += out[r * neurons + i];
              spikes[image * channels + i % channels] += total;
              active[image * channels + i % channels] += total > 0 && total < rows();
            }
          });
      if (!ok) return ok;
      for (std::size_t c = 0; c < channels; ++c) {
        std::int64_t fired = 0, followed = 0;
        for (std::size_t image = 0; image < images; ++image) {
          fired += spikes[image * channels + c];
          followed += active[image * channels + c];
        }
        if (dead[c] || followed == 0) continue;
        const double said = static_cast<double>(fired) * choices[c].threshold / options_.steps;
        const double error = said - static_cast<double>(wanted[c]) / SumHistogram::kTargetScale;
        const double furthest = choices[c].threshold / 4.;
        choices[c].bias -= static_cast<std::int32_t>(
            std::clamp(std::floor(error / static_cast<double>(followed) + 0.5), -furthest, furthest));
      }
    }
    return {};
  }

  Expected<> add_readout(std::size_t index, snn::Population target, Synapses synapses, LayerReport report) {
    const std::size_t classes = target.shape.channels;
    target.kind = snn::Readout{.bias = synapses.bias, .scale = synapses.unit[0]};
    target.amplitude.assign(classes, synapses.unit[0]);
    const std::vector<float>& floats = held_[index + 1].floats;
    std::vector<std::int64_t> sums(images_ * classes);
    auto ok = stage(index).for_each_sum(
        target, synapses.connection, images_, [&](std::size_t, std::size_t image, std::span<const std::int64_t> now) {
          std::ranges::copy(now, sums.begin() + static_cast<std::ptrdiff_t>(image * classes));
        });
    if (!ok) return ok;
    auto& readout = std::get<snn::Readout>(target.kind);
    const double times = rows(), n = static_cast<double>(images_);
    double before = 0, after = 0;
    for (std::size_t k = 0; k < classes; ++k) {
      std::int64_t said = 0, wanted = 0;
      for (std::size_t image = 0; image < images_; ++image) {
        said += sums[image * classes + k];
        wanted += SumHistogram::fixed(floats[image * classes + k] / synapses.unit[k]);
      }
      const double error = static_cast<double>(said) / times / n + synapses.bias[k] -
                           static_cast<double>(wanted) / SumHistogram::kTargetScale / n;
      const double shift = options_.bias_correction && options_.ceilings.empty() ? -std::floor(error + 0.5) : 0;
      readout.bias[k] += static_cast<std::int32_t>(std::clamp(shift, -double{1 << 29}, double{1 << 29}));
      const double unit = synapses.unit[k];
      report.channels.push_back(
          {.bias_shift = unit * shift, .mean_error_before = unit * error, .mean_error_after = unit * (error + shift)});
      before += unit * unit * error * error;
      after += unit * unit * (error + shift) * (error + shift);
    }
    report.kind = "readout";
    report.mean_error_before = std::sqrt(before / static_cast<double>(classes));
    report.mean_error_after = std::sqrt(after / static_cast<double>(classes));
    append(index, std::move(target), std::move(synapses.connection), std::move(report));
    return {};
  }

  // The layer's own counts, and the population's means.
  Expected<> close_layer(std::size_t index, snn::Population target, snn::Connection connection, LayerReport report) {
    const std::size_t neurons = target.shape.neurons();
    Activity& counts = held_[index + 1].counts;
    counts = Activity(images_, rows(), neurons, target.greatest);
    std::vector<std::uint64_t> sums(images_), events(images_);
    const auto ok =
        stage(index).simulate(target, connection, images_, [&](std::size_t image, std::span<const Count> out) {
          for (std::size_t r = 0; r < rows(); ++r) counts.store(image, r, out.subspan(r * neurons, neurons));
          tally(out, sums[image], events[image]);
        });
    if (!ok) return ok;
    set_means(target, sums, events);
    report.mean_count = target.mean_count;
    report.mean_events = target.mean_events;
    append(index, std::move(target), std::move(connection), std::move(report));
    return {};
  }

  void append(std::size_t index, snn::Population target, snn::Connection connection, LayerReport report) {
    const std::size_t from = lowered_.layers[index].from;
    model().populations.push_back(std::move(target));
    model().projections.push_back(
        {static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(index + 1), std::move(connection)});
    out_.layers.push_back(std::move(report));
    if (--held_[from].readers == 0) held_[from] = {};
  }

  void finish() {
    model().outputs = {model().populations.back().name};
    if (progress_) progress_("done", lowered_.layers.size(), lowered_.layers.size());
  }

  const data::Dataset& train_;
  const ConvertOptions& options_;
  const ConvertProgress& progress_;
  std::optional<ann::Executor> executor_;
  Lowered lowered_;
  std::size_t images_ = 0;
  std::vector<Held> held_;  // by population
  Converted out_;
};

}  // namespace

Expected<Converted> convert(const ann::Graph& graph, const data::Dataset& train, const ConvertOptions& options,
                            const ConvertProgress& progress) {
  return Converter(train, options, progress).run(graph);
}

}  // namespace syn
