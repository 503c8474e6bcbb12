// Runs a model knowing nothing of the engine: one neuron at a time, in 64-bit numbers, straight from the comments of
// snn/model.hpp.
#pragma once

#include <algorithm>
#include <bit>

#include "core/random.hpp"
#include "snn/metrics.hpp"
#include "snn/model.hpp"

namespace syn::snn::testing {

struct Interpreted {
  std::vector<std::vector<std::vector<std::int64_t>>> counts;  // [row][population][neuron]
  std::vector<std::vector<std::vector<std::int32_t>>> membranes;  // the same, where potentials leak
  std::vector<std::int32_t> potentials;
  std::uint64_t checksum = 0, spikes = 0, events = 0;
};

inline std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

// The inputs of one target neuron: fn(count or cumulative count of a source neuron, weight), padding included.
template <class Fn>
void each_synapse(const Model& m, const Projection& p, const std::vector<std::int64_t>& source, std::uint32_t neuron,
                  Fn&& fn) {
  const Population &from = m.populations[p.from], &to = m.populations[p.to];
  const std::uint32_t channel = neuron % to.shape.channels, position = neuron / to.shape.channels;
  const std::int64_t oy = position / to.shape.width, ox = position % to.shape.width;
  const auto* pixels = std::get_if<Source>(&from.kind);
  if (const auto* dense = std::get_if<Dense>(&p.connection)) {
    for (std::size_t i = 0; i < source.size(); ++i) fn(source[i], dense->weights[i * to.shape.neurons() + neuron]);
    return;
  }
  if (const auto* one = std::get_if<OneToOne>(&p.connection)) {
    const std::int64_t c = std::int64_t{channel} - one->shift;
    if (c >= 0 && c < from.shape.channels)
      fn(source[position * from.shape.channels + static_cast<std::size_t>(c)],
         one->multiplier[static_cast<std::size_t>(c)]);
    return;
  }
  std::visit(
      [&](const auto& w) {
        using W = std::remove_cvref_t<decltype(w)>;
        if constexpr (!std::is_same_v<W, Dense> && !std::is_same_v<W, OneToOne>) {
          for (std::int64_t ky = 0; ky < w.kernel_height; ++ky)
            for (std::int64_t kx = 0; kx < w.kernel_width; ++kx) {
              std::int64_t dy = 1, dx = 1;
              if constexpr (!std::is_same_v<W, SumPool>) dy = w.dilation_y, dx = w.dilation_x;
              const std::int64_t iy = oy * w.stride_y - w.pad_top + ky * dy,
                                 ix = ox * w.stride_x - w.pad_left + kx * dx;
              const bool inside = iy >= 0 && iy < from.shape.height && ix >= 0 && ix < from.shape.width;
              const auto at = static_cast<std::size_t>((iy * from.shape.width + ix) * from.shape.channels);
              if constexpr (std::is_same_v<W, Depthwise>) {
                const std::int64_t c = std::int64_t{channel} - w.shift;
                if (c < 0 || c >= from.shape.channels) continue;
                const auto i = static_cast<std::size_t>(c);
                const std::int64_t border = pixels && !pixels->padding.empty() ? pixels->padding[i] : 0;
                const auto tap = static_cast<std::size_t>(ky * w.kernel_width + kx);
                fn(inside ? source[at + i] : border, w.weights[tap * from.shape.channels + i]);
              } else if constexpr (std::is_same_v<W, Conv>) {
                for (std::uint32_t c = 0; c < from.shape.channels; ++c) {
                  const std::int64_t border = pixels && !pixels->padding.empty() ? pixels->padding[c] : 0;
                  const auto tap = static_cast<std::size_t>((ky * w.kernel_width + kx) * from.shape.channels + c);
                  fn(inside ? source[at + c] : border, w.weights[tap * to.shape.channels + channel]);
                }
              } else if (inside) {
                std::int64_t weight = 1;
                if constexpr (std::is_same_v<W, SumPool>)
                  if (!w.multiplier.empty()) weight = w.multiplier[position];
                fn(source[at + channel], weight);
              }
            }
        }
      },
      p.connection);
}

inline std::int64_t leaked(std::int64_t x, std::int64_t keep) {
  return x < 0 ? -(-x * keep >> 15) : x * keep >> 15;
}

// One neuron with a membrane.
struct LeakyNeuron {
  std::int64_t v = 0, current = 0, adaptation = 0, held = 0;

