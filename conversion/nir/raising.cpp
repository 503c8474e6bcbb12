#include "conversion/nir/raising.hpp"

#include <algorithm>
#include <set>

#include "conversion/nir/check.hpp"
#include "core/text.hpp"

namespace syn::nir {
namespace {

namespace real = snn::real;
using real::Parameter;

class Raising {
 public:
  Raising(const real::Model& model, bool spell_out_cycles) : model_(model), spell_out_cycles_(spell_out_cycles) {}

  Graph graph;
  std::vector<std::string> names;  // of each population, in the graph
  std::string what, at;            // trouble, and where

  bool run() {
    for (const auto& population : model_.populations) {
      at = population.name;
      auto node = std::visit([&](const auto& n) { return neurons(n, population); }, population.neurons);
      if (!node) return false;
      names.push_back(fresh(name_of(population.name)));
      graph.nodes[names.back()].primitive = std::move(*node);
    }
    for (const auto& projection : model_.projections) {
      at = model_.populations[projection.to].name;
      if (!project(projection)) return false;
    }
    for (const auto& port : model_.outputs) {
      const std::string name = fresh(name_of(port.name));
      graph.nodes[name].primitive = Output{shape(model_.populations[port.population])};
      graph.edges.emplace_back(names[port.population], name);
    }
    Metadata& metadata = graph.metadata;
    metadata["dt"] = {Tensor{.shape = {}, .element = hdf5::Element::float64, .values = {model_.dt}}};
    for (const auto& [key, value] : model_.notes) {
      if (key != "dt") metadata["synfire." + name_of(key)] = {hdf5::Texts{.shape = {}, .values = {value}}};
    }
    return true;
  }

 private:
  using Made = std::optional<Primitive>;

  static std::string name_of(std::string name) {  // HDF5 has '/' for itself
    std::replace(name.begin(), name.end(), '/', '.');
    return name.empty() || name == "." ? "population" : name;
  }
  std::string fresh(std::string name) {
    std::string out = name;
    for (int i = 1; !taken_.insert(out).second; ++i) out = text::cat(name, "_", i);
    return out;
  }
  static Shape shape(const real::Population& population) { return {population.shape.begin(), population.shape.end()}; }
  Made no(std::string why) {
    what = std::move(why);
    return {};
  }

  static Tensor tensor(const Parameter& parameter, const real::Population& population) {
    const auto count = real::neurons_of(population.shape);
    Tensor out{.shape = {population.shape.begin(), population.shape.end()},
               .element = hdf5::Element::float64,
               .values = parameter};
    if (parameter.size() == 1) out.values.assign(count, parameter[0]);
    return out;
  }
  // f of each neuron's a and b.
  static Parameter both(const Parameter& a, const Parameter& b, auto&& f) {
    Parameter out(std::max(a.size(), b.size()));
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = f(a[a.size() == 1 ? 0 : i], b[b.size() == 1 ? 0 : i]);
    return out;
  }
  static bool zero(const Parameter& parameter) {
    return std::all_of(parameter.begin(), parameter.end(), [](double v) { return v == 0; });
  }
  bool plain(const real::Firing& firing) {
    if (firing.refractory > 0) return no("refractory time"), false;
    return true;
  }
  template <class N>
  bool starts_at_rest(const N& n) {
    if constexpr (requires { n.i0; }) {
      if (!zero(n.i0)) return no("an initial current other than 0"), false;
    }
    if (!zero(n.v0)) return no("an initial potential other than 0"), false;
    return true;
  }

