// Random legal models of the float profile: every neuron kind, every rule, every connection, delays and recurrence.
// Deliberately not here: what they compute (plain.hpp).
#pragma once

#include <algorithm>
#include <cmath>

#include "core/random.hpp"
#include "core/text.hpp"
#include "snn/real/model.hpp"

namespace syn::snn::real::testing {

class Graphs {
 public:
  explicit Graphs(Random& random) : random_(random) {}

  Model make() {
    Model model;
    model.name = "random";
    model.dt = 1e-3 * static_cast<double>(1 + random_.below(3));
    const std::uint32_t inputs = 1 + pick(2);
    for (std::uint32_t i = 0; i < inputs; ++i) {
      model.inputs.push_back({text::cat("in", i), i});
      model.populations.push_back({text::cat("input ", i), shape(), Input{}});
    }
    const std::uint32_t more = 2 + pick(6);
    for (std::uint32_t i = 0; i < more; ++i) grow(model);
    // Recurrence: any pair, delayed.
    for (std::uint32_t i = pick(4); i > 0; --i) {
      const std::uint32_t from = pick(static_cast<std::uint32_t>(model.populations.size()));
      const std::uint32_t to = inputs + pick(more);
      model.projections.push_back({from, to, 1 + pick(4), flat(model, from, to)});
    }
    for (std::uint32_t i = 0; i < 2; ++i)
      model.outputs.push_back({text::cat("out", i), pick(static_cast<std::uint32_t>(model.populations.size()))});
    shuffle(model);
    return model;
  }

  std::vector<std::vector<float>> inputs(const Model& model, std::size_t steps) {
    std::vector<std::vector<float>> all;
    for (const Port& port : model.inputs) {
      const bool spikes = random_.chance(0.5);
      const double rate = random_.chance(0.3) ? 0.02 : 0.4;
      auto& values = all.emplace_back(steps * neurons_of(model.populations[port.population].shape));
      for (float& value : values)
        value = !random_.chance(rate) ? 0.0f : spikes ? 1.0f : static_cast<float>(real(-2, 3));
    }
    return all;
  }

  Neurons neurons(std::uint32_t n) { return kind(pick(10), n); }
  // 0 to 9: every kind but Input.
  Neurons kind(std::uint32_t which, std::uint32_t n) {
    switch (which) {
      case 0:
        return Relay{};
      case 1: {
        If k{.r = some(n, 50, 400), .gain = maybe(n), .firing = firing(n), .v0 = some(n, -1, 1)};
        return k;
      }
      case 2: {
        Lif k{.membrane = membrane(n), .firing = firing(n), .v0 = some(n, -1, 1)};
        if (random_.chance(0.2)) {
          k.membrane.integration = Integration::exact;
          k.membrane.order = InputOrder::after_decay;
          k.membrane.gain.clear();
          k.firing.order = Order::update_fire_reset;
          k.firing.reset = Reset::to_value;
          k.firing.refractory = 0;
          if (k.firing.most > 1) k.firing.most = 5;
        }
        return k;
      }
      case 3:
        return AdaptiveLif{.membrane = membrane(n),
                           .firing = firing(n, 1),
                           .tau_adaptation = some(n, 0.01, 0.1),
                           .adaptation = some(n, 0, 1),
                           .jump = some(n, 0.1, 1),
                           .v0 = some(n, -1, 1),
                           .b0 = some(n, 0, 1)};
      case 4:
        return CubaLif{.synapse = synapse(n),
                       .membrane = membrane(n),
                       .firing = firing(n),
                       .v0 = some(n, -1, 1),
                       .i0 = some(n, -1, 1)};
      case 5:
        return Li{.membrane = membrane(n), .v0 = some(n, -1, 1)};
      case 6:
        return CubaLi{.synapse = synapse(n), .membrane = membrane(n), .v0 = some(n, -1, 1), .i0 = some(n, -1, 1)};
      case 7:
        return Integrator{.r = some(n, 50, 400), .gain = maybe(n), .v0 = some(n, -1, 1)};
      case 8:
        return Threshold{.threshold = some(n, 0, 1), .comparison = any<Comparison>(2)};
      default:
        return Izhikevich{.a = some(n, 0.02, 0.1),
                          .b = some(n, 0.2, 0.25),
                          .c = some(n, -65, -50),
                          .d = some(n, 2, 8),
                          .peak = {30},
                          .v0 = some(n, -70, -60),
                          .u0 = some(n, -14, -12),
                          .substeps = 1 + pick(3)};
    }
  }

