// Small random networks and data for the conversion tests, and a float executor too plain to be wrong.
#pragma once

#include <cmath>
#include <limits>
#include <map>

#include "conversion/ann/graph.hpp"
#include "conversion/ann/shapes.hpp"
#include "conversion/data/dataset.hpp"
#include "core/random.hpp"

namespace syn::nets {

inline float uniform(Random& random, double low, double high) {
  return static_cast<float>(low + (high - low) * static_cast<double>(random.below(1 << 20)) / (1 << 20));
}
inline ann::Tensor tensor(Random& random, std::vector<std::int64_t> shape, double low, double high) {
  ann::Tensor out{std::move(shape), {}};
  out.data.resize(static_cast<std::size_t>(ann::elements(out.shape)));
  for (float& v : out.data) v = uniform(random, low, high);
  return out;
}
inline ann::Conv conv(Random& random, std::int64_t out, std::int64_t in, ann::Geometry g, std::int64_t groups = 1,
                      bool bias = true) {
  const double reach = 2 / std::sqrt(static_cast<double>(in / groups * g.kernel[0] * g.kernel[1]));
  ann::Conv made{g, groups, tensor(random, {out, in / groups, g.kernel[0], g.kernel[1]}, -reach, reach), {}};
  if (bias) made.bias = tensor(random, {out}, -0.2, 0.4);
  return made;
}
inline ann::Gemm gemm(Random& random, std::int64_t out, std::int64_t in) {
  const double reach = 2 / std::sqrt(static_cast<double>(in));
  return {tensor(random, {out, in}, -reach, reach), tensor(random, {out}, -0.2, 0.4)};
}
inline ann::BatchNormalization norm(Random& random, std::int64_t channels) {
  return {tensor(random, {channels}, 0.5, 1.5), tensor(random, {channels}, -0.3, 0.5),
          tensor(random, {channels}, -0.3, 0.3), tensor(random, {channels}, 0.5, 2), 1e-5f};
}
// Nodes in a row: value "v0" is the input, node i makes "v<i+1>".
inline ann::Graph chain(std::vector<std::int64_t> input, std::vector<ann::Operator> ops) {
  ann::Graph graph{"chain", "v0", std::move(input), {}, {}};
  for (ann::Operator& op : ops) {
    const std::string i = std::to_string(graph.nodes.size());
    graph.nodes.push_back({std::string(ann::name_of(op)) + "_" + i,
                           std::move(op),
                           {"v" + i},
                           "v" + std::to_string(graph.nodes.size() + 1)});
  }
  graph.output = "v" + std::to_string(graph.nodes.size());
  return graph;
}
inline data::Dataset images(Random& random, data::Shape shape, std::size_t count) {
  data::Dataset out{"random", shape, count, 10, {}, {}};
  // Blobs rather than noise, so that activations vary from image to image.
  for (std::size_t i = 0; i < count; ++i) {
    const auto level = random.below(256), at = random.below(shape.size());
    for (std::size_t p = 0; p < shape.size(); ++p) {
      const auto distance = p > at ? p - at : at - p;
      out.pixels.push_back(
          static_cast<std::uint8_t>(distance < shape.size() / 2 ? (level + random.below(64)) % 256 : random.below(48)));
    }
    out.labels.push_back(static_cast<std::uint8_t>(random.below(10)));
  }
  return out;
}

// One image, double, channel-first, loops as the operators are defined. Returns every value.
inline std::map<std::string, std::vector<double>> plain(const ann::Graph& graph, const std::vector<double>& input) {
  const auto shapes = ann::shapes(graph).value();
  std::map<std::string, std::vector<double>> values{{graph.input, input}};
  for (const ann::Node& node : graph.nodes) {
    const auto& x = values.at(node.inputs[0]);
    const auto &in = shapes.at(node.inputs[0]), &out = shapes.at(node.output);
    std::vector<double> y(static_cast<std::size_t>(ann::elements(out)));
    const auto window = [&](const ann::Geometry& g, const auto& each, const auto& finish) {
      for (std::int64_t c = 0, at = 0; c < out[0]; ++c)
        for (std::int64_t oy = 0; oy < out[1]; ++oy)
          for (std::int64_t ox = 0; ox < out[2]; ++ox, ++at) {
            std::int64_t inside = 0, cells = 0;
            for (std::int64_t ky = 0; ky < g.kernel[0]; ++ky)
              for (std::int64_t kx = 0; kx < g.kernel[1]; ++kx) {
                const std::int64_t iy = oy * g.stride[0] + ky * g.dilation[0] - g.pad_begin[0];
                const std::int64_t ix = ox * g.stride[1] + kx * g.dilation[1] - g.pad_begin[1];
                cells += iy < in[1] + g.pad_end[0] && ix < in[2] + g.pad_end[1];
                if (iy < 0 || iy >= in[1] || ix < 0 || ix >= in[2]) continue;
                ++inside;
                each(y[static_cast<std::size_t>(at)], c, iy, ix, ky, kx);
              }
            finish(y[static_cast<std::size_t>(at)], c, inside, cells);
          }
    };
    const auto pixel = [&](std::int64_t c, std::int64_t iy, std::int64_t ix) {
      return x[static_cast<std::size_t>((c * in[1] + iy) * in[2] + ix)];
    };
    if (const auto* conv = std::get_if<ann::Conv>(&node.op)) {
      const std::int64_t per_group = in[0] / conv->groups, outs = out[0] / conv->groups;
      window(
          conv->geometry,
          [&](double& sum, auto c, auto iy, auto ix, auto ky, auto kx) {
            for (std::int64_t i = 0; i < per_group; ++i) {
              const auto w = ((c * per_group + i) * conv->geometry.kernel[0] + ky) * conv->geometry.kernel[1] + kx;
              sum += double{conv->weight.data[static_cast<std::size_t>(w)]} * pixel(c / outs * per_group + i, iy, ix);
            }
          },
          [&](double& sum, auto c, auto, auto) {
            sum += conv->bias.data.empty() ? 0. : conv->bias.data[static_cast<std::size_t>(c)];
          });
    } else if (const auto* gemm = std::get_if<ann::Gemm>(&node.op)) {
      for (std::size_t o = 0; o < y.size(); ++o) {
        y[o] = gemm->bias.data.empty() ? 0. : gemm->bias.data[o];
        for (std::size_t i = 0; i < x.size(); ++i) y[o] += double{gemm->weight.data[o * x.size() + i]} * x[i];
      }
    } else if (const auto* bn = std::get_if<ann::BatchNormalization>(&node.op)) {
      const std::size_t positions = x.size() / bn->scale.data.size();
      for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t c = i / positions;
        y[i] = (x[i] - bn->mean.data[c]) / std::sqrt(double{bn->variance.data[c]} + bn->epsilon) * bn->scale.data[c] +
               bn->bias.data[c];
      }
    } else if (std::holds_alternative<ann::Relu>(node.op)) {
      for (std::size_t i = 0; i < x.size(); ++i) y[i] = std::max(0., x[i]);
    } else if (const auto* average = std::get_if<ann::AveragePool>(&node.op)) {
      window(
          average->geometry, [&](double& sum, auto c, auto iy, auto ix, auto, auto) { sum += pixel(c, iy, ix); },
          [&](double& sum, auto, auto inside, auto cells) {
            sum /= static_cast<double>(average->count_include_pad ? cells : inside);
          });
    } else if (const auto* max = std::get_if<ann::MaxPool>(&node.op)) {
      std::ranges::fill(y, -std::numeric_limits<double>::infinity());
      window(
          max->geometry,
          [&](double& most, auto c, auto iy, auto ix, auto, auto) { most = std::max(most, pixel(c, iy, ix)); },
          [](double&, auto, auto, auto) {});
    } else {
      y = x;  // Flatten: channel-first already. Softmax is not for this executor.
    }
    values[node.output] = std::move(y);
  }
  return values;
}

}  // namespace syn::nets
