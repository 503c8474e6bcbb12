// In order: a unit for every channel; integer weights; sums that are possible; bits of fraction; everything that counts
// in the potential's unit; bounds.
#include "conversion/fixed/quantise.hpp"

#include <algorithm>
#include <cmath>

#include "core/text.hpp"

namespace syn::fixed {
namespace {

constexpr double kWeightSteps = 127;
// Multipliers of one-to-one joins have 17 bits where nothing else reaches the channel.
constexpr double kMultiplierSteps = 1 << 16;
// Leaks truncate less than one unit a step; all together they shall lose less than this share of a threshold.
constexpr double kTruncation = 1.0 / 4096;
constexpr double kLimit = 2147483647.0;
constexpr double kRoom = 1 << 29;  // for what a step adds, thresholds and resets
constexpr double kLargest = 1 << 30;

// What lies within rounding of doubles of a whole number is that number.
double snapped(double x) {
  const double whole = std::round(x);
  return std::abs(x - whole) <= 1e-9 * std::max(1.0, std::abs(x)) ? whole : x;
}

// Steps over which an error adds up.
double horizon(double keep, std::uint32_t steps) {
  return keep >= 1 ? steps : std::min<double>(steps, 1 / (1 - keep));
}

class Quantiser {
 public:
  Quantiser(const Rule& rule, const Side& side, std::span<const Wire> wires, std::span<const SourceFacts> sources,
            const std::vector<double>& bias, const QuantiseOptions& options)
      : rule_(rule),
        side_(side),
        wires_(wires),
        sources_(sources),
        bias_(bias),
        options_(options),
        channels_(side.shape.channels),
        neurons_(side.place.size()) {}

  std::expected<Quantised, std::string> operator()() {
    choose_units();
    make_connections();
    choose_fraction();
    if (auto trouble = make_kind(); !trouble.empty()) return std::unexpected(std::move(trouble));
    make_bounds();
    return std::move(out_);
  }

 private:
  std::size_t channel_of(std::size_t neuron) const { return neuron / side_.shape.positions(); }  // by float index
  static bool joins(const Wire& wire) { return std::holds_alternative<snn::OneToOne>(wire.connection); }
  // The target channel of weight i; connections with one source channel a target channel have no shift here.
  std::size_t target_of(std::size_t i) const { return i % channels_; }

  void choose_units() {
    std::vector<double> weighted(channels_), joined(channels_), sizes(channels_);
    for (const Wire& wire : wires_) {
      auto& greatest = joins(wire) ? joined : weighted;
      for (std::size_t i = 0; i < wire.weights.size(); ++i)
        greatest[target_of(i)] = std::max(greatest[target_of(i)], std::abs(wire.weights[i]));
    }
    for (std::size_t n = 0; n < neurons_; ++n) {
      double& size = sizes[channel_of(n)];
      size = std::max(size, std::abs(bias_[n]));
      if (rule_.fires) size = std::max({size, std::abs(rule_.threshold[n]), std::abs(rule_.reset[n])});
    }
    for (std::size_t c = 0; c < channels_; ++c) {
      double unit = weighted[c] > 0 ? weighted[c] / kWeightSteps : joined[c] / kMultiplierSteps;
      unit = std::max({unit, joined[c] / snn::kGreatestMultiplier, sizes[c] / (1 << 26)});
      unit_.push_back(unit > 0 ? unit : 1);
    }
    // Classes are compared with each other.
    if (!rule_.fires) unit_.assign(channels_, *std::ranges::max_element(unit_));
  }

