// Where a channel's ceiling and bias come from: integer histograms of its input sums over the calibration images,
// joined with what the float network says at the same neurons, and a search for the threshold and bias with the least
// squared error. The histograms are integer sums and the search runs in a fixed order, channel by channel, with + - * /
// and floor on doubles only: any number of threads, any machine, the same thresholds. Private to conversion/.
// Deliberately not here: running the network to fill the histograms (spiking.cpp).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "conversion/convert.hpp"
#include "conversion/synapses.hpp"

namespace syn {

// Per channel: how often the input sum (without bias) fell into a bin, and the totals of the sums and of the targets
// there.
class SumHistogram {
 public:
  static constexpr std::size_t kBins = 1024;
  // Targets are kept in 1/16 of a unit.
  static constexpr double kTargetScale = 16;

  // `low` and `high`: what a first look saw per channel; sums beyond fall into the first and last bin.
  SumHistogram(std::span<const std::int64_t> low, std::span<const std::int64_t> high);

  // `target`: the float network's activation in units of this channel; none is negative.
  void add(std::size_t channel, std::int64_t sum, double target) {
    const Range& range = ranges_[channel];
    const std::int64_t clamped = sum < range.low ? range.low : sum > range.high ? range.high : sum;
    Bin& bin = bins_[channel * kBins + static_cast<std::size_t>((clamped - range.low) >> range.shift)];
    ++bin.n;
    bin.sum += sum;
    bin.target += positive(target);
    if (sum > greatest_[channel]) greatest_[channel] = sum;
  }
  void merge(const SumHistogram& other);

  std::size_t channels() const { return ranges_.size(); }
  std::int64_t greatest(std::size_t channel) const { return greatest_[channel]; }

  struct Bin {
    std::int64_t n = 0, sum = 0, target = 0;
  };
  std::span<const Bin> bins(std::size_t channel) const { return std::span(bins_).subspan(channel * kBins, kBins); }

  static std::int64_t fixed(double target);  // in 1/16, at most 2^40

 private:
  // fixed() without a call of floor: it is made for each neuron of each image.
  static std::int64_t positive(double target) {
    const double scaled = target * kTargetScale;
    return scaled > 0 ? static_cast<std::int64_t>(scaled < kGreatestTarget ? scaled + 0.5 : kGreatestTarget) : 0;
  }
  static constexpr double kGreatestTarget = double{std::int64_t{1} << 40};

  struct Range {
    std::int64_t low, high;
    int shift;
  };
  std::vector<Range> ranges_;
  std::vector<Bin> bins_;
  std::vector<std::int64_t> greatest_;
};

// How a count relates to a sum: count = clamp(floor((sum + bias * bias_times + theta / 2) / theta), 0, levels), which
// says theta * count / value_divisor units. Volley and phase: levels = C, the others 1. Step: a sum over T steps,
// levels = bias_times = value_divisor = T.
struct Coding {
  std::uint32_t levels = 1;
  double bias_times = 1;
  double value_divisor = 1;
};

struct ChannelChoice {
  std::int32_t threshold = 1;
  std::int32_t bias = 0;
};

// Rule 8: the greatest threshold whose counts say at most `highest`; 2^30 if that is infinite.
std::int32_t most_threshold(double highest, double unit, const Coding& coding);

// Threshold, at most `most`, and bias of one channel. Nothing if it never rises above zero (a dead channel: rule 9
// decides). `bias` is rule 2's; it stays where options say no bias correction.
std::optional<ChannelChoice> choose(const SumHistogram& histogram, std::size_t channel, std::int32_t bias,
                                    std::int32_t most, const Coding& coding, const ConvertOptions& options);

// What a choice does, in units: for the report, and for the search's last word on the mean.
struct ChoiceErrors {
  double n = 0;
  double mean_error = 0;       // of the activation, against the float network
  double clipped = 0;          // share of neurons whose rectified sum lies above the ceiling by more than half a level
  double clipping_square = 0;  // mean squared error against the rectified sum: of the clipped ones
  double rounding_square = 0;  // and of the others
  double signal_square = 0;    // mean square of the rectified sum
};
ChoiceErrors errors_of(const SumHistogram& histogram, std::size_t channel, const ChannelChoice& choice,
                       const Coding& coding);

// Rule 9: a channel that never fired takes the layer's median ceiling, `highest` at most.
void revive(std::span<ChannelChoice> choices, std::span<const std::uint8_t> dead, const Synapses& synapses,
            double highest, const Coding& coding);

// Fills in the channels and their root mean squares. In `step` code these are the errors of the sums, without what the
// order of arrival adds.
void report_channels(const SumHistogram& histogram, const Synapses& synapses, std::span<const ChannelChoice> choices,
                     std::span<const std::uint8_t> dead, const Coding& coding, LayerReport& report);

}  // namespace syn