  Made neurons(const real::Input&, const real::Population& p) { return Input{shape(p)}; }
  Made neurons(const real::Relay&, const real::Population& p) { return Scale{tensor({1}, p)}; }
  Made neurons(const real::Threshold& n, const real::Population& p) { return Threshold{tensor(n.threshold, p)}; }
  Made neurons(const real::Integrator& n, const real::Population& p) {
    if (!starts_at_rest(n)) return {};
    return I{tensor(n.r, p)};
  }
  Made neurons(const real::If& n, const real::Population& p) {
    if (!starts_at_rest(n) || !plain(n.firing)) return {};
    return IF{tensor(n.r, p), tensor(n.firing.threshold, p), tensor(n.firing.v_reset, p)};
  }
  Made neurons(const real::Li& n, const real::Population& p) {
    if (!starts_at_rest(n)) return {};
    return LI{tensor(n.membrane.tau, p), tensor(n.membrane.r, p), tensor(n.membrane.v_leak, p)};
  }
  Made neurons(const real::Lif& n, const real::Population& p) {
    if (!starts_at_rest(n) || !plain(n.firing)) return {};
    return LIF{tensor(n.membrane.tau, p), tensor(n.membrane.r, p), tensor(n.membrane.v_leak, p),
               tensor(n.firing.threshold, p), tensor(n.firing.v_reset, p)};
  }
  Made neurons(const real::CubaLi& n, const real::Population& p) {
    if (!starts_at_rest(n)) return {};
    return CubaLI{tensor(n.synapse.tau, p), tensor(n.membrane.tau, p), tensor(n.membrane.r, p),
                  tensor(n.membrane.v_leak, p), tensor(n.synapse.w_in, p)};
  }
  Made neurons(const real::CubaLif& n, const real::Population& p) {
    if (!starts_at_rest(n) || !plain(n.firing)) return {};
    return CubaLIF{tensor(n.synapse.tau, p),     tensor(n.membrane.tau, p),     tensor(n.membrane.r, p),
                   tensor(n.membrane.v_leak, p), tensor(n.firing.threshold, p), tensor(n.firing.v_reset, p),
                   tensor(n.synapse.w_in, p)};
  }
  Made neurons(const real::AdaptiveLif&, const real::Population&) { return no("an adaptive threshold"); }
  Made neurons(const real::Izhikevich&, const real::Population&) { return no("Izhikevich neurons"); }

  static Tensor floats(std::vector<std::size_t> shape, const std::vector<float>& values) {
    return {.shape = std::move(shape), .element = hdf5::Element::float32, .values = {values.begin(), values.end()}};
  }
  static std::vector<float> or_zeros(const std::vector<float>& bias, std::size_t count) {
    return bias.empty() ? std::vector<float>(count) : bias;
  }

  Primitive dense(const std::vector<float>& weights, const std::vector<float>& bias, std::size_t out, std::size_t in) {
    if (bias.empty()) return Linear{floats({out, in}, weights)};
    return Affine{floats({out, in}, weights), floats({out}, bias)};
  }

  // The nodes of a projection, in a row; a matrix needs flat ends.
  bool project(const real::Projection& projection) {
    const auto &from = model_.populations[projection.from], &to = model_.populations[projection.to];
    const std::size_t in = real::neurons_of(from.shape), out = real::neurons_of(to.shape);
    const std::string stem = text::cat(names[projection.from], "-", names[projection.to]);
    std::string last = names[projection.from];
    Shape now = shape(from);
    const auto add = [&](Primitive primitive, std::string_view kind, Shape next) {
      const std::string name = fresh(text::cat(stem, ".", kind));
      graph.nodes[name].primitive = std::move(primitive);
      graph.edges.emplace_back(last, name);
      last = name;
      now = std::move(next);
    };
    const auto flatten = [&] {
      if (now.size() > 1) add(Flatten{.input_type = now, .start_dim = 0, .end_dim = -1}, "flatten", {std::int64_t(in)});
    };
    const bool implied = projection.delay == 1 && !spell_out_cycles_;
    if (projection.delay > 0 && !implied)
      add(Delay{tensor({static_cast<double>(projection.delay) * model_.dt}, from)}, "delay", now);
    const auto two = [](const std::array<std::uint32_t, 2>& pair) { return Pair{pair[0], pair[1]}; };

    const bool good = std::visit(
        [&](const auto& c) {
          using C = std::remove_cvref_t<decltype(c)>;
          if constexpr (std::is_same_v<C, real::Dense>) {
            flatten();
            add(dense(c.weights, c.bias, out, in), "w", {std::int64_t(out)});
          } else if constexpr (std::is_same_v<C, real::Sparse>) {
            if (out * in > (std::size_t{1} << 28)) return no("a sparse matrix too large to be written in full"), false;
            std::vector<float> full(out * in);
            for (std::size_t row = 0; row < out; ++row) {
              for (std::uint32_t k = c.row[row]; k < c.row[row + 1]; ++k) full[row * in + c.source[k]] += c.weights[k];
            }
            flatten();
            add(dense(full, c.bias, out, in), "w", {std::int64_t(out)});
          } else if constexpr (std::is_same_v<C, real::Conv>) {
            if (c.pad_begin != c.pad_end) return no("padding that differs from side to side"), false;
            const std::size_t channels = to.shape[0], group = from.shape[0] / c.groups;
            const auto bias = floats({channels}, or_zeros(c.bias, channels));
            if (from.shape.size() == 2) {
              add(Conv1d{.input_shape = from.shape[1],
                         .weight = floats({channels, group, c.kernel[1]}, c.weights),
                         .stride = c.stride[1],
                         .padding = {.size = c.pad_begin[1]},
                         .dilation = c.dilation[1],
                         .groups = c.groups,
                         .bias = bias},
                  "conv", shape(to));
            } else {
              add(Conv2d{.input_shape = Pair{from.shape[1], from.shape[2]},
                         .weight = floats({channels, group, c.kernel[0], c.kernel[1]}, c.weights),
                         .stride = two(c.stride),
                         .padding = {.size = two(c.pad_begin)},
                         .dilation = two(c.dilation),
                         .groups = c.groups,
                         .bias = bias},
                  "conv", shape(to));
            }
          } else if constexpr (std::is_same_v<C, real::Pool>) {
            if (c.pad_begin != c.pad_end) return no("padding that differs from side to side"), false;
            if (from.shape.size() != 3) return no("a pool along one axis"), false;
            if (c.average)
              add(AvgPool2d{two(c.kernel), two(c.stride), two(c.pad_begin)}, "pool", shape(to));
            else
              add(SumPool2d{two(c.kernel), two(c.stride), two(c.pad_begin)}, "pool", shape(to));
          } else if constexpr (std::is_same_v<C, real::Scale>) {
            std::vector<float> all = c.factors;
            if (all.size() == 1) all.assign(in, c.factors[0]);
            add(Scale{floats({from.shape.begin(), from.shape.end()}, all)}, "scale", now);
          } else if constexpr (std::is_same_v<C, real::Delays>) {
            Parameter seconds;
            for (const std::uint32_t steps : c.steps) seconds.push_back(steps * model_.dt);
            add(Delay{tensor(seconds, from)}, "delay", now);
          }
          return true;
        },
        projection.connection);
    if (!good) return false;
    if (now != shape(to) && to.shape.size() == 1) flatten();
    if (now != shape(to)) return no("values that change their shape other than by becoming flat"), false;
    // A set of edges knows no second one: two plain projections between the same two get a node between.
    const Edge edge{last, names[projection.to]};
    if (std::find(graph.edges.begin(), graph.edges.end(), edge) != graph.edges.end())
      add(Scale{tensor({1}, to)}, "again", now);
    graph.edges.emplace_back(last, names[projection.to]);
    return true;
  }