  void make_connections() {
    positive_.assign(channels_, 0), negative_.assign(channels_, 0);
    high_.assign(channels_, 0), low_.assign(channels_, 0), zero_.assign(channels_, 0), sum_.assign(channels_, 0);
    for (std::size_t w = 0; w < wires_.size(); ++w) {
      const Wire& wire = wires_[w];
      const SourceFacts& source = sources_[w];
      std::vector<std::int32_t> integers(wire.weights.size());
      for (std::size_t i = 0; i < integers.size(); ++i) {
        const std::size_t c = target_of(i);
        const double exact = wire.weights[i] / unit_[c], whole = std::floor(snapped(exact) + 0.5);
        const double most = joins(wire) ? snn::kGreatestMultiplier : kWeightSteps;
        integers[i] = static_cast<std::int32_t>(std::clamp(whole, -most, most));
        const double error = integers[i] * unit_[c] - wire.weights[i];
        const auto up = static_cast<double>(source.up), down = static_cast<double>(source.down);
        high_[c] += std::max(error * up, -error * down) + std::abs(wire.weights[i]) * source.half;
        low_[c] += std::max(-error * up, error * down) + std::abs(wire.weights[i]) * source.half;
        sum_[c] += std::abs(wire.weights[i]) * std::max(up, down);
        const std::int64_t product = std::int64_t{integers[i]} * source.greatest;
        (product > 0 ? positive_[c] : negative_[c]) += static_cast<double>(std::abs(product));
        zero_[c] += static_cast<double>(integers[i] * source.zero);
      }
      out_.connections.push_back(with(wire.connection, integers));
    }
  }
  static snn::Connection with(const snn::Connection& geometry, const std::vector<std::int32_t>& integers) {
    snn::Connection out = geometry;
    std::visit(
        [&](auto& c) {
          if constexpr (requires { c.weights; }) {
            for (const std::int32_t w : integers) c.weights.push_back(static_cast<std::int8_t>(w));
          } else if constexpr (requires { c.shift; }) {
            c.multiplier = integers;
          }
        },
        out);
    return out;
  }

  // In units of 2^-fraction of the channel's: what a step adds at most.
  double added(std::size_t neuron, double scale) const {
    const std::size_t c = channel_of(neuron);
    return std::max(positive_[c], negative_[c]) * scale + std::abs(bias_[neuron] / unit_[c] - zero_[c]) * scale + 1;
  }

  // The least fraction that keeps truncation below its share; or, where that does not fit, the most that does.
  void choose_fraction() {
    unsigned wanted = 0;
    for (std::size_t n = 0; n < neurons_; ++n) {
      double lost = rule_.keep[n] < 1 ? horizon(rule_.keep[n], options_.steps) : 1;
      if (current()) lost += horizon(rule_.current_keep[n], options_.steps) * horizon(rule_.keep[n], options_.steps);
      const double size = rule_.fires ? std::abs(rule_.threshold[n]) / unit_[channel_of(n)] : kWeightSteps;
      while (wanted < snn::kGreatestFraction && lost > kTruncation * size * (1u << wanted)) ++wanted;
    }
    while (wanted > 0 && !fits(wanted)) --wanted;
    fraction_ = wanted;
    scale_ = 1u << wanted;
  }
  bool fits(unsigned fraction) const {
    const double scale = 1u << fraction;
    for (std::size_t n = 0; n < neurons_; ++n) {
      const double unit = unit_[channel_of(n)] / scale;
      double reach = added(n, scale);
      if (reach > kRoom) return false;
      if (current() && (reach *= horizon(rule_.current_keep[n], options_.steps)) > kRoom) return false;
      if (reach * horizon(rule_.keep[n], options_.steps) > kRoom) return false;
      if (std::abs(rule_.start[n]) / unit > kRoom) return false;
      if (!rule_.fires) continue;
      if (std::max(std::abs(rule_.threshold[n]), std::abs(rule_.reset[n])) / unit > kRoom) return false;
      if (adapts() &&
          std::abs(rule_.jump[n]) * most() * horizon(rule_.adaptation_keep[n], options_.steps) / unit > kRoom / 2)
        return false;
    }
    return true;
  }

  bool current() const { return !rule_.current_keep.empty(); }
  bool adapts() const { return !rule_.jump.empty(); }
  double most() const { return std::min(rule_.most, options_.most_spikes); }
  double unit(std::size_t n) const { return unit_[channel_of(n)] / scale_; }