 private:
  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_.below(below)); }
  double real(double low, double high) {
    return low + (high - low) * static_cast<double>(random_.u64() >> 11) * 0x1p-53;
  }
  template <class E>
  E any(std::uint32_t below) {
    return static_cast<E>(pick(below));
  }
  Parameter some(std::uint32_t n, double low, double high) {
    Parameter p(random_.chance(0.5) ? 1 : n);
    for (double& value : p) value = real(low, high);
    return p;
  }
  Parameter maybe(std::uint32_t n) { return random_.chance(0.3) ? some(n, 0.1, 1) : Parameter{}; }
  std::vector<float> floats(std::size_t n, double size) {
    std::vector<float> out(n);
    for (float& value : out) value = random_.chance(0.1) ? 0.0f : static_cast<float>(real(-size / 2, size));
    return out;
  }
  std::vector<float> bias(std::size_t n) { return random_.chance(0.5) ? floats(n, 0.2) : std::vector<float>{}; }

  Membrane membrane(std::uint32_t n) {
    return {.tau = some(n, 0.004, 0.05),
            .r = some(n, 1, 5),
            .v_leak = some(n, -0.2, 0.2),
            .gain = maybe(n),
            .integration = any<Integration>(3),
            .order = any<InputOrder>(2)};
  }
  Synapse synapse(std::uint32_t n) {
    return {.tau = some(n, 0.004, 0.02),
            .w_in = some(n, 1, 5),
            .gain = maybe(n),
            .integration = any<Integration>(3),
            .order = any<InputOrder>(2),
            .read = any<CurrentRead>(3)};
  }
  Firing firing(std::uint32_t n, std::uint32_t most = 0) {
    return {.threshold = some(n, 0.3, 1),
            .v_reset = some(n, -0.2, 0.2),
            .comparison = any<Comparison>(2),
            .reset = any<Reset>(2),
            .order = any<Order>(5),
            .refractory = random_.chance(0.3) ? 1 + pick(3) : 0,
            .most = most                  ? most
                    : random_.chance(0.7) ? 1
                    : random_.chance(0.5) ? 3
                                          : kManySpikes};
  }

  Shape shape() {
    switch (pick(3)) {
      case 0:
        return {1 + pick(random_.chance(0.2) ? 600 : 40)};
      case 1:
        return {1 + pick(5), 3 + pick(12)};
      default:
        return {1 + pick(5), 3 + pick(6), 3 + pick(6)};
    }
  }

  // One more population behind one or two earlier ones.
  void grow(Model& model) {
    const std::uint32_t from = pick(static_cast<std::uint32_t>(model.populations.size()));
    const std::uint32_t to = static_cast<std::uint32_t>(model.populations.size());
    const Shape source = model.populations[from].shape;
    const std::uint32_t many = static_cast<std::uint32_t>(neurons_of(source));
    Shape target = source;
    Connection connection;
    if (source.size() > 1 && random_.chance(0.6)) {
      if (random_.chance(0.3)) {
        Pool pool{.average = pick(2)};
        connection = slide(pool, source, target);
      } else {
        Conv conv;
        conv.groups = random_.chance(0.3) ? source[0] : random_.chance(0.3) && source[0] % 2 == 0 ? 2 : 1;
        target[0] = conv.groups * (1 + pick(random_.chance(0.3) ? 20 : 3));
        conv = slide(conv, source, target);
        conv.weights = floats(std::size_t{target[0]} * (source[0] / conv.groups) * conv.kernel[0] * conv.kernel[1], 1);
        conv.bias = bias(target[0]);
        connection = conv;
      }
    } else if (random_.chance(0.4)) {
      if (random_.chance(0.3)) target = {many};
      switch (pick(3)) {
        case 0:
          connection = Identity{};
          break;
        case 1:
          connection = Scale{floats(random_.chance(0.5) ? 1 : many, 2)};
          break;
        default: {
          Delays delays{std::vector<std::uint32_t>(many)};
          for (auto& steps : delays.steps) steps = pick(5);
          connection = delays;
        }
      }
    } else {
      target = shape();
    }
    const std::uint32_t n = static_cast<std::uint32_t>(neurons_of(target));
    model.populations.push_back({text::cat("p", to), target, neurons(n)});
    if (std::holds_alternative<Dense>(connection)) connection = flat(model, from, to);
    model.projections.push_back({from, to, random_.chance(0.7) ? 0 : 1 + pick(3), connection});
    if (random_.chance(0.4)) {
      const std::uint32_t other = pick(to);
      model.projections.push_back({other, to, random_.chance(0.7) ? 0 : 1 + pick(3), flat(model, other, to)});
    }
  }

  // A window that fits, and the target shape it makes.
  template <class C>
  C slide(C c, const Shape& source, Shape& target) {
    const std::size_t axes = source.size() - 1;
    for (std::size_t axis = 2 - axes; axis < 2; ++axis) {
      const std::uint32_t side = source[axis + source.size() - 2];
      c.kernel[axis] = 1 + pick(3);
      c.stride[axis] = 1 + pick(2);
      c.pad_begin[axis] = pick(3);
      c.pad_end[axis] = pick(3);
      std::uint32_t reach = c.kernel[axis];
      if constexpr (requires { c.dilation; }) {
        c.dilation[axis] = 1 + pick(2);
        reach = c.dilation[axis] * (c.kernel[axis] - 1) + 1;
      }
      if (reach > side + c.pad_begin[axis] + c.pad_end[axis]) { c.pad_end[axis] = reach; }
      target[axis + source.size() - 2] = (side + c.pad_begin[axis] + c.pad_end[axis] - reach) / c.stride[axis] + 1;
    }
    return c;
  }

  // Dense or sparse, between any shapes.
  Connection flat(const Model& model, std::uint32_t from, std::uint32_t to) {
    const std::size_t sources = neurons_of(model.populations[from].shape);
    const std::size_t targets = neurons_of(model.populations[to].shape);
    const double size = 2.0 / std::sqrt(static_cast<double>(sources));
    if (random_.chance(0.5)) return Dense{floats(targets * sources, size), bias(targets)};
    Sparse sparse;
    sparse.row.push_back(0);
    for (std::size_t o = 0; o < targets; ++o) {
      for (std::uint32_t i = 0; i < sources; ++i)
        if (random_.chance(0.2)) sparse.source.push_back(i);
      sparse.row.push_back(static_cast<std::uint32_t>(sparse.source.size()));
    }
    sparse.weights = floats(sparse.source.size(), size);
    sparse.bias = bias(targets);
    return sparse;
  }

  // Model order must not matter for what may come first.
  void shuffle(Model& model) {
    std::vector<std::uint32_t> place(model.populations.size());
    for (std::uint32_t i = 0; i < place.size(); ++i) place[i] = i;
    for (std::uint32_t i = static_cast<std::uint32_t>(place.size()); i > 1; --i)
      std::swap(place[i - 1], place[pick(i)]);
    std::vector<Population> moved(place.size());
    for (std::size_t i = 0; i < place.size(); ++i) moved[place[i]] = std::move(model.populations[i]);
    model.populations = std::move(moved);
    for (auto& p : model.projections) p.from = place[p.from], p.to = place[p.to];
    for (auto* ports : {&model.inputs, &model.outputs})
      for (Port& port : *ports) port.population = place[port.population];
  }

  Random& random_;
};

}  // namespace syn::snn::real::testing