  const real::Model& model_;
  bool spell_out_cycles_;
  std::set<std::string> taken_;
};

}  // namespace

Expected<Graph> raise(const real::Model& model, const std::string& where) {
  const auto todo = "export a model that came from NIR";
  std::vector<std::string> names;
  const auto attempt = [&](bool spell_out) -> Expected<Graph> {
    Raising raising(model, spell_out);
    if (!raising.run())
      return fail(text::cat("NIR has no ", raising.what), text::cat(where, ", population '", raising.at, "'"), todo);
    names = std::move(raising.names);
    return std::move(raising.graph);
  };
  // Leaving delays of one step to NIR's convention is right if as many edges close cycles as delays were left out, and
  // each has the next population in its own row.
  auto implied = attempt(false);
  if (!implied) return implied;
  const auto shapes = check(*implied, where);
  if (shapes) {
    std::set<std::pair<std::string, std::string>> wanted, found;
    for (const auto& projection : model.projections) {
      if (projection.delay == 1) wanted.emplace(names[projection.from], names[projection.to]);
    }
    // Back along nodes that are no populations, to the one that a cycle's edge carries.
    const std::set<std::string> populations(names.begin(), names.end());
    for (const auto& link : shapes->links) {
      if (!link.back) continue;
      std::size_t from = link.from, to = link.to;
      const auto step = [&](std::size_t at, bool backwards) {
        for (const auto& other : shapes->links) {
          if ((backwards ? other.to : other.from) == at) return backwards ? other.from : other.to;
        }
        return at;
      };
      for (std::size_t i = 0; i < shapes->places.size() && !populations.contains(shapes->places[from].name); ++i)
        from = step(from, true);
      for (std::size_t i = 0; i < shapes->places.size() && !populations.contains(shapes->places[to].name); ++i)
        to = step(to, false);
      found.emplace(shapes->places[from].name, shapes->places[to].name);
    }
    if (wanted == found) return implied;
  }
  auto spelled = attempt(true);
  if (!spelled) return spelled;
  if (auto good = check(*spelled, where); !good) return fail(good.error());
  return spelled;
}

}  // namespace syn::nir
