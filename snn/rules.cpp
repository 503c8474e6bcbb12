#include "snn/rules.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "core/text.hpp"
#include "snn/rules_leaky.hpp"

namespace syn::snn {
namespace {

constexpr std::int64_t kLimit = std::int64_t{1} << 31;
constexpr std::uint64_t kMaxSide = 1 << 16;
constexpr std::uint64_t kMaxNeurons = 1 << 26;
// Packed as 16-bit pairs for rows of at least 16 outputs (layers.cpp), offsets must stay below 2^32.
constexpr std::uint64_t kMaxPacked = std::uint64_t{1} << 31;

constexpr std::uint64_t kMaxCopy = std::uint64_t{1} << 28;
// Kernel positions x target positions x source channels, walked once at load.
constexpr std::uint64_t kMaxTaps = std::uint64_t{1} << 32;

using Problem = std::string;  // empty: none

bool finite(std::span<const double> values) {
  return std::ranges::all_of(values, [](double v) { return std::isfinite(v); });
}

Problem shape_problem(const Population& p) {
  for (const std::uint64_t side : {p.shape.height, p.shape.width, p.shape.channels})
    if (side < 1 || side > kMaxSide) return text::cat("a side of its shape is ", side);
  if (std::uint64_t{p.shape.height} * p.shape.width * p.shape.channels > kMaxNeurons) return "too many neurons";
  if (p.channels_total != 0 && std::uint64_t{p.channel_begin} + p.shape.channels > p.channels_total)
    return "its channels reach beyond those of the population it is a slice of";
  if (p.channels_total == 0 && p.channel_begin != 0) return "a slice that does not say of how many channels";
  return {};
}

Problem kind_problem(const Model& model, const Population& p) {
  const std::size_t channels = p.shape.channels;
  const auto lengths = [&](std::size_t size, bool may_be_empty) {
    return size == channels || (may_be_empty && size == 0);
  };
  const auto bias_fits = [&](const std::vector<std::int32_t>& bias) {
    return bias.size() == channels || bias.size() == p.shape.neurons();
  };
  if (!lengths(p.amplitude.size(), true) || !finite(p.amplitude)) return "its amplitudes do not fit its channels";
  if (p.code != model.code)
    return text::cat("its code is ", name_of(p.code), " in a model of code ", name_of(model.code));
  if (!std::holds_alternative<Readout>(p.kind) && (p.greatest < 1 || p.greatest > kGreatestCount))
    return text::cat("its greatest count is ", p.greatest, ", outside 1..", kGreatestCount);
  if (const auto* source = std::get_if<Source>(&p.kind)) {
    if (!lengths(source->scale.size(), true) || source->zero.size() != source->scale.size())
      return "scale and zero do not fit its channels";
    if (!finite(source->scale) || !finite(source->zero)) return "scale or zero is not finite";
    if (!source->scale.empty() && p.greatest < 255)
      return text::cat("a quantised input reaches 255, its greatest count is ", p.greatest);
    if (!lengths(source->padding.size(), true)) return "padding does not fit its channels";
    for (const Count padding : source->padding)
      if (padding > p.greatest) return text::cat("a padding of ", padding, " is above its greatest count");
  } else if (const auto* fire = std::get_if<IntegrateAndFire>(&p.kind)) {
    if (!lengths(fire->threshold.size(), false) || !bias_fits(fire->bias))
      return "thresholds or biases do not fit its channels";
    for (std::size_t c = 0; c < channels; ++c)
      if (fire->threshold[c] < 1) return text::cat("channel ", c, ": threshold ", fire->threshold[c], " is below 1");
    if (p.greatest != model.levels())
      return text::cat("its greatest count is ", p.greatest, ", the code gives ", model.levels());
    if (model.code == Code::step && fire->v_min > fire->v_max)
      return text::cat("v_min ", fire->v_min, " is above v_max ", fire->v_max);
  } else if (std::holds_alternative<Leaky>(p.kind)) {
    return leaky_problem(model, p);
  } else if (const auto* readout = std::get_if<Readout>(&p.kind)) {
    if (readout->membrane)
      if (auto problem = leaky_problem(model, p); !problem.empty()) return problem;
    if (!bias_fits(readout->bias)) return "biases do not fit its channels";
    if (!std::isfinite(readout->scale)) return "its scale is not finite";
  }
  return {};
}

Problem extent_problem(const Extent& e) {
  if (e.kernel < 1 || e.stride < 1 || e.dilation < 1) return "a kernel, stride or dilation below 1";
  if (e.kernel > std::int64_t{kMaxSide} || e.stride > std::int64_t{kMaxSide} || e.dilation > std::int64_t{kMaxSide})
    return "a kernel, stride or dilation too large";
  if (e.pad < 0 || e.pad >= e.reach())
    return text::cat("padding ", e.pad, " of a kernel that reaches over ", e.reach());
  if (e.first(e.target - 1) >= e.source) return "the last kernel lies outside the source";
  return {};
}

template <class W>
Problem window_problem(const W& w, const Population& from, const Population& to) {
  if (auto p = extent_problem(vertical(w, from.shape, to.shape)); !p.empty()) return p;
  if (auto p = extent_problem(horizontal(w, from.shape, to.shape)); !p.empty()) return p;
  const std::uint64_t taps = std::uint64_t{w.kernel_height} * w.kernel_width;
  if (taps > kMaxSide) return "a kernel too large";
  if (taps * to.shape.positions() > kMaxTaps / from.shape.channels) return "too many synapses";
  return {};
}

// How many source indices of one axis the kernel at `at` covers.
std::int64_t covered(const Extent& e, std::int64_t at) {
  return std::min(e.first(at) + e.kernel, e.source) - std::max<std::int64_t>(e.first(at), 0);
}

Problem sum_pool_problem(const SumPool& pool, const Population& from, const Population& to) {
  if (from.shape.channels != to.shape.channels) return "pooling cannot change the number of channels";
  if (auto p = window_problem(pool, from, to); !p.empty()) return p;
  if (!pool.multiplier.empty() && pool.multiplier.size() != to.shape.positions())
    return "multipliers do not fit its positions";
  return {};
}

// The largest value that sum pooling can hand on.
std::uint64_t greatest_of(const SumPool& pool, const Population& from, const Population& to) {
  const Extent y = vertical(pool, from.shape, to.shape), x = horizontal(pool, from.shape, to.shape);
  std::uint64_t greatest = 0;
  for (std::int64_t oy = 0; oy < y.target; ++oy) {
    for (std::int64_t ox = 0; ox < x.target; ++ox) {
      const auto at = static_cast<std::size_t>(oy * x.target + ox);
      const std::uint64_t multiplier = pool.multiplier.empty() ? 1 : pool.multiplier[at];
      const auto area = static_cast<std::uint64_t>(covered(y, oy) * covered(x, ox));
      greatest = std::max(greatest, area * multiplier * from.greatest);
    }
  }
  return greatest;
}

Problem weights_problem(std::span<const std::int8_t> weights, std::uint64_t inputs, std::uint64_t row_inputs,
                        std::uint64_t outputs) {
  if (weights.size() != inputs * outputs)
    return text::cat(weights.size(), " weights where the shapes need ", inputs * outputs);
  if (std::ranges::find(weights, std::int8_t{-128}) != weights.end()) return "a weight of -128";
  if ((std::max(inputs, row_inputs) + 1) * (outputs + 15) * 2 > kMaxPacked) return "too many weights";
  return {};
}

Problem shift_problem(std::int32_t shift) {
  const bool fits = shift > -static_cast<std::int32_t>(kMaxSide) && shift < static_cast<std::int32_t>(kMaxSide);
  return fits ? Problem() : text::cat("a shift of ", shift, " channels");
}

Problem projection_problem(const Population& from, const Population& to, const Connection& connection) {
  if (std::holds_alternative<Readout>(from.kind)) return text::cat("it reads the readout '", from.name, "'");
  if (std::holds_alternative<Source>(to.kind)) return "a projection leads into a source";
  const bool pooled = std::holds_alternative<Pooled>(to.kind);
  if (const auto* conv = std::get_if<Conv>(&connection)) {
    if (pooled) return "a convolution leads into a pooled population";
    if (auto p = window_problem(*conv, from, to); !p.empty()) return p;
    const std::uint64_t taps = std::uint64_t{conv->kernel_height} * conv->kernel_width;
    const auto reach_y = static_cast<std::uint64_t>(vertical(*conv, from.shape, to.shape).reach()),
               reach_x = static_cast<std::uint64_t>(horizontal(*conv, from.shape, to.shape).reach());
    // Of the copy that has its border filled in (layers.cpp).
    if (reach_y > kMaxSide || reach_x > kMaxSide ||
        (from.shape.height + 2 * reach_y) * (from.shape.width + 2 * reach_x) > kMaxCopy / (from.shape.channels + 1))
      return "a kernel that reaches too far";
    return weights_problem(conv->weights, taps * from.shape.channels,
                           std::uint64_t{from.shape.width + conv->kernel_width} * (from.shape.channels + 1),
                           to.shape.channels);
  }
  if (const auto* dense = std::get_if<Dense>(&connection)) {
    if (pooled) return "dense synapses lead into a pooled population";
    if (to.shape.positions() != 1) return "dense synapses need a target of one position";
    return weights_problem(dense->weights, from.shape.neurons(), from.shape.neurons(), to.shape.channels);
  }
  if (const auto* sum = std::get_if<SumPool>(&connection)) {
    if (auto p = sum_pool_problem(*sum, from, to); !p.empty()) return p;
    if (const auto needed = greatest_of(*sum, from, to); pooled && needed > to.greatest)
      return text::cat("its sums reach ", needed, ", above its greatest count ", to.greatest);
    return {};
  }
  if (const auto* depthwise = std::get_if<Depthwise>(&connection)) {
    if (pooled) return "a depthwise convolution leads into a pooled population";
    if (auto p = window_problem(*depthwise, from, to); !p.empty()) return p;
    if (auto p = shift_problem(depthwise->shift); !p.empty()) return p;
    const std::uint64_t taps = std::uint64_t{depthwise->kernel_height} * depthwise->kernel_width;
    return weights_problem(depthwise->weights, taps, 1, from.shape.channels);
  }
  if (const auto* one = std::get_if<OneToOne>(&connection)) {
    if (pooled) return "a one-to-one projection leads into a pooled population";
    if (from.shape.height != to.shape.height || from.shape.width != to.shape.width)
      return "a one-to-one projection joins populations of different height or width";
    if (auto p = shift_problem(one->shift); !p.empty()) return p;
    if (one->multiplier.size() != from.shape.channels) return "multipliers do not fit its source's channels";
    for (const std::int32_t m : one->multiplier)
      if (m < -kGreatestMultiplier || m > kGreatestMultiplier)
        return text::cat("a multiplier of ", m, ", beyond ", kGreatestMultiplier, " in amount");
    return {};
  }
  const auto& max = std::get<MaxPool>(connection);
  if (!pooled) return "max pooling leads only into a pooled population";
  if (from.shape.channels != to.shape.channels) return "pooling cannot change the number of channels";
  if (to.greatest < from.greatest)
    return text::cat("its greatest count ", to.greatest, " is below its source's ", from.greatest);
  return window_problem(max, from, to);
}

// Largest positive and negative sum into each channel in one row, with every input at its greatest.
struct Bounds {
  std::vector<std::int64_t> positive, negative;
  void add(std::size_t channel, std::int64_t product) {
    (product > 0 ? positive[channel] += product : negative[channel] -= product);
  }
};

void add_bounds(Bounds& bounds, std::span<const std::int8_t> weights, std::int64_t greatest) {
  const std::size_t channels = bounds.positive.size();
  for (std::size_t row = 0; row < weights.size(); row += channels) {
    for (std::size_t c = 0; c < channels; ++c) bounds.add(c, weights[row + c] * greatest);
  }
}

// Of projections that join channel i to channel i + shift: `weights` are rows of `inputs`.
template <class T>
void add_shifted_bounds(Bounds& bounds, std::span<const T> weights, std::size_t inputs, std::int32_t shift,
                        std::int64_t greatest) {
  const auto channels = static_cast<std::int64_t>(bounds.positive.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto to = static_cast<std::int64_t>(i % inputs) + shift;
    if (to >= 0 && to < channels) bounds.add(static_cast<std::size_t>(to), weights[i] * greatest);
  }
}

// The most extreme biases of each channel, and of no bias at all.
Bounds extremes(const std::vector<std::int32_t>& bias, std::size_t channels) {
  Bounds bounds{std::vector<std::int64_t>(channels), std::vector<std::int64_t>(channels)};
  for (std::size_t i = 0; i < bias.size(); ++i) {
    auto &positive = bounds.positive[i % channels], &negative = bounds.negative[i % channels];
    positive = std::max<std::int64_t>(positive, bias[i]);
    negative = std::max<std::int64_t>(negative, -std::int64_t{bias[i]});
  }
  return bounds;
}

// Of what all projections add to a neuron of each channel.
Bounds added_to(const Model& model, std::size_t index) {
  const Population& p = model.populations[index];
  const std::size_t channels = p.shape.channels;
  Bounds bounds{std::vector<std::int64_t>(channels), std::vector<std::int64_t>(channels)};
  for (const Projection& projection : model.projections) {
    if (projection.to != index) continue;
    const Population& from = model.populations[projection.from];
    if (const auto* conv = std::get_if<Conv>(&projection.connection)) add_bounds(bounds, conv->weights, from.greatest);
    if (const auto* dense = std::get_if<Dense>(&projection.connection))
      add_bounds(bounds, dense->weights, from.greatest);
    if (const auto* sum = std::get_if<SumPool>(&projection.connection))
      for (std::int64_t& positive : bounds.positive) positive += static_cast<std::int64_t>(greatest_of(*sum, from, p));
    if (const auto* depthwise = std::get_if<Depthwise>(&projection.connection))
      add_shifted_bounds(bounds, std::span(depthwise->weights), from.shape.channels, depthwise->shift, from.greatest);
    if (const auto* one = std::get_if<OneToOne>(&projection.connection))
      add_shifted_bounds(bounds, std::span(one->multiplier), from.shape.channels, one->shift, from.greatest);
  }
  return bounds;
}

Problem overflow_problem(const Model& model, std::size_t index) {
  const Population& p = model.populations[index];
  const auto* fire = std::get_if<IntegrateAndFire>(&p.kind);
  const auto* readout = std::get_if<Readout>(&p.kind);
  const bool leaky = membrane_of(p) != nullptr;
  if (!fire && !readout && !leaky) return {};
  const std::size_t channels = p.shape.channels;
  const Bounds bounds = added_to(model, index);
  if (leaky) return leaky_overflow(p, bounds.positive, bounds.negative);
  const Bounds bias = extremes(fire ? fire->bias : readout->bias, channels);
  const std::int64_t rows = model.rows();
  for (std::size_t c = 0; c < channels; ++c) {
    const std::int64_t positive = bounds.positive[c] + bias.positive[c];
    const std::int64_t negative = bounds.negative[c] + bias.negative[c];
    const std::int64_t largest = std::max(positive, negative);
    bool safe = true;
    if (readout) {
      safe = largest <= (kLimit - 1) / rows;
    } else {
      const std::int64_t threshold = fire->threshold[c];
      safe = largest + threshold < kLimit && (std::int64_t{p.greatest} + 1) * threshold < kLimit;
      if (model.code == Code::step)
        safe = safe && std::max<std::int64_t>(fire->v_max, threshold >> 1) + positive < kLimit &&
               std::min<std::int64_t>(fire->v_min, threshold >> 1) - negative >= -kLimit;
    }
    if (!safe)
      return text::cat("channel ", c, ": its sums can reach ", largest, ", beyond 32 bits",
                       fire ? text::cat(" with threshold ", fire->threshold[c]) : std::string());
  }
  return {};
}

std::unexpected<Error> refused(const Model& model, std::string_view population, const Problem& problem) {
  return fail(population.empty() ? problem : text::cat("population '", population, "': ", problem),
              text::cat("model '", model.name, "'"), "convert the model again with other options");
}

}  // namespace

std::int64_t greatest_sum(const Model& model, std::size_t population) {
  const Population& p = model.populations[population];
  const Bounds bounds = added_to(model, population);
  const Bounds bias = extremes(std::get<IntegrateAndFire>(p.kind).bias, p.shape.channels);
  std::int64_t greatest = 0;
  for (std::size_t c = 0; c < p.shape.channels; ++c)
    greatest = std::max(greatest, bounds.positive[c] + bias.positive[c]);
  return greatest;
}

Expected<> check_rules(const Model& model) {
  if (model.steps < 1 || model.steps > kGreatestCount)
    return refused(model, {}, text::cat(model.steps, " steps, outside 1..", kGreatestCount));
  if (model.code == Code::phase && model.steps > kGreatestPhase)
    return refused(model, {}, text::cat(model.steps, " steps, outside the 1..", kGreatestPhase, " of code phase"));
  if (model.populations.empty()) return refused(model, {}, "no populations");
  std::set<std::string_view> names;
  bool sources = true;
  int readouts = 0;
  for (const Population& p : model.populations) {
    if (p.name.empty() || p.name.size() > 256)
      return refused(model, {}, "a population without a name, or with one too long");
    if (!names.insert(p.name).second) return refused(model, p.name, "a second one of that name");
    if (auto problem = shape_problem(p); !problem.empty()) return refused(model, p.name, problem);
    if (auto problem = kind_problem(model, p); !problem.empty()) return refused(model, p.name, problem);
    const bool source = std::holds_alternative<Source>(p.kind);
    if (source && !sources) return refused(model, p.name, "a source behind populations that are computed");
    sources = source;
    if (std::holds_alternative<Readout>(p.kind) && ++readouts > 1) return refused(model, p.name, "a second readout");
  }
  std::vector<std::uint32_t> fed(model.populations.size());
  std::uint32_t last = 0;
  for (const Projection& projection : model.projections) {
    if (projection.to >= model.populations.size() || projection.from >= model.populations.size() ||
        (projection.from >= projection.to && projection.delay == 0))
      return refused(model, {},
                     text::cat("a projection from ", projection.from, " to ", projection.to, " breaks the order"));
    const Population& to = model.populations[projection.to];
    if (projection.to < last) return refused(model, to.name, "its projections are not in order");
    last = projection.to;
    if (auto problem = delay_problem(model, projection); !problem.empty()) return refused(model, to.name, problem);
    if (auto problem = projection_problem(model.populations[projection.from], to, projection.connection);
        !problem.empty())
      return refused(model, to.name, problem);
    if (++fed[projection.to] > 1 && std::holds_alternative<Pooled>(to.kind))
      return refused(model, to.name, "pools two populations");
  }
  std::uint64_t kept = 0;
  const auto delays = longest_delays(model);
  for (std::size_t i = 0; i < delays.size(); ++i) kept += std::uint64_t{delays[i]} * model.populations[i].shape.neurons();
  if (kept > kMostDelayed) return refused(model, {}, text::cat("its delays keep ", kept, " counts, above ", kMostDelayed));
  for (std::size_t i = 0; i < model.populations.size(); ++i) {
    const Population& p = model.populations[i];
    if (!std::holds_alternative<Source>(p.kind) && fed[i] == 0) return refused(model, p.name, "nothing leads into it");
    if (auto problem = overflow_problem(model, i); !problem.empty()) return refused(model, p.name, problem);
  }
  std::set<std::string_view> outputs;
  for (const std::string& output : model.outputs) {
    const int at = find(model, output);
    if (at < 0) return refused(model, {}, text::cat("the output '", output, "' is not a population"));
    if (std::holds_alternative<Source>(model.populations[at].kind))
      return refused(model, output, "a source cannot be an output");
    if (!outputs.insert(output).second) return refused(model, output, "an output twice");
  }
  if (outputs.empty()) return refused(model, {}, "no outputs");
  return {};
}

}  // namespace syn::snn
