// NIR graphs for tests: written by hand, and random ones that check() takes.
#pragma once

#include "conversion/nir/graph.hpp"
#include "core/random.hpp"
#include "core/text.hpp"

namespace syn::testing {

inline nir::Tensor tensor(std::vector<std::size_t> shape, std::vector<double> values,
                          hdf5::Element element = hdf5::Element::float32) {
  if (element == hdf5::Element::float32) {
    for (double& v : values) v = static_cast<float>(v);
  }
  return {.shape = std::move(shape), .element = element, .values = std::move(values)};
}
inline nir::Tensor number(double value) {
  return tensor({}, {value});
}
inline nir::Tensor filled(std::vector<std::size_t> shape, double value) {
  std::size_t count = 1;
  for (const std::size_t dim : shape) count *= dim;
  return tensor(std::move(shape), std::vector<double>(count, value));
}
inline nir::Tensor random_tensor(Random& random, std::vector<std::size_t> shape) {
  nir::Tensor out = filled(std::move(shape), 0);
  for (double& v : out.values) v = (static_cast<double>(random.below(64)) - 32) / 32;
  return out;
}

// A chain of nodes called n0, n1, ..., between `input` and `output`.
inline nir::Graph chain(nir::Shape in, std::vector<nir::Primitive> primitives, nir::Shape out) {
  nir::Graph graph;
  graph.version = "1.0.6";
  graph.nodes["input"].primitive = nir::Input{std::move(in)};
  std::string last = "input";
  for (std::size_t i = 0; i < primitives.size(); ++i) {
    const std::string name = text::cat("n", i);
    graph.nodes[name].primitive = std::move(primitives[i]);
    graph.edges.emplace_back(last, name);
    last = name;
  }
  graph.nodes["output"].primitive = nir::Output{std::move(out)};
  graph.edges.emplace_back(last, "output");
  return graph;
}

inline nir::LIF lif(std::vector<std::size_t> shape) {
  return {.tau = filled(shape, 0.01),
          .r = filled(shape, 1),
          .v_leak = filled(shape, 0),
          .v_threshold = filled(shape, 1),
          .v_reset = filled(shape, 0)};
}

inline nir::Primitive random_neuron(Random& random, const std::vector<std::size_t>& shape) {
  const auto p = [&](double least) {  // one number or one each
    nir::Tensor out = random.chance(0.3) ? number(0) : filled(shape, 0);
    if (random.chance(0.2)) out.element = hdf5::Element::float64;
    for (double& v : out.values) v = least + static_cast<double>(random.below(16)) / 16;
    return out;
  };
  const auto maybe = [&](double least) { return random.chance(0.5) ? std::optional(p(least)) : std::nullopt; };
  switch (random.below(8)) {
    case 0:
      return nir::I{p(0.5)};
    case 1:
      return nir::IF{p(0.5), p(1), maybe(-1)};
    case 2:
      return nir::LI{p(0.0625), p(0.5), p(0)};
    case 3:
      return nir::LIF{p(0.0625), p(0.5), p(0), p(1), maybe(-1)};
    case 4:
      return nir::CubaLI{p(0.0625), p(0.0625), p(0.5), p(0), maybe(0)};
    case 5:
      return nir::CubaLIF{p(0.0625), p(0.0625), p(0.5), p(0), p(1), maybe(-1), maybe(0)};
    case 6:
      return nir::Threshold{p(0.5)};
    default:
      return nir::Scale{p(0.5)};
  }
}

// A few layers with a skip, a recurrent pair, a delay or a subgraph among them.
inline nir::Graph random_graph(Random& random, int depth = 0, std::size_t units = 0) {
  nir::Graph graph;
  const std::size_t in = units ? units : 1 + random.below(5);
  std::string last = "input";
  nir::Shape shape{static_cast<std::int64_t>(in)};
  int count = 0;
  const auto add = [&](nir::Primitive primitive) {
    const std::string name = text::cat(random.chance(0.3) ? "lif." : "", count++);
    graph.nodes[name].primitive = std::move(primitive);
    graph.edges.emplace_back(last, name);
    return last = name;
  };
  if (depth == 0 && random.chance(0.4)) {
    const std::size_t channels = 1 + random.below(2);
    shape = {static_cast<std::int64_t>(channels), 6, 5};
    nir::Conv2d conv{
        .input_shape = nir::Pair{6, 5}, .weight = random_tensor(random, {2, channels, 3, 2}), .bias = filled({2}, 0)};
    if (random.chance(0.5))
      conv.padding = {.kind = nir::Padding<nir::Pair>::Kind::zeros, .size = {1, 0}};
    else
      conv.padding.kind =
          random.chance(0.5) ? nir::Padding<nir::Pair>::Kind::same : nir::Padding<nir::Pair>::Kind::valid;
    if (conv.padding.kind != nir::Padding<nir::Pair>::Kind::same) conv.stride = {1, 2};
    graph.nodes["input"].primitive = nir::Input{shape};
    add(conv);
    const bool same = conv.padding.kind == nir::Padding<nir::Pair>::Kind::same;
    const std::size_t high = same || conv.padding.size[0] == 1 ? 6 : 4, wide = same ? 5 : 2;
    add(random_neuron(random, {2, high, wide}));
    if (random.chance(0.5))
      add(nir::SumPool2d{{2, 2}, {2, 2}, {0, 0}});
    else
      add(nir::AvgPool2d{{2, 2}, {2, 2}, {0, 0}});
    const std::size_t flat = 2 * (high / 2) * (wide / 2);
    nir::Flatten flatten{.input_type = nir::Shape{2, std::int64_t(high / 2), std::int64_t(wide / 2)}, .start_dim = 0};
    if (random.chance(0.5)) flatten.end_dim = -1;
    add(flatten);
    shape = {static_cast<std::int64_t>(flat)};
  } else {
    graph.nodes["input"].primitive = nir::Input{shape};
  }
  std::size_t width = static_cast<std::size_t>(shape[0]);
  for (std::uint64_t layers = 1 + random.below(3); layers > 0; --layers) {
    const std::size_t next = units ? units : 1 + random.below(5);
    if (random.chance(0.5))
      add(nir::Linear{random_tensor(random, {next, width})});
    else
      add(nir::Affine{random_tensor(random, {next, width}), random_tensor(random, {next})});
    width = next;
    const std::string before = last, neuron = add(nir::LIF(lif({width})));
    if (random.chance(0.3)) {
      const std::string name = text::cat("w_rec.", count++);
      graph.nodes[name].primitive = nir::Linear{random_tensor(random, {width, width})};
      graph.edges.emplace_back(neuron, name);
      graph.edges.emplace_back(name, neuron);
    }
    if (random.chance(0.3)) add(nir::Delay{filled({width}, 0.002)});
    if (random.chance(0.3)) add(random_neuron(random, {width}));
    if (depth < 2 && random.chance(0.2))
      add(nir::Subgraph{std::make_shared<const nir::Graph>(random_graph(random, depth + 1, width))});
    if (random.chance(0.2) && last != before) {
      graph.edges.emplace_back(before, "sum");
      graph.edges.emplace_back(last, "sum");
      graph.nodes["sum"].primitive = nir::I{number(1)};
      last = "sum";
      break;
    }
  }
  graph.nodes["output"].primitive = nir::Output{{static_cast<std::int64_t>(width)}};
  graph.edges.emplace_back(last, "output");
  for (std::size_t i = graph.edges.size(); i > 1; --i) std::swap(graph.edges[i - 1], graph.edges[random.below(i)]);
  if (depth == 0) graph.version = "1.0.4";
  if (random.chance(0.3)) graph.metadata["note"] = {hdf5::Texts{.shape = {}, .values = {"made by chance"}}};
  if (random.chance(0.3)) graph.nodes["output"].metadata["dt"] = {tensor({}, {0.001}, hdf5::Element::float64)};
  return graph;
}

}  // namespace syn::testing
