#include "conversion/calibrate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "conversion/integer_rules.hpp"
#include "core/assert.hpp"

namespace syn {
namespace {

// What a squared error of clipping weighs against one of rounding. Neighbouring neurons clip together, so sums over
// them do not average it out as they do rounding. Chosen at 7 levels on images that neither trained nor calibrated
// (docs/accuracy.md).
constexpr double kClipped = 2;
constexpr std::int32_t kGreatestDead = 1 << 22;

double count_at(double sum, double threshold, double half, double levels) {
  return std::clamp(std::floor((sum + half) / threshold), 0., levels);
}

struct Fit {
  double square = 0;     // weighted sum of squared errors against the mean targets
  double error = 0;      // sum of (value - target)
  double sensitive = 0;  // neurons whose count follows the bias
};

// The histogram of one channel with empty bins left out, as doubles: the search reads it a hundred times.
struct Cell {
  double n, sum, target;  // sum: the bin's mean; target: the bin's total, in units
};

std::vector<Cell> cells_of(const SumHistogram& histogram, std::size_t channel) {
  std::vector<Cell> out;
  for (const SumHistogram::Bin& bin : histogram.bins(channel)) {
    if (bin.n == 0) continue;
    const auto n = static_cast<double>(bin.n);
    out.push_back({n, static_cast<double>(bin.sum) / n, static_cast<double>(bin.target) / SumHistogram::kTargetScale});
  }
  return out;
}

Fit fit(std::span<const Cell> cells, double threshold, double bias, const Coding& coding) {
  const double half = std::floor(threshold / 2), value = threshold / coding.value_divisor,
               lift = bias * coding.bias_times;
  const double levels = coding.levels;
  Fit out;
  for (const Cell& cell : cells) {
    const double count = count_at(cell.sum + lift, threshold, half, levels), v = count * value;
    const double short_by = cell.target / cell.n - v;
    out.square += short_by * short_by * cell.n * (count == levels && short_by > 0 ? kClipped : 1);
    out.error += cell.n * v - cell.target;
    // The mean moves with the bias where sums are spread over many levels, not where they are cut off.
    const double x = cell.sum + lift + half;
    if (x > 0 && x < (levels + 0.5) * threshold) out.sensitive += cell.n;
  }
  return out;
}

// The bias at which the mean count says what the float network says, by three steps of Newton's method.
double matched_bias(std::span<const Cell> cells, double threshold, double bias, const Coding& coding) {
  const double furthest = std::max(1., threshold / coding.bias_times);
  const double low = bias - furthest, high = bias + furthest;
  for (int i = 0; i < 3; ++i) {
    const Fit now = fit(cells, threshold, bias, coding);
    if (now.sensitive == 0) break;
    bias = std::clamp(std::floor(bias - now.error / now.sensitive + 0.5), low, high);
  }
  return bias;
}

}  // namespace

SumHistogram::SumHistogram(std::span<const std::int64_t> low, std::span<const std::int64_t> high)
    : bins_(low.size() * kBins), greatest_(low.size(), std::numeric_limits<std::int64_t>::min()) {
  for (std::size_t c = 0; c < low.size(); ++c) {
    SYN_ASSERT(low[c] <= high[c], low[c], high[c]);
    int shift = 0;
    while ((high[c] - low[c]) >> shift >= static_cast<std::int64_t>(kBins)) ++shift;
    ranges_.push_back({low[c], high[c], shift});
  }
}

std::int64_t SumHistogram::fixed(double target) {
  constexpr double kGreatest = double{std::int64_t{1} << 40};
  return static_cast<std::int64_t>(std::floor(std::clamp(target * kTargetScale, -kGreatest, kGreatest) + 0.5));
}

void SumHistogram::merge(const SumHistogram& other) {
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    bins_[i].n += other.bins_[i].n;
    bins_[i].sum += other.bins_[i].sum;
    bins_[i].target += other.bins_[i].target;
  }
  for (std::size_t c = 0; c < greatest_.size(); ++c) greatest_[c] = std::max(greatest_[c], other.greatest_[c]);
}

std::int32_t most_threshold(double highest, double unit, const Coding& coding) {
  const double units = std::floor(highest * coding.value_divisor / (coding.levels * unit) + 0.5);
  return static_cast<std::int32_t>(std::clamp(units, 1., double{1 << 30}));
}

