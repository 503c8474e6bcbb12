#include "conversion/integer_rules.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace syn {
namespace {

constexpr double kLimit = double{1 << 30};
constexpr double kGreatestWeight = 127;
constexpr double kIdentity = double{1 << 16};       // the multiplier where nothing else sets the unit
constexpr double kGreatestReach = double{1 << 28};  // of an identity's sum: thresholds and weights need room below 2^31

double round_half_up(double x) {
  return std::floor(x + 0.5);
}

}  // namespace

void widen(std::span<double> greatest, std::span<const double> folded) {
  const std::size_t outputs = greatest.size();
  for (std::size_t i = 0; i < folded.size(); ++i) {
    double& most = greatest[i % outputs];
    most = std::max(most, std::abs(folded[i]));
  }
}

std::vector<double> units_of(std::span<const double> greatest, std::span<const Identity> identities,
                             std::span<const double> bias, bool one_unit) {
  std::vector<double> unit(greatest.size());
  for (std::size_t o = 0; o < unit.size(); ++o) {
    const Identity& identity = identities[o];
    unit[o] = greatest[o] > 0 ? greatest[o] / kGreatestWeight : identity.amplitude / kIdentity;
    unit[o] = std::max({unit[o], identity.amplitude / (snn::kGreatestMultiplier / 2), identity.reach / kGreatestReach});
  }
  if (one_unit) std::ranges::fill(unit, *std::ranges::max_element(unit));
  for (std::size_t o = 0; o < unit.size(); ++o) {
    if (unit[o] == 0) unit[o] = (bias[o] != 0 ? std::abs(bias[o]) : 1) / kGreatestWeight;
  }
  return unit;
}

std::vector<std::int8_t> quantise_weights(std::span<const double> folded, std::span<const double> unit) {
  std::vector<std::int8_t> out(folded.size());
  for (std::size_t i = 0; i < folded.size(); ++i) {
    const double w = round_half_up(folded[i] / unit[i % unit.size()]);
    out[i] = static_cast<std::int8_t>(std::clamp(w, -kGreatestWeight, kGreatestWeight));
  }
  return out;
}

std::optional<std::int32_t> quantise_bias(double bias, double unit) {
  const double units = round_half_up(bias / unit);
  if (!(std::abs(units) <= kLimit)) return {};
  return static_cast<std::int32_t>(units);
}

std::optional<std::int32_t> threshold_for(double ceiling, std::uint32_t levels, double unit) {
  const double units = std::max(1., round_half_up(ceiling / (levels * unit)));
  if (!(units <= kLimit)) return {};
  return static_cast<std::int32_t>(units);
}

std::optional<PoolSums> pool_sums(const ann::AveragePool& pool, const snn::Shape& from, const snn::Shape& to) {
  const ann::Geometry& g = pool.geometry;
  // Cells of one axis: those over the source, and those that ONNX divides by.
  const auto cells = [&](int axis, std::uint32_t at, std::uint32_t size) {
    const std::int64_t begin = std::int64_t{at} * g.stride[axis] - g.pad_begin[axis], end = begin + g.kernel[axis];
    const std::int64_t inside = std::min<std::int64_t>(end, size) - std::max<std::int64_t>(begin, 0);
    return std::pair{inside,
                     pool.count_include_pad ? std::min<std::int64_t>(end, size + g.pad_end[axis]) - begin : inside};
  };
  std::vector<std::int64_t> divisors;
  PoolSums out;
  std::int64_t lcm = 1;
  for (int pass = 0; pass < 2; ++pass) {
    for (std::uint32_t y = 0; y < to.height; ++y) {
      for (std::uint32_t x = 0; x < to.width; ++x) {
        const auto [rows, rows_divisor] = cells(0, y, from.height);
        const auto [columns, columns_divisor] = cells(1, x, from.width);
        if (rows < 1 || columns < 1) return {};
        const std::int64_t divisor = rows_divisor * columns_divisor;
        if (pass == 0) {
          lcm = std::lcm(lcm, divisor);
          if (lcm > std::int64_t{1} << 40) return {};
          divisors.push_back(divisor);
        } else {
          out.greatest = std::max(out.greatest, static_cast<std::uint64_t>(rows * columns * (lcm / divisor)));
        }
      }
    }
  }
  if (lcm > std::int64_t{1} << 31) return {};
  out.lcm = static_cast<std::uint32_t>(lcm);
  if (std::ranges::any_of(divisors, [&](std::int64_t d) { return d != lcm; })) {
    for (const std::int64_t d : divisors) {
      if (lcm / d > 65535) return {};
      out.multiplier.push_back(static_cast<std::uint16_t>(lcm / d));
    }
  }
  return out;
}

}  // namespace syn
