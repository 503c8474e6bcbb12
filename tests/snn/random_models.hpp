// Random legal models of every kind, and an interpreter that knows nothing of the engine: one neuron at a time, in
// 64-bit numbers, straight from the comments of snn/model.hpp.
#pragma once

#include "core/random.hpp"
#include "snn/engine.hpp"
#include "snn/metrics.hpp"
#include "snn/model.hpp"

namespace syn::snn::testing {

struct RandomOptions {
  Code code = Code::volley;
  std::uint32_t steps = 8;
  bool branches = true;  // several projections into one population
  bool pixel_padding = true;
  std::uint32_t density = 50;  // percent of non-zero inputs
};

inline std::uint32_t pick(Random& random, std::uint32_t low, std::uint32_t high) {
  return low + static_cast<std::uint32_t>(random.below(high - low + 1));
}
inline std::vector<std::int8_t> random_weights(Random& random, std::size_t n) {
  std::vector<std::int8_t> weights(n);
  for (auto& w : weights)
    w = random.below(4) == 0 ? std::int8_t{0} : static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
  return weights;
}

class ModelBuilder {
 public:
  ModelBuilder(Random& random, const RandomOptions& options) : random_(random), options_(options) {
    model_.name = "random";
    model_.code = options.code;
    model_.steps = options.steps;
  }
  Model take() { return std::move(model_); }

  std::uint32_t input(Shape shape) {
    Source source;
    for (std::uint32_t c = 0; c < shape.channels; ++c) {
      source.scale.push_back(1.0 + c);
      source.zero.push_back(0);
      if (options_.pixel_padding) source.padding.push_back(static_cast<Count>(random_.below(256)));
    }
    return add("input", shape, source, 255);
  }
  std::uint32_t neurons(Shape shape, std::int32_t scale) {
    IntegrateAndFire fire;
    for (std::uint32_t c = 0; c < shape.channels; ++c) {
      fire.threshold.push_back(static_cast<std::int32_t>(1 + random_.below(static_cast<std::uint64_t>(scale))));
      fire.bias.push_back(static_cast<std::int32_t>(random_.below(200)) - 100);
    }
    fire.v_min = -4 * scale;
    fire.v_max = 3 * scale;
    return add("if" + std::to_string(model_.populations.size()), shape, fire,
               options_.code == Code::volley ? options_.steps : 1);
  }
  std::uint32_t readout(std::uint32_t classes) {
    Readout readout;
    for (std::uint32_t c = 0; c < classes; ++c)
      readout.bias.push_back(static_cast<std::int32_t>(random_.below(1000)) - 500);
    readout.scale = 0.25;
    model_.outputs.push_back("readout");
    return add("readout", {1, 1, classes}, readout, 1);
  }
  std::uint32_t pooled(Shape shape, std::uint32_t greatest) {
    return add("pool" + std::to_string(model_.populations.size()), shape, Pooled{}, greatest);
  }
  void join(std::uint32_t from, std::uint32_t to, Connection connection) {
    model_.projections.push_back({from, to, std::move(connection)});
  }
  Shape shape(std::uint32_t p) const { return model_.populations[p].shape; }
  std::uint32_t greatest(std::uint32_t p) const { return model_.populations[p].greatest; }

