// The float profile again, as plainly as it can be said: every neuron by itself, every weight of every input whether it
// is 0 or not, no events, no rings, no blocks. Written from docs/neurons.md, sharing only the model's own types and
// exp. Bits must agree with the engine's.
#pragma once

#include <algorithm>
#include <cmath>

#include "core/assert.hpp"
#include "snn/real/exponential.hpp"
#include "snn/real/model.hpp"

namespace syn::snn::real::testing {

inline double of(const Parameter& p, std::size_t i) {
  return p[p.size() == 1 ? 0 : i];
}

// One neuron between two steps.
struct Cell {
  double v = 0, second = 0, later = 0, held = 0;
};

struct Rates {
  double a, k;
};
inline Rates rates(double tau, double scale, const Parameter& gain, std::size_t i, Integration how, double dt) {
  Rates r{how == Integration::forward_euler ? 1 - dt / tau : exponential(-(dt / tau)), 0};
  if (how == Integration::forward_euler || how == Integration::unnormalised_exponential) r.k = dt / tau * scale;
  if (how == Integration::exponential_euler || how == Integration::exact) r.k = charged(dt / tau) * scale;
  if (!gain.empty()) r.k = of(gain, i);
  return r;
}
inline double leaked(double x, double in, Rates r, double rest, InputOrder order) {
  if (order == InputOrder::before_decay) return rest + r.a * (x + r.k * in - rest);
  return rest + r.a * (x - rest) + r.k * in;
}
inline double leaked(const Membrane& m, double v, double in, std::size_t i, double dt) {
  return leaked(v, in, rates(of(m.tau, i), of(m.r, i), m.gain, i, m.integration, dt), of(m.v_leak, i), m.order);
}

inline double spikes_of(double v, double threshold, const Firing& f) {
  if (f.comparison == Comparison::greater ? !(v > threshold) : !(v >= threshold)) return 0;
  if (f.most == 1) return 1;
  double n = f.comparison == Comparison::greater ? std::ceil(v / threshold) - 1 : std::floor(v / threshold);
  return std::min<double>(std::max(n, 1.0), f.most);
}

template <class Update>
double fires(Cell& c, const Firing& f, double threshold, std::size_t i, Update update) {
  const double reset_to = of(f.v_reset, i);
  const double held = c.held;
  const auto test = [&] { return held > 0 ? 0.0 : spikes_of(c.v, threshold, f); };
  const auto advance = [&] {
    if (!(held > 0)) c.v = update(c.v);
  };
  const auto reset = [&](double n) {
    if (f.reset == Reset::subtract) {
      c.v = c.v - n * threshold;
    } else if (n > 0) {
      c.v = reset_to;
    }
  };
  double n = 0;
  switch (f.order) {
    case Order::update_fire_reset:
      advance(), n = test(), reset(n);
      break;
    case Order::reset_update_fire:
      reset(c.later), advance(), n = c.later = test();
      break;
    case Order::update_reset_fire:
      advance(), reset(c.later), n = c.later = test();
      break;
    case Order::fire_update_reset:
      n = test(), advance(), reset(n);
      break;
    case Order::fire_reset_update:
      n = test(), reset(n), advance();
      break;
  }
  if (f.refractory > 0) c.held = n > 0 ? f.refractory : std::max(held - 1, 0.0);
  return n;
}

// Steps one neuron by its input and gives what it hands on.
struct CellStep {
  Cell& c;
  double in, dt;
  std::size_t i;