std::optional<ChannelChoice> choose(const SumHistogram& histogram, std::size_t channel, std::int32_t bias,
                                    std::int32_t most, const Coding& coding, const ConvertOptions& options) {
  const double top = static_cast<double>(histogram.greatest(channel)) + bias * coding.bias_times;
  if (!(top > 0)) return {};
  const std::vector<Cell> cells = cells_of(histogram, channel);
  const double highest = std::clamp(std::floor(top / coding.levels + 0.5), 1., static_cast<double>(most));
  const auto limited = [](double v) {
    return static_cast<std::int32_t>(std::clamp(v, -double{1 << 30}, double{1 << 30}));
  };
  if (options.ceiling == Ceiling::greatest) {
    const double b = options.bias_correction ? matched_bias(cells, highest, bias, coding) : bias;
    return ChannelChoice{limited(highest), limited(b)};
  }

  double best_square = std::numeric_limits<double>::infinity(), best_threshold = highest, best_bias = bias;
  const auto attempt = [&](double threshold) {
    threshold = std::clamp(std::floor(threshold + 0.5), 1., highest);
    const double b = options.bias_correction ? matched_bias(cells, threshold, bias, coding) : bias;
    const Fit now = fit(cells, threshold, b, coding);
    if (now.square < best_square) {
      best_square = now.square;
      best_threshold = threshold;
      best_bias = b;
    }
  };
  constexpr int kCoarse = 40;
  for (int i = kCoarse; i >= 4; --i) attempt(highest * i / kCoarse);
  const double around = best_threshold;
  for (int i = -4; i <= 4; ++i) {
    if (i != 0) attempt(around + highest * i / (kCoarse * 5));
  }
  return ChannelChoice{limited(best_threshold), limited(best_bias)};
}

ChoiceErrors errors_of(const SumHistogram& histogram, std::size_t channel, const ChannelChoice& choice,
                       const Coding& coding) {
  ChoiceErrors out;
  const double threshold = choice.threshold, half = std::floor(threshold / 2), value = threshold / coding.value_divisor;
  const double top = threshold * coding.levels;
  double clipped = 0;
  for (const Cell& cell : cells_of(histogram, channel)) {
    const double sum = cell.sum + choice.bias * coding.bias_times;
    const double v = count_at(sum, threshold, half, coding.levels) * value;
    const double ideal = std::max(0., sum) / coding.value_divisor;
    const double square = (v - ideal) * (v - ideal) * cell.n;
    out.n += cell.n;
    out.mean_error += cell.n * v - cell.target;
    out.signal_square += ideal * ideal * cell.n;
    if (sum > top + half) {
      clipped += cell.n;
      out.clipping_square += square;
    } else {
      out.rounding_square += square;
    }
  }
  if (out.n == 0) return out;
  out.clipped = clipped / out.n;
  out.mean_error /= out.n;
  out.clipping_square /= out.n;
  out.rounding_square /= out.n;
  out.signal_square /= out.n;
  return out;
}

void revive(std::span<ChannelChoice> choices, std::span<const std::uint8_t> dead, const Synapses& synapses,
            double highest, const Coding& coding) {
  std::vector<double> ceilings;
  for (std::size_t c = 0; c < choices.size(); ++c) {
    if (!dead[c]) ceilings.push_back(choices[c].threshold * synapses.unit[c]);
  }
  std::ranges::sort(ceilings);
  for (std::size_t c = 0; c < choices.size(); ++c) {
    if (!dead[c]) continue;
    const double ceiling = ceilings.empty() ? 127 * synapses.unit[c] : ceilings[ceilings.size() / 2];
    // A ceiling far above what the channel's few small weights can reach would only threaten the 32-bit sums.
    choices[c].threshold = std::min({threshold_for(ceiling, 1, synapses.unit[c]).value_or(kGreatestDead), kGreatestDead,
                                     most_threshold(highest, synapses.unit[c], coding)});
  }
}

void report_channels(const SumHistogram& histogram, const Synapses& synapses, std::span<const ChannelChoice> choices,
                     std::span<const std::uint8_t> dead, const Coding& coding, LayerReport& report) {
  double clipping = 0, rounding = 0, signal = 0, before = 0, after = 0;
  for (std::size_t c = 0; c < choices.size(); ++c) {
    const double unit = synapses.unit[c];
    const auto now = errors_of(histogram, c, choices[c], coding);
    const auto uncorrected = errors_of(histogram, c, {choices[c].threshold, synapses.bias[c]}, coding);
    report.channels.push_back({.ceiling = choices[c].threshold * unit * coding.levels / coding.value_divisor,
                               .clipped = now.clipped,
                               .clipping_error = unit * std::sqrt(now.clipping_square),
                               .rounding_error = unit * std::sqrt(now.rounding_square),
                               .bias_shift = unit * (choices[c].bias - synapses.bias[c]),
                               .mean_error_before = unit * uncorrected.mean_error,
                               .mean_error_after = unit * now.mean_error,
                               .dead = dead[c] != 0});
    report.dead += dead[c];
    clipping += unit * unit * now.clipping_square;
    rounding += unit * unit * now.rounding_square;
    signal += unit * unit * now.signal_square;
    before += unit * unit * uncorrected.mean_error * uncorrected.mean_error;
    after += unit * unit * now.mean_error * now.mean_error;
  }
  const auto n = static_cast<double>(choices.size());
  report.clipping_error = std::sqrt(clipping / n);
  report.rounding_error = std::sqrt(rounding / n);
  report.signal = std::sqrt(signal / n);
  report.mean_error_before = std::sqrt(before / n);
  report.mean_error_after = std::sqrt(after / n);
}

}  // namespace syn