  static std::uint32_t out_size(std::uint32_t in, std::uint32_t reach, std::uint32_t stride, std::uint32_t pads) {
    return (in + pads - reach) / stride + 1;
  }
  // A convolution of random geometry that fits `from`, and the shape it leads to.
  std::pair<Conv, Shape> conv(std::uint32_t from, std::uint32_t channels) {
    const Shape in = shape(from);
    Conv c;
    const auto axis = [&](std::uint32_t size, std::uint32_t& kernel, std::uint32_t& stride, std::uint32_t& dilation,
                          std::int32_t& pad) {
      kernel = pick(random_, 1, 3);
      stride = pick(random_, 1, 2);
      dilation = random_.below(4) == 0 ? 2 : 1;
      std::uint32_t reach = (kernel - 1) * dilation + 1;
      pad = static_cast<std::int32_t>(random_.below(reach));
      if (reach > size + 2 * static_cast<std::uint32_t>(pad)) kernel = reach = dilation = 1, pad = 0;
      return out_size(size, reach, stride, 2 * static_cast<std::uint32_t>(pad));
    };
    Shape out{1, 1, channels};
    out.height = axis(in.height, c.kernel_height, c.stride_y, c.dilation_y, c.pad_top);
    out.width = axis(in.width, c.kernel_width, c.stride_x, c.dilation_x, c.pad_left);
    // Keep the last kernel on the source: rules.hpp refuses those that read padding alone.
    while ((out.height - 1) * c.stride_y >= in.height + static_cast<std::uint32_t>(c.pad_top)) --out.height;
    while ((out.width - 1) * c.stride_x >= in.width + static_cast<std::uint32_t>(c.pad_left)) --out.width;
    c.weights = random_weights(random_, std::size_t{c.kernel_height} * c.kernel_width * in.channels * channels);
    return {c, out};
  }

 private:
  std::uint32_t add(std::string name, Shape shape, Kind kind, std::uint32_t greatest) {
    Population p;
    p.name = std::move(name);
    p.shape = shape;
    p.code = options_.code;
    p.kind = std::move(kind);
    p.greatest = greatest;
    p.amplitude.assign(shape.channels, 0.5);
    p.mean_count = 10;
    p.mean_events = 5;
    model_.populations.push_back(std::move(p));
    return static_cast<std::uint32_t>(model_.populations.size() - 1);
  }

