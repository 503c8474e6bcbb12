#include "conversion/layer_rounding.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "conversion/integer_rules.hpp"
#include "conversion/parallel.hpp"

namespace syn {
namespace {

using Kind = RealProjection::Kind;

// Units that are tried for a channel, from the one that its greatest weight asks for down to half of it. Where few
// inputs vary independently, as neighbouring pixels do, one of many units fits all of them well.
constexpr std::size_t kUnits = 40;

// The weights of a projection that reach one channel, and which of its moments are theirs. None: it does not.
struct Column {
  std::size_t first, stride, moments;
};
std::optional<Column> column(const RealProjection& real, std::size_t o, std::size_t outputs) {
  if (real.kind == Kind::identity) return {};
  if (real.kind != Kind::depthwise) return Column{o, outputs, 0};
  const std::size_t channels = real.value.size() / real.taps();
  if (o < real.first || o >= real.first + channels) return {};
  return Column{o - real.first, channels, o - real.first};
}
std::vector<double> weights_of(const RealProjection& real, const Column& at) {
  std::vector<double> out;
  for (std::size_t i = at.first; i < real.value.size(); i += at.stride) out.push_back(real.value[i]);
  return out;
}

}  // namespace

std::vector<std::vector<Moments>> learn(std::span<RealProjection> projections, std::span<double> bias,
                                        const Rounding& rounding) {
  std::vector<std::vector<Moments>> out(projections.size());
  for (std::size_t i = 0; i < projections.size() && rounding.sample; ++i) {
    RealProjection& real = projections[i];
    if (real.kind == Kind::identity) continue;
    const Patches patches = rounding.sample(real.from, real.connection());
    if (patches.samples() == 0) continue;
    const std::size_t groups = real.kind == Kind::depthwise ? real.value.size() / real.taps() : 1;
    for (std::size_t c = 0; c < groups; ++c) out[i].emplace_back(patches, c, groups, rounding.threads);
    if (!rounding.refit) continue;
    parallel_blocks(bias.size(), 1, rounding.threads, [&](std::size_t, std::size_t o, std::size_t) {
      const auto at = column(real, o, bias.size());
      if (!at) return;
      const Moments& moments = out[i][at->moments];
      std::vector<double> weights = weights_of(real, *at);
      for (std::size_t k = 0; k < weights.size(); ++k) bias[o] += weights[k] * moments.wanted_mean()[k];
      moments.refit(weights);
      for (std::size_t k = 0; k < weights.size(); ++k) {
        bias[o] -= weights[k] * moments.mean()[k];
        real.value[at->first + k * at->stride] = weights[k];
      }
    });
  }
  return out;
}

std::vector<std::vector<std::int8_t>> round_weights(std::span<const RealProjection> projections,
                                                    std::span<const std::vector<Moments>> moments,
                                                    std::span<double> unit, bool one_unit, std::span<double> bias,
                                                    const Rounding& rounding) {
  const std::size_t outputs = bias.size();
  std::vector<std::vector<std::int8_t>> out(projections.size());
  bool learnt = true;
  for (std::size_t i = 0; i < projections.size(); ++i) {
    out[i].resize(projections[i].value.size());
    learnt = learnt && (projections[i].kind == Kind::identity || !moments[i].empty());
  }
  // The squared error of channel o's sum, in network units; fills in its weights.
  const auto attempt = [&](std::size_t o, double u) {
    double square = 0;
    for (std::size_t i = 0; i < projections.size(); ++i) {
      const auto at = column(projections[i], o, outputs);
      if (!at) continue;
      const std::vector<double> exact = weights_of(projections[i], *at);
      std::vector<std::int8_t> now(exact.size());
      if (moments[i].empty()) {
        now = quantise_weights(exact, std::span(&u, 1));
      } else {
        square += u * u * moments[i][at->moments].round(exact, u, now);
      }
      for (std::size_t k = 0; k < now.size(); ++k) out[i][at->first + k * at->stride] = now[k];
    }
    return square;
  };
  const auto snapped = [&](std::size_t o, double u) {
    if (rounding.count_value.empty()) return u;
    const double times = std::floor(rounding.count_value[o] / u + 1e-6);
    return times >= 1 ? rounding.count_value[o] / times : u;
  };
  std::vector<double> shares{1};
  while (learnt && shares.size() < kUnits) shares.push_back(1 - 0.5 * static_cast<double>(shares.size()) / kUnits);
  std::vector<double> squares(outputs * shares.size());
  parallel_blocks(outputs, 1, rounding.threads, [&](std::size_t, std::size_t o, std::size_t) {
    for (std::size_t k = 0; k < shares.size(); ++k)
      squares[k * outputs + o] = attempt(o, snapped(o, unit[o] * shares[k]));
  });
  for (std::size_t o = 0; o < outputs; ++o) {
    std::size_t best = 0;
    const auto total = [&](std::size_t k) {
      const double* first = squares.data() + k * outputs;
      return one_unit ? std::accumulate(first, first + outputs, 0.) : first[o];
    };
    for (std::size_t k = 1; k < shares.size(); ++k) best = total(k) < total(best) ? k : best;
    unit[o] = snapped(o, unit[o] * shares[best]);
  }
  parallel_blocks(outputs, 1, rounding.threads, [&](std::size_t, std::size_t o, std::size_t) {
    attempt(o, unit[o]);
    for (std::size_t i = 0; i < projections.size(); ++i) {
      const auto at = column(projections[i], o, outputs);
      if (!at || moments[i].empty()) continue;
      const std::span<const double> mean = moments[i][at->moments].mean();
      for (std::size_t k = 0; k < mean.size(); ++k) {
        const std::size_t w = at->first + k * at->stride;
        bias[o] += (projections[i].value[w] - out[i][w] * unit[o]) * mean[k];
      }
    }
  });
  return out;
}

}  // namespace syn