  double operator()(const Input&) const { return in; }
  double operator()(const Relay&) const { return in; }
  double operator()(const If& k) const {
    const double gain = k.gain.empty() ? of(k.r, i) * dt : of(k.gain, i);
    return fires(c, k.firing, of(k.firing.threshold, i), i, [&](double v) { return v + gain * in; });
  }
  double operator()(const Lif& k) const {
    const double threshold = of(k.firing.threshold, i);
    if (k.membrane.integration != Integration::exact)
      return fires(c, k.firing, threshold, i, [&](double v) { return leaked(k.membrane, v, in, i, dt); });
    // Piece by piece: `left` is the decay still to come in this step.
    const double a = exponential(-(dt / of(k.membrane.tau, i)));
    const double end = of(k.membrane.v_leak, i) + of(k.membrane.r, i) * in, reset = of(k.firing.v_reset, i);
    const auto above = [&](double v) {
      return k.firing.comparison == Comparison::greater ? v > threshold : v >= threshold;
    };
    double from = c.v, left = a, n = 0;
    c.v = end + left * (from - end);
    while (above(c.v) && n < k.firing.most && (n == 0 || reset < threshold)) {
      if (from < threshold) left = left / ((threshold - end) / (from - end));
      from = reset;
      c.v = end + left * (from - end);
      n += 1;
    }
    return n;
  }
  double operator()(const AdaptiveLif& k) const {
    const double threshold = of(k.firing.threshold, i) + of(k.adaptation, i) * c.second;
    const double n = fires(c, k.firing, threshold, i, [&](double v) { return leaked(k.membrane, v, in, i, dt); });
    c.second = exponential(-(dt / of(k.tau_adaptation, i))) * c.second + of(k.jump, i) * n;
    return n;
  }
  double current(const Synapse& s) const {
    const Rates r = rates(of(s.tau, i), of(s.w_in, i), s.gain, i, s.integration, dt);
    const double before = c.second;
    c.second = leaked(before, in, r, 0, s.order);
    return s.read == CurrentRead::previous ? before : s.read == CurrentRead::updated ? c.second : before + r.k * in;
  }
  double operator()(const CubaLif& k) const {
    const double seen = current(k.synapse);
    return fires(c, k.firing, of(k.firing.threshold, i), i,
                 [&](double v) { return leaked(k.membrane, v, seen, i, dt); });
  }
  double operator()(const CubaLi& k) const {
    const double seen = current(k.synapse);
    return c.v = leaked(k.membrane, c.v, seen, i, dt);
  }
  double operator()(const Li& k) const { return c.v = leaked(k.membrane, c.v, in, i, dt); }
  double operator()(const Integrator& k) const {
    return c.v = c.v + (k.gain.empty() ? of(k.r, i) * dt : of(k.gain, i)) * in;
  }
  double operator()(const Threshold& k) const {
    const double t = of(k.threshold, i);
    return k.comparison == Comparison::greater ? in > t : in >= t;
  }
  double operator()(const Izhikevich& k) const {
    const double ms = dt * 1000, part = ms / k.substeps;
    for (std::uint32_t s = 0; s < k.substeps; ++s)
      c.v = c.v + part * (0.04 * c.v * c.v + 5 * c.v + 140 - c.second + in);
    c.second = c.second + ms * of(k.a, i) * (of(k.b, i) * c.v - c.second);
    if (!(c.v >= of(k.peak, i))) return 0;
    c.v = of(k.c, i);
    c.second = c.second + of(k.d, i);
    return 1;
  }
};

inline Cell first_cell(const Neurons& neurons, std::size_t i) {
  return std::visit(
      [&](const auto& k) {
        Cell c;
        if constexpr (requires { k.v0; }) c.v = of(k.v0, i);
        if constexpr (requires { k.i0; }) c.second = of(k.i0, i);
        if constexpr (requires { k.b0; }) c.second = of(k.b0, i);
        if constexpr (requires { k.u0; }) c.second = of(k.u0, i);
        return c;
      },
      neurons);
}

// outputs[population][step] are rows.
using History = std::vector<std::vector<std::vector<double>>>;

// What target neuron `o` receives through one projection in step t.
inline double received(const Model& model, const Projection& p, const History& history, std::int64_t t, std::size_t o) {
  const auto& from = model.populations[p.from];
  const auto &in_shape = from.shape, &out_shape = model.populations[p.to].shape;
  const std::size_t sources = neurons_of(in_shape), targets = neurons_of(out_shape);
  const auto x = [&](std::size_t i, std::int64_t more = 0) {
    const std::int64_t then = t - p.delay - more;
    return then < 0 ? 0.0 : history[p.from][static_cast<std::size_t>(then)][i];
  };
  const auto side = [](const Shape& s, std::size_t axis) -> std::int64_t {
    return s.size() == 3 ? s[axis] : axis == 0 ? s[0] : axis == 1 ? 1 : s[1];
  };
  const auto bias = [](const std::vector<float>& b, std::size_t i) { return b.empty() ? 0.0 : 0.0 + double{b[i]}; };
  return std::visit(
      [&](const auto& c) -> double {
        using C = std::remove_cvref_t<decltype(c)>;
        double sum = 0;
        if constexpr (std::is_same_v<C, Dense>) {
          sum = bias(c.bias, o);
          for (std::size_t i = 0; i < sources; ++i) sum = sum + double{c.weights[o * sources + i]} * x(i);
        } else if constexpr (std::is_same_v<C, Sparse>) {
          sum = bias(c.bias, o);
          for (std::uint32_t e = c.row[o]; e < c.row[o + 1]; ++e) sum = sum + double{c.weights[e]} * x(c.source[e]);
        } else if constexpr (std::is_same_v<C, Conv> || std::is_same_v<C, Pool>) {
          constexpr bool kConv = std::is_same_v<C, Conv>;
          const std::int64_t height = side(in_shape, 1), width = side(in_shape, 2), wide = side(out_shape, 2);
          const std::int64_t places = side(out_shape, 1) * wide, channels = side(in_shape, 0);
          const std::int64_t to = static_cast<std::int64_t>(o) / places, at = static_cast<std::int64_t>(o) % places;
          std::int64_t first = to, last = to + 1;
          if constexpr (kConv) {
            sum = bias(c.bias, static_cast<std::size_t>(to));
            const std::int64_t group = to / (side(out_shape, 0) / c.groups);
            first = group * (channels / c.groups), last = first + channels / c.groups;
          }
          for (std::int64_t i = first; i < last; ++i) {
            for (std::int64_t ky = 0; ky < c.kernel[0]; ++ky) {
              for (std::int64_t kx = 0; kx < c.kernel[1]; ++kx) {
                std::int64_t dy = 1, dx = 1;
                if constexpr (kConv) dy = c.dilation[0], dx = c.dilation[1];
                const std::int64_t y = at / wide * c.stride[0] - c.pad_begin[0] + ky * dy;
                const std::int64_t xx = at % wide * c.stride[1] - c.pad_begin[1] + kx * dx;
                if (y < 0 || xx < 0 || y >= height || xx >= width) continue;
                const double value = x(static_cast<std::size_t>((i * height + y) * width + xx));
                if constexpr (kConv) {
                  const std::int64_t row = to * (last - first) + i - first;
                  sum = sum + double{c.weights[static_cast<std::size_t>((row * c.kernel[0] + ky) * c.kernel[1] + kx)]} *
                                  value;
                } else {
                  sum = sum + value;
                }
              }
            }
          }
          if constexpr (!kConv) return c.average ? sum / (double{1} * c.kernel[0] * c.kernel[1]) : sum;
        } else if constexpr (std::is_same_v<C, Scale>) {
          sum = 0.0 + double{c.factors[c.factors.size() == 1 ? 0 : o]} * x(o);
        } else if constexpr (std::is_same_v<C, Identity>) {
          sum = 0.0 + x(o);
        } else {
          sum = 0.0 + x(o, c.steps[o]);
        }
        SYN_ASSERT(o < targets);
        return sum;
      },
      p.connection);
}

struct Trace {
  History output;      // [population][step][neuron]
  History potentials;  // likewise; 0 where a kind has none
  History seconds;     // current, adaptation or recovery, likewise
};

// inputs[i] are steps x neurons of Model::inputs[i]. The order of populations is found by asking for each again and
// again whether its zero-delay sources are done.
inline Trace run_plainly(const Model& model, const std::vector<std::vector<float>>& inputs, std::size_t steps) {
  const std::size_t count = model.populations.size();
  Trace trace;
  trace.output.resize(count), trace.potentials.resize(count), trace.seconds.resize(count);
  std::vector<std::vector<Cell>> cells(count);
  for (std::size_t p = 0; p < count; ++p)
    for (std::size_t i = 0; i < neurons_of(model.populations[p].shape); ++i)
      cells[p].push_back(first_cell(model.populations[p].neurons, i));
  const auto waits = [&](const Projection& projection) {
    std::uint32_t least = projection.delay;
    if (const auto* d = std::get_if<Delays>(&projection.connection))
      least += *std::min_element(d->steps.begin(), d->steps.end());
    return least == 0;
  };
  for (std::size_t t = 0; t < steps; ++t) {
    for (std::size_t done = 0; done < count;) {
      for (std::size_t p = 0; p < count; ++p) {
        if (trace.output[p].size() > t) continue;
        bool ready = true;
        for (const Projection& projection : model.projections)
          if (projection.to == p && waits(projection) && trace.output[projection.from].size() <= t) ready = false;
        if (!ready) continue;
        std::vector<double> out(cells[p].size()), potentials(cells[p].size()), seconds(cells[p].size());
        for (std::size_t i = 0; i < out.size(); ++i) {
          double sum = 0;
          bool first = true;
          for (const Projection& projection : model.projections) {
            if (projection.to != p) continue;
            const double part = received(model, projection, trace.output, static_cast<std::int64_t>(t), i);
            sum = first ? part : sum + part;
            first = false;
          }
          for (std::size_t k = 0; k < model.inputs.size(); ++k)
            if (model.inputs[k].population == p) sum = inputs[k][t * out.size() + i];
          out[i] = std::visit(CellStep{cells[p][i], sum, model.dt, i}, model.populations[p].neurons);
          potentials[i] = cells[p][i].v;
          seconds[i] = cells[p][i].second;
        }
        trace.output[p].push_back(std::move(out));
        trace.potentials[p].push_back(std::move(potentials));
        trace.seconds[p].push_back(std::move(seconds));
        ++done;
      }
    }
  }
  return trace;
}

}  // namespace syn::snn::real::testing