  // By channel where all neurons of one have the same, else by neuron.
  std::vector<std::int32_t> laid_out(const std::vector<double>& by_float_index) const {
    const std::size_t positions = side_.shape.positions();
    bool alike = true;
    for (std::size_t n = 0; n < neurons_ && alike; ++n)
      alike = by_float_index[n] == by_float_index[n / positions * positions];
    std::vector<std::int32_t> out(alike ? channels_ : neurons_);
    for (std::size_t n = 0; n < neurons_; ++n)
      out[alike ? channel_of(n) : side_.place[n]] = static_cast<std::int32_t>(by_float_index[n]);
    return out;
  }
  std::vector<double> each(auto&& f) const {
    std::vector<double> out(neurons_);
    for (std::size_t n = 0; n < neurons_; ++n) out[n] = f(n);
    return out;
  }
  static double rounded(double x) { return std::floor(snapped(x) + 0.5); }
  std::vector<double> in_units(const std::vector<double>& values) const {
    return each([&](std::size_t n) { return rounded(values[n] / unit(n)); });
  }
  static std::vector<double> of_32768(const std::vector<double>& keep) {
    std::vector<double> out;
    for (const double a : keep) out.push_back(std::clamp(rounded(a * snn::kKeepAll), 0.0, double{snn::kKeepAll}));
    return out;
  }
  static bool beyond(const std::vector<double>& values, double most) {
    return std::ranges::any_of(values, [&](double v) { return std::abs(v) > most; });
  }

  std::string make_kind() {
    snn::Membrane membrane{.fraction = fraction_};
    keep_ = of_32768(rule_.keep), current_keep_ = of_32768(rule_.current_keep);
    if (std::ranges::any_of(keep_, [](double k) { return k != snn::kKeepAll; })) membrane.keep = laid_out(keep_);
    if (current()) membrane.current_keep = laid_out(current_keep_);
    membrane.reads_previous = rule_.reads_previous;
    double step = 0, current_reach = 0, reach = 0;
    for (std::size_t n = 0; n < neurons_; ++n) {
      const double of_one = added(n, scale_);
      step = std::max(step, of_one);
      const double of_current = current() ? of_one * horizon(current_keep_[n] / snn::kKeepAll, options_.steps) : of_one;
      current_reach = std::max(current_reach, of_current);
      reach = std::max(reach, of_current * horizon(keep_[n] / snn::kKeepAll, options_.steps));
    }
    // As wide as 32 bits allow: float has no limits.
    const double room = std::min(kLargest, kLimit - step);
    if (room < 1) return text::cat("its sums can reach ", step, ", beyond 32 bits");
    membrane.potential_limit = static_cast<std::int32_t>(room);
    if (current()) {
      membrane.current_limit = static_cast<std::int32_t>(room);
      membrane.potential_limit = static_cast<std::int32_t>(std::min(kLargest, kLimit - room));
    }
    out_.place.limits_bind = reach > membrane.potential_limit || (current() && current_reach > membrane.current_limit);
    const auto start = in_units(rule_.start);
    if (beyond(start, membrane.potential_limit)) return "its initial potential is beyond 32 bits";
    if (beyond(start, 0)) membrane.start = laid_out(start);
    const auto bias = each([&](std::size_t n) { return rounded(bias_[n] / unit(n)) - zero_[channel_of(n)] * scale_; });
    if (beyond(bias, kLargest)) return "its bias is beyond 32 bits";
    if (!rule_.fires) {
      out_.kind = snn::Readout{.bias = laid_out(bias), .scale = unit(0), .membrane = membrane};
      return {};
    }
    const auto threshold = each([&](std::size_t n) {
      const double x = snapped(rule_.threshold[n] / unit(n));
      return rule_.greater ? std::floor(x) + 1 : std::ceil(x);
    });
    const auto reset = in_units(rule_.reset);
    if (beyond(threshold, kLargest) || beyond(reset, rule_.subtracts ? kLargest : membrane.potential_limit))
      return "its threshold or reset is beyond 32 bits";
    if (rule_.subtracts && std::ranges::any_of(reset, [](double r) { return r < 1; }))
      return "its threshold is below the smallest step of its weights";
    snn::Leaky leaky{
        .membrane = membrane, .bias = laid_out(bias), .threshold = laid_out(threshold), .reset = laid_out(reset)};
    leaky.rule = rule_.subtracts ? snn::Reset::subtract : snn::Reset::to_value;
    leaky.refractory = static_cast<std::int32_t>(rule_.refractory);
    out_.greatest = static_cast<std::uint32_t>(most());
    if (adapts()) {
      const auto jump = in_units(rule_.jump);
      if (beyond(jump, kLargest / most())) return "its adaptation is beyond 32 bits";
      leaky.adaptation_keep = laid_out(of_32768(rule_.adaptation_keep));
      leaky.jump = laid_out(jump);
      leaky.adaptation_limit = 1 << 29;
    }
    out_.kind = std::move(leaky);
    return {};
  }