  Random& random_;
  RandomOptions options_;
  Model model_;
};

// input -> convolutions, pooling, branches -> dense -> readout
inline Model random_model(Random& random, const RandomOptions& options) {
  ModelBuilder b(random, options);
  std::uint32_t at = b.input({pick(random, 3, 9), pick(random, 3, 9), pick(random, 1, 3)});
  const std::uint32_t layers = pick(random, 1, 4);
  for (std::uint32_t layer = 0; layer < layers; ++layer) {
    const Shape in = b.shape(at);
    const auto kind = random.below(4);
    if (kind == 0 && in.height >= 2 && in.width >= 2 && b.greatest(at) <= 1000) {
      const bool overlapping = random.below(2) == 0;
      const Shape out =
          overlapping ? Shape{in.height, in.width, in.channels} : Shape{in.height / 2, in.width / 2, in.channels};
      if (random.below(2) == 0) {
        SumPool pool{.kernel_height = 2, .kernel_width = 2, .stride_y = 2, .stride_x = 2, .multiplier = {}};
        if (overlapping)
          pool = {.kernel_height = 3, .kernel_width = 2, .stride_y = 1, .stride_x = 1, .pad_top = 1, .multiplier = {}};
        if (random.below(2) == 0)
          for (std::uint32_t i = 0; i < out.positions(); ++i)
            pool.multiplier.push_back(static_cast<std::uint16_t>(random.below(4)));
        const auto next = b.pooled(out, b.greatest(at) * 6 * (pool.multiplier.empty() ? 1 : 3));
        b.join(at, next, pool);
        at = next;
      } else {
        MaxPool pool{.kernel_height = 2, .kernel_width = 2, .stride_y = 2, .stride_x = 2};
        if (overlapping) pool = {.kernel_height = 3, .kernel_width = 2, .stride_y = 1, .stride_x = 1, .pad_top = 1};
        const auto next = b.pooled(out, b.greatest(at));
        b.join(at, next, pool);
        at = next;
      }
      continue;
    }
    const auto [conv, out] = b.conv(at, pick(random, 1, 40));
    const auto next = b.neurons(out, layer == 0 ? 20000 : 1500);
    b.join(at, next, conv);
    if (options.branches && random.below(2) == 0) {  // a second convolution of the same geometry
      Conv other = conv;
      other.weights = random_weights(random, conv.weights.size());
      b.join(at, next, other);
    }
    at = next;
  }
  if (random.below(2) == 0) {
    const auto hidden = b.neurons({1, 1, pick(random, 1, 70)}, 5000);
    b.join(at, hidden, Dense{random_weights(random, std::size_t{b.shape(at).neurons()} * b.shape(hidden).channels)});
    at = hidden;
  }
  const auto out = b.readout(pick(random, 2, 10));
  b.join(at, out, Dense{random_weights(random, std::size_t{b.shape(at).neurons()} * b.shape(out).channels)});
  return b.take();
}

inline std::vector<Count> random_counts(Random& random, std::size_t n, std::uint32_t greatest, std::uint32_t density) {
  std::vector<Count> counts(n);
  for (Count& c : counts)
    if (random.below(100) < density) c = static_cast<Count>(1 + random.below(greatest));
  return counts;
}

// ---- the interpreter ----------------------------------------------------------------------------------------------
struct Interpreted {
  std::vector<std::vector<std::vector<std::int64_t>>> counts;  // [row][population][neuron]
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
  std::visit(
      [&](const auto& w) {
        using W = std::remove_cvref_t<decltype(w)>;
        if constexpr (!std::is_same_v<W, Dense>) {
          for (std::int64_t ky = 0; ky < w.kernel_height; ++ky)
            for (std::int64_t kx = 0; kx < w.kernel_width; ++kx) {
              std::int64_t dy = 1, dx = 1;
              if constexpr (std::is_same_v<W, Conv>) dy = w.dilation_y, dx = w.dilation_x;
              const std::int64_t iy = oy * w.stride_y - w.pad_top + ky * dy,
                                 ix = ox * w.stride_x - w.pad_left + kx * dx;
              const bool inside = iy >= 0 && iy < from.shape.height && ix >= 0 && ix < from.shape.width;
              const auto at = static_cast<std::size_t>((iy * from.shape.width + ix) * from.shape.channels);
              if constexpr (std::is_same_v<W, Conv>) {
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

// `inputs[row]` for each Source in turn.
inline Interpreted interpret(const Model& m, const std::vector<std::vector<std::vector<Count>>>& inputs) {
  Interpreted result;
  std::vector<std::vector<std::int64_t>> v(m.populations.size()), cumulative(m.populations.size()),
      maxima(m.populations.size());
  for (std::size_t i = 0; i < m.populations.size(); ++i) {
    const Population& p = m.populations[i];
    v[i].assign(p.shape.neurons(), 0);
    cumulative[i] = maxima[i] = v[i];
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
      for (std::uint32_t n = 0; n < p.shape.neurons() && !std::holds_alternative<Source>(p.kind); ++n) {
        std::int64_t sum = 0, maximum = 0, cumulative_maximum = 0;
        for (const Projection& projection : m.projections) {
          if (projection.to != i) continue;
          each_synapse(m, projection, counts[projection.from], n,
                       [&](std::int64_t c, std::int64_t w) { sum += c * w, maximum = std::max(maximum, c); });
          each_synapse(m, projection, cumulative[projection.from], n,
                       [&](std::int64_t c, std::int64_t) { cumulative_maximum = std::max(cumulative_maximum, c); });
          if (std::holds_alternative<MaxPool>(projection.connection))
            sum = m.code == Code::volley ? maximum : cumulative_maximum - maxima[i][n];
        }
        const std::uint32_t channel = n % p.shape.channels;
        if (const auto* fire = std::get_if<IntegrateAndFire>(&p.kind)) {
          const std::int64_t theta = fire->threshold[channel];
          sum += fire->bias[channel];
          if (m.code == Code::volley) {
            counts[i][n] = std::clamp<std::int64_t>(floor_divide(sum + (theta >> 1), theta), 0, m.steps);
          } else {
            v[i][n] += sum;
            if (v[i][n] >= theta) v[i][n] -= theta, counts[i][n] = 1;
            v[i][n] = std::clamp<std::int64_t>(v[i][n], fire->v_min, fire->v_max);
          }
          result.spikes += static_cast<std::uint64_t>(counts[i][n]);
          result.events += counts[i][n] != 0;
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
    result.counts.push_back(std::move(counts));
  }
  return result;
}

}  // namespace syn::snn::testing
