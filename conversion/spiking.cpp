// A population of neurons: histograms of its sums, thresholds and biases from them, and in `step` code a second look by
// simulation.
#include <algorithm>
#include <cmath>
#include <limits>

#include "conversion/converter.hpp"
#include "conversion/integer_rules.hpp"
#include "conversion/parallel.hpp"
#include "core/text.hpp"

namespace syn {
namespace {

constexpr std::size_t kFirstLook = 64;    // images that set the range of the histograms
constexpr std::size_t kEnough = 200'000;  // sums of a channel that settle its threshold and bias
constexpr std::size_t kSimulated = 250;   // images that bias correction simulates in `step` code
constexpr int kSimulations = 2;
// `step`: a potential may run this many thresholds (of the channel with the greatest) away from zero. Debts below are
// what takes back spikes fired too early. Measured on 10,000 held-out training images of the student: 1, 4 and 64
// lose 3.85, 3.61 and 3.61 points at T = 4 and 1.69, 1.73 and 1.73 at T = 8, so the clamp only has to be wide.
constexpr std::int64_t kClampThresholds = 16;
constexpr std::int64_t kGreatestClamp = 1 << 29;

}  // namespace

Expected<> Converter::add_spiking(Making making, Synapses synapses) {
  snn::Population& target = making.target;
  const LoweredLayer& layer = making.layer;
  const std::size_t channels = target.shape.channels;
  target.greatest = counted() ? levels() : 1;
  target.kind = snn::IntegrateAndFire{.threshold = std::vector<std::int32_t>(channels, 1),
                                      .bias = std::vector<std::int32_t>(channels)};
  auto histogram = collect(making, synapses);
  if (!histogram) return fail(histogram.error());

  std::vector<ChannelChoice> choices(channels);
  std::vector<std::uint8_t> dead(channels);
  if (layer.quantised) {
    if (auto ok = choose_known(making, synapses, choices); !ok) return ok;
  } else {
    parallel_blocks(channels, 1, options_.threads, [&](std::size_t, std::size_t c, std::size_t) {
      // Rule 8: no count may say more than the float network can.
      const std::int32_t most = most_threshold(layer.highest, synapses.unit[c], coding());
      const auto choice = choose(*histogram, c, synapses.bias[c], most, coding(), options_);
      dead[c] = !choice;
      choices[c] = choice.value_or(ChannelChoice{1, synapses.bias[c]});
    });
    revive(choices, dead, synapses, layer.highest, coding());
    if (!counted() && options_.bias_correction) {
      if (auto ok = correct_by_simulation(making, synapses, choices, dead); !ok) return ok;
    }
  }
  report_channels(*histogram, synapses, choices, dead, coding(), making.report);
  target.kind = neurons_of(choices, synapses);
  for (std::size_t c = 0; c < channels; ++c) target.amplitude.push_back(choices[c].threshold * synapses.unit[c]);
  return close(std::move(making), std::move(synapses.projections));
}

// Ceilings that the network was trained with: rule 3 and nothing else.
Expected<> Converter::choose_known(const Making& making, const Synapses& synapses,
                                   std::vector<ChannelChoice>& choices) {
  const ann::QuantisedRelu& known = *making.layer.quantised;
  for (std::size_t c = 0; c < choices.size(); ++c) {
    const double ceiling = known.ceiling.data[known.ceiling.data.size() == 1 ? 0 : c];
    const auto theta = threshold_for(ceiling, counted() ? levels() : 1, synapses.unit[c]);
    if (!(ceiling > 0) || !theta) {
      return fail(text::cat("the ceiling ", ceiling, " of channel ", c, " is out of range"), "its activation",
                  "train with positive ceilings");
    }
    choices[c] = {*theta, synapses.bias[c]};
  }
  if (!counted() || static_cast<std::int64_t>(levels()) != known.levels) {
    out_.remarks.push_back(text::cat("'", making.layer.name, "' was trained with ", known.levels,
                                     " levels: volley code with --steps ", known.levels, " would be exact"));
  }
  return {};
}

snn::IntegrateAndFire Converter::neurons_of(std::span<const ChannelChoice> choices, const Synapses& synapses) const {
  snn::IntegrateAndFire out;
  std::int64_t greatest = 1;
  for (const ChannelChoice& choice : choices) {
    out.threshold.push_back(choice.threshold);
    out.bias.push_back(choice.bias);
    greatest = std::max<std::int64_t>(greatest, choice.threshold);
  }
  if (!synapses.border.empty()) {
    out.bias.clear();
    for (std::size_t i = 0; i < synapses.border.size(); ++i)
      out.bias.push_back(choices[i % choices.size()].bias + synapses.border[i]);
  }
  if (!counted()) {
    out.v_max = static_cast<std::int32_t>(std::min(kClampThresholds * greatest, kGreatestClamp));
    out.v_min = -out.v_max;
  }
  return out;
}

// The sums of the histograms include what the border adds to the channel's bias.
Expected<SumHistogram> Converter::collect(const Making& making, const Synapses& synapses) const {
  const snn::Population& target = making.target;
  const std::size_t channels = target.shape.channels, neurons = target.shape.neurons();
  const auto times = static_cast<std::int64_t>(coding().bias_times);
  const auto border = [&](std::size_t i) { return synapses.border.empty() ? 0 : synapses.border[i] * times; };
  // Each image of the first look has its own range, so that no two threads write the same.
  const std::size_t first = std::min(images_, kFirstLook);
  std::vector<std::int64_t> low(channels), high(channels),
      highs(first * channels, std::numeric_limits<std::int64_t>::min());
  const Stage now = stage(making.layer);
  auto ok = now.for_each_sum(target, synapses.projections, first,
                             [&](std::size_t, std::size_t image, std::span<const std::int64_t> sums) {
                               for (std::size_t i = 0; i < neurons; ++i) {
                                 std::int64_t& most = highs[image * channels + i % channels];
                                 most = std::max(most, sums[i] + border(i));
                               }
                             });
  if (!ok) return fail(ok.error());
  for (std::size_t c = 0; c < channels; ++c) {
    // Below: half a threshold of the coarsest code, and what bias correction may add; further down all counts are
    // zero.
    const std::int64_t bias = synapses.bias[c] * times;
    high[c] = std::numeric_limits<std::int64_t>::min();
    for (std::size_t image = 0; image < first; ++image) high[c] = std::max(high[c], highs[image * channels + c]);
    const std::int64_t top = std::max<std::int64_t>(16, high[c] + bias);
    high[c] = top + top / 4 - bias;
    low[c] = -bias - 2 * top / std::min<std::int64_t>(coding().levels, 8);
  }
  SumHistogram total(low, high);
  std::vector<SumHistogram> parts(std::max(1u, options_.threads), total);
  std::vector<double> per_unit(channels);
  for (std::size_t c = 0; c < channels; ++c) per_unit[c] = 1 / synapses.unit[c];
  // Of large maps every so many positions do, others in each image.
  const std::size_t stride =
      options_.ceiling == Ceiling::greatest ? 1 : std::max<std::size_t>(1, images_ * neurons / channels / kEnough);
  const std::vector<float>& floats = floats_of(making);
  ok = now.for_each_sum(target, synapses.projections, images_,
                        [&](std::size_t worker, std::size_t image, std::span<const std::int64_t> sums) {
                          SumHistogram& part = parts[worker];
                          const float* targets = floats.data() + image * neurons;
                          for (std::size_t p = image % stride * channels; p < neurons; p += stride * channels) {
                            for (std::size_t c = 0; c < channels; ++c)
                              part.add(c, sums[p + c] + border(p + c), targets[p + c] * per_unit[c]);
                          }
                        });
  if (!ok) return fail(ok.error());
  for (const SumHistogram& part : parts) total.merge(part);
  return total;
}

// `step`: spikes do not come evenly, so the mean rate is not what the sums promise. Runs the neurons themselves and
// moves the bias by the mean error that is left.
Expected<> Converter::correct_by_simulation(const Making& making, const Synapses& synapses,
                                            std::vector<ChannelChoice>& choices,
                                            std::span<const std::uint8_t> dead) const {
  const std::size_t channels = choices.size(), neurons = making.target.shape.neurons(),
                    images = std::min(images_, kSimulated);
  const std::vector<float>& floats = floats_of(making);
  std::vector<std::int64_t> wanted(channels);
  for (std::size_t i = 0; i < images * neurons; ++i)
    wanted[i % channels] += SumHistogram::fixed(floats[i] / synapses.unit[i % channels]);
  for (int round = 0; round < kSimulations; ++round) {
    snn::Population now = making.target;
    now.kind = neurons_of(choices, synapses);
    std::vector<std::int64_t> spikes(images * channels), active(images * channels);
    const auto ok =
        stage(making.layer)
            .simulate(now, synapses.projections, images, [&](std::size_t image, std::span<const Count> out) {
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

}  // namespace syn