  static std::int64_t of(const std::vector<std::int32_t>& values, const Population& p, std::uint32_t n) {
    return values[values.size() == p.shape.channels ? n % p.shape.channels : n];
  }
  void start(const Population& p, std::uint32_t n) {
    if (const Membrane& m = *membrane_of(p); !m.start.empty()) v = of(m.start, p, n);
  }
  // Its spikes.
  std::int64_t step(const Population& p, std::uint32_t n, std::int64_t sum) {
    const Membrane& m = *membrane_of(p);
    const auto* leaky = std::get_if<Leaky>(&p.kind);
    std::int64_t x = sum * (std::int64_t{1} << m.fraction) +
                     of(leaky ? leaky->bias : std::get<Readout>(p.kind).bias, p, n);
    if (!m.current_keep.empty()) {
      const std::int64_t before = current;
      current = leaked(current, of(m.current_keep, p, n)) + x;
      current = std::clamp<std::int64_t>(current, -m.current_limit, m.current_limit);
      x = m.reads_previous ? before : current;
    }
    const bool is_held = held > 0;
    if (!is_held) v = (m.keep.empty() ? v : leaked(v, of(m.keep, p, n))) + x;
    std::int64_t spikes = 0;
    if (leaky && !is_held) {
      const std::int64_t threshold = of(leaky->threshold, p, n) + adaptation;
      const std::int64_t reset = of(leaky->reset, p, n);
      if (leaky->rule == Reset::to_value) {
        if (v >= threshold) v = reset, spikes = 1;
      } else {
        while (v >= threshold && spikes < p.greatest) v -= reset + adaptation, ++spikes;
      }
    }
    if (leaky && leaky->refractory > 0) held = spikes > 0 ? leaky->refractory : is_held ? held - 1 : 0;
    if (leaky && !leaky->jump.empty()) {
      adaptation = leaked(adaptation, of(leaky->adaptation_keep, p, n)) + spikes * of(leaky->jump, p, n);
      adaptation = std::clamp<std::int64_t>(adaptation, -leaky->adaptation_limit, leaky->adaptation_limit);
    }
    v = std::clamp<std::int64_t>(v, -m.potential_limit, m.potential_limit);
    return spikes;
  }
};

// What a projection reads in step t, in which `now` has been made so far.
inline std::vector<std::int64_t> read_by(const Model& m, const Projection& p, std::uint32_t t,
                                         const std::vector<std::vector<std::vector<std::int64_t>>>& before,
                                         const std::vector<std::vector<std::int64_t>>& now) {
  if (p.delay == 0) return now[p.from];
  if (t >= p.delay) return before[t - p.delay][p.from];
  std::vector<std::int64_t> nothing(m.populations[p.from].shape.neurons());
  if (const auto* source = std::get_if<Source>(&m.populations[p.from].kind); source && !source->padding.empty())
    for (std::size_t i = 0; i < nothing.size(); ++i) nothing[i] = source->padding[i % source->padding.size()];
  return nothing;
}

// `inputs[row]` for each Source in turn.
inline Interpreted interpret(const Model& m, const std::vector<std::vector<std::vector<Count>>>& inputs) {
  Interpreted result;
  std::vector<std::vector<std::int64_t>> v(m.populations.size()), cumulative(m.populations.size()),
      maxima(m.populations.size());
  std::vector<std::vector<LeakyNeuron>> leaky(m.populations.size());
  for (std::size_t i = 0; i < m.populations.size(); ++i) {
    const Population& p = m.populations[i];
    v[i].assign(p.shape.neurons(), 0);
    cumulative[i] = maxima[i] = v[i];
    if (membrane_of(p)) leaky[i].resize(p.shape.neurons());
    for (std::uint32_t n = 0; n < leaky[i].size(); ++n) leaky[i][n].start(p, n);
    if (const auto* fire = std::get_if<IntegrateAndFire>(&p.kind))
      for (std::size_t n = 0; n < v[i].size(); ++n) v[i][n] = fire->threshold[n % p.shape.channels] >> 1;
  }
  for (std::uint32_t t = 0; t < m.rows(); ++t) {
    std::vector<std::vector<std::int64_t>> counts(m.populations.size());
    std::size_t source = 0;
    for (std::size_t i = 0; i < m.populations.size(); ++i) {
      const Population& p = m.populations[i];
      counts[i].assign(p.shape.neurons(), 0);
      if (std::holds_alternative<Source>(p.kind)) {
        counts[i].assign(inputs[t][source].begin(), inputs[t][source].end());
        ++source;
      }
      std::vector<std::vector<std::int64_t>> reads(m.projections.size());
      for (std::size_t j = 0; j < reads.size(); ++j)
        if (m.projections[j].to == i) reads[j] = read_by(m, m.projections[j], t, result.counts, counts);
      for (std::uint32_t n = 0; n < p.shape.neurons() && !std::holds_alternative<Source>(p.kind); ++n) {
        std::int64_t sum = 0, maximum = 0, cumulative_maximum = 0;
        for (const Projection& projection : m.projections) {
          if (projection.to != i) continue;
          each_synapse(m, projection, reads[&projection - m.projections.data()], n,
                       [&](std::int64_t c, std::int64_t w) { sum += c * w, maximum = std::max(maximum, c); });
          each_synapse(m, projection, cumulative[projection.from], n,
                       [&](std::int64_t c, std::int64_t) { cumulative_maximum = std::max(cumulative_maximum, c); });
          if (std::holds_alternative<MaxPool>(projection.connection))
            sum = m.code != Code::step ? maximum : cumulative_maximum - maxima[i][n];
        }
        const std::uint32_t channel = n % p.shape.channels;
        if (const auto* fire = std::get_if<IntegrateAndFire>(&p.kind)) {
          const std::int64_t theta = fire->threshold[channel];
          sum += fire->bias[fire->bias.size() == p.shape.channels ? channel : n];
          if (m.code != Code::step) {
            counts[i][n] = std::clamp<std::int64_t>(floor_divide(sum + (theta >> 1), theta), 0, m.levels());
          } else {
            v[i][n] += sum;
            if (v[i][n] >= theta) v[i][n] -= theta, counts[i][n] = 1;
            v[i][n] = std::clamp<std::int64_t>(v[i][n], fire->v_min, fire->v_max);
          }
          const auto count = static_cast<std::uint64_t>(counts[i][n]);
          result.spikes += m.code == Code::phase ? static_cast<std::uint64_t>(std::popcount(count)) : count;
          result.events += counts[i][n] != 0;
        } else if (std::holds_alternative<Leaky>(p.kind)) {
          counts[i][n] = leaky[i][n].step(p, n, sum);
          result.spikes += static_cast<std::uint64_t>(counts[i][n]);
          result.events += counts[i][n] != 0;
        } else if (membrane_of(p)) {
          leaky[i][n].step(p, n, sum);
          if (t + 1 == m.rows()) result.potentials.push_back(static_cast<std::int32_t>(leaky[i][n].v));
          continue;
        } else if (const auto* readout = std::get_if<Readout>(&p.kind)) {
          v[i][n] += sum + readout->bias[channel];
          if (t + 1 == m.rows()) result.potentials.push_back(static_cast<std::int32_t>(v[i][n]));
          continue;
        } else {
          counts[i][n] = sum;
          maxima[i][n] = cumulative_maximum;  // read only where the source is max-pooled
        }
        result.checksum += static_cast<std::uint64_t>(counts[i][n]) * count_key(hash64(p.name), n) * (2 * t + 1);
      }
      for (std::size_t n = 0; n < counts[i].size(); ++n) cumulative[i][n] += counts[i][n];
    }
    auto& now = result.membranes.emplace_back();
    for (const auto& neurons : leaky) {
      now.emplace_back();
      for (const LeakyNeuron& neuron : neurons) now.back().push_back(static_cast<std::int32_t>(neuron.v));
    }
    result.counts.push_back(std::move(counts));
  }
  return result;
}

}  // namespace syn::snn::testing