  void make_bounds() {
    Place& place = out_.place;
    place.neuron = side_.place;
    place.records_peaks = rule_.peaks;
    place.rest = rule_.rest;
    for (std::size_t n = 0; n < neurons_; ++n) {
      const std::size_t c = channel_of(n);
      const double q = unit(n);
      double error = std::max(high_[c], low_[c]) + q / 2;  // of what a step adds: weights, inputs, bias
      double size = sum_[c] + std::abs(bias_[n]);          // of what it adds itself
      // Where a potential may begin, or begin again.
      const double from = std::abs(rule_.start[n]) + (rule_.fires && !rule_.subtracts ? std::abs(rule_.reset[n]) : 0);
      const auto through = [&](double keep, double integer_keep) {  // a leak, exact and in integers
        const double longest = horizon(std::max(keep, integer_keep / snn::kKeepAll), options_.steps);
        size *= longest;
        const double rounding = std::abs(keep - integer_keep / snn::kKeepAll) * (size + from);
        error = longest * (error + rounding + (integer_keep < snn::kKeepAll ? q : 0));
      };
      if (current()) through(rule_.current_keep[n], current_keep_[n]);
      const double longest = horizon(std::max(rule_.keep[n], keep_[n] / snn::kKeepAll), options_.steps);
      through(rule_.keep[n], keep_[n]);
      error += q / 2;  // of the initial potential, or of a value that it was reset to
      if (rule_.subtracts) error += longest * most() * q / 2;
      if (adapts() && rule_.subtracts) {  // what is subtracted adapts, and rounds as it does
        const double keep = rule_.adaptation_keep[n];
        const double slow = horizon(keep, options_.steps);
        const double rounding = std::abs(keep - rounded(keep * snn::kKeepAll) / snn::kKeepAll);
        error += longest * most() * slow * (most() * q / 2 + q + rounding * slow * most() * std::abs(rule_.jump[n]));
      }
      place.unit.push_back(q);
      place.bound.push_back(error);
      if (rule_.fires) place.threshold.push_back(rule_.threshold[n] + rule_.rest[n]);
    }
  }

  const Rule& rule_;
  const Side& side_;
  std::span<const Wire> wires_;
  std::span<const SourceFacts> sources_;
  const std::vector<double>& bias_;
  QuantiseOptions options_;
  std::size_t channels_, neurons_;
  Quantised out_;
  std::vector<double> unit_;                 // of weights, a channel
  std::vector<double> positive_, negative_;  // the greatest integer sums of each sign, a channel
  std::vector<double> high_, low_, sum_;     // errors of sums either way, and sums, in float's unit
  std::vector<double> zero_;                 // what counts that mean 0 add, in the weight's unit
  std::vector<double> keep_, current_keep_;  // of 32768, by float index
  unsigned fraction_ = 0;
  double scale_ = 1;
};

}  // namespace

std::expected<Quantised, std::string> quantise(const Rule& rule, const Side& side, std::span<const Wire> wires,
                                               std::span<const SourceFacts> sources, const std::vector<double>& bias,
                                               const QuantiseOptions& options) {
  return Quantiser(rule, side, wires, sources, bias, options)();
}

}  // namespace syn::fixed
