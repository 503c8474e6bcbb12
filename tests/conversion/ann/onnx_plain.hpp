// A network written twice at once: as the nodes of an ONNX file, and as double-precision arithmetic on one image, each
// operator straight from its definition. Knows nothing of our reader, shapes or executor.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "onnx_bytes.hpp"

namespace syn {

struct Window {
  std::int64_t kernel = 3, stride = 1, dilation = 1;
  std::vector<std::int64_t> pads = {0, 0, 0, 0};  // top, left, bottom, right
  std::int64_t groups = 1;
  bool ceil = false, count_pads = false;
};

class PlainNet {
 public:
  struct Map {
    std::string name;
    std::int64_t channels = 0, height = 1, width = 1;
    std::vector<double> v = {};  // [channel][y][x]
    bool flat = false;
    double at(std::int64_t c, std::int64_t y, std::int64_t x) const {
      return v[static_cast<std::size_t>((c * height + y) * width + x)];
    }
  };

  PlainNet(std::uint64_t seed, std::int64_t channels, std::int64_t height, std::int64_t width)
      : random_(seed), input_{"x", channels, height, width} {
    input_.v.resize(static_cast<std::size_t>(channels * height * width));
    for (double& v : input_.v) v = value(-1, 1);
    file.inputs = {onnx_bytes::value("x", {-1, channels, height, width})};
  }

  onnx_bytes::File file;
  const Map& input() const { return input_; }
  onnx_bytes::File finished(const Map& y) {
    file.outputs = {onnx_bytes::Pb().string(1, y.name)};
    return file;
  }

  Map conv(const Map& x, std::int64_t out, Window w, bool bias = true) {
    const std::int64_t in = x.channels / w.groups, per = out / w.groups;
    const double reach = 1.7 / std::sqrt(static_cast<double>(in * w.kernel * w.kernel));
    const auto weight = constant({out, in, w.kernel, w.kernel}, -reach, reach);
    std::vector<std::string> inputs{x.name, weight.name};
    std::vector<double> shift(static_cast<std::size_t>(out));
    if (bias) {
      auto b = constant({out}, -0.2, 0.3);
      inputs.push_back(b.name);
      shift = b.v;
    }
    Map y = emit("Conv", inputs, window(w, true), out, x, w);
    each(y, [&](double& sum, std::int64_t o, std::int64_t oy, std::int64_t ox) {
      sum = shift[static_cast<std::size_t>(o)];
      for (std::int64_t i = 0; i < in; ++i)
        taps(x, w, oy, ox, [&](std::int64_t iy, std::int64_t ix, std::int64_t ky, std::int64_t kx) {
          sum += weight.v[static_cast<std::size_t>(((o * in + i) * w.kernel + ky) * w.kernel + kx)] *
                 x.at(o / per * in + i, iy, ix);
        });
    });
    return y;
  }
  Map average_pool(const Map& x, Window w) {
    Map y = emit("AveragePool", {x.name}, pool_window(w, true), x.channels, x, w);
    each(y, [&](double& sum, std::int64_t c, std::int64_t oy, std::int64_t ox) {
      double cells = 0;
      taps(x, w, oy, ox, [&](std::int64_t iy, std::int64_t ix, std::int64_t, std::int64_t) {
        sum += x.at(c, iy, ix);
        ++cells;
      });
      if (w.count_pads) {  // cells of the padded image, not those a ceil_mode window hangs over it
        const auto span = [&](std::int64_t o, std::int64_t size, std::int64_t before, std::int64_t after) {
          const std::int64_t begin = o * w.stride - before;
          return std::min(begin + w.kernel, size + after) - begin;
        };
        cells = static_cast<double>(span(oy, x.height, w.pads[0], w.pads[2]) * span(ox, x.width, w.pads[1], w.pads[3]));
      }
      sum /= cells;
    });
    return y;
  }
  Map max_pool(const Map& x, Window w) {
    Map y = emit("MaxPool", {x.name}, pool_window(w, false), x.channels, x, w);
    each(y, [&](double& most, std::int64_t c, std::int64_t oy, std::int64_t ox) {
      most = -std::numeric_limits<double>::infinity();
      taps(x, w, oy, ox, [&](std::int64_t iy, std::int64_t ix, std::int64_t, std::int64_t) {
        most = std::max(most, x.at(c, iy, ix));
      });
    });
    return y;
  }
  Map global_average(const Map& x) {
    Map y{fresh(), x.channels};
    for (std::int64_t c = 0; c < x.channels; ++c) {
      double sum = 0;
      for (std::int64_t i = 0; i < x.height * x.width; ++i)
        sum += x.v[static_cast<std::size_t>(c * x.height * x.width + i)];
      y.v.push_back(sum / static_cast<double>(x.height * x.width));
    }
    return node(std::move(y), "GlobalAveragePool", {x.name}, {});
  }
  Map batch_norm(const Map& x) {
    const auto scale = constant({x.channels}, 0.5, 1.5), bias = constant({x.channels}, -0.3, 0.5),
               mean = constant({x.channels}, -0.3, 0.3), variance = constant({x.channels}, 0.5, 2);
    return per_value(x, "BatchNormalization", {scale.name, bias.name, mean.name, variance.name},
                     {onnx_bytes::number("epsilon", 0.25f)}, [&](double v, std::size_t c) {
                       return (v - mean.v[c]) / std::sqrt(variance.v[c] + 0.25) * scale.v[c] + bias.v[c];
                     });
  }
  // Mul then Add by constants of [channels, 1, 1], as unfolded normalisations are written.
  Map scale_shift(const Map& x) {
    const auto factor = constant({x.channels, 1, 1}, 0.5, 1.5), shift = constant({x.channels, 1, 1}, -0.5, 0.5);
    const Map scaled = per_value(x, "Mul", {factor.name}, {}, [&](double v, std::size_t c) { return v * factor.v[c]; });
    return per_value(scaled, "Add", {shift.name}, {}, [&](double v, std::size_t c) { return v + shift.v[c]; });
  }
  Map relu(const Map& x) {
    return per_value(x, "Relu", {}, {}, [](double v, std::size_t) { return std::max(0., v); });
  }
  Map clip(const Map& x, float low, float high) {  // bounds as Constant nodes, as PyTorch exports ReLU6
    std::vector<std::string> bounds;
    for (const float bound : {low, high}) {
      bounds.push_back(fresh());
      file.nodes.push_back(onnx_bytes::node(
          "", "Constant", {}, bounds.back(),
          {onnx_bytes::Pb().string(1, "value").add(5, onnx_bytes::floats("", {}, {bound})).integer(20, 4)}));
    }
    return per_value(x, "Clip", bounds, {}, [&](double v, std::size_t) { return std::clamp<double>(v, low, high); });
  }
  Map lrn(const Map& x, std::int64_t size, float alpha, float beta, float bias) {
    Map y = x;
    for (std::int64_t c = 0; c < x.channels; ++c)
      for (std::int64_t p = 0, area = x.height * x.width; p < area; ++p) {
        double squares = 0;
        for (std::int64_t n = c - (size - 1) / 2; n <= c + size / 2; ++n) {
          if (n < 0 || n >= x.channels) continue;
          const double v = x.v[static_cast<std::size_t>(n * area + p)];
          squares += v * v;
        }
        y.v[static_cast<std::size_t>(c * area + p)] /=
            std::pow(bias + alpha / static_cast<double>(size) * squares, beta);
      }
    y.name = fresh();
    return node(std::move(y), "LRN", {x.name},
                {onnx_bytes::integer("size", size), onnx_bytes::number("alpha", alpha),
                 onnx_bytes::number("beta", beta), onnx_bytes::number("bias", bias)});
  }
  Map add(const Map& a, const Map& b) {
    Map y = a;
    for (std::size_t i = 0; i < y.v.size(); ++i) y.v[i] += b.v[i];
    y.name = fresh();
    return node(std::move(y), "Add", {a.name, b.name}, {});
  }
  Map concat(const std::vector<Map>& parts) {
    Map y = parts[0];
    std::vector<std::string> names{parts[0].name};
    for (std::size_t i = 1; i < parts.size(); ++i) {
      y.v.insert(y.v.end(), parts[i].v.begin(), parts[i].v.end());
      y.channels += parts[i].channels;
      names.push_back(parts[i].name);
    }
    y.name = fresh();
    return node(std::move(y), "Concat", names, {onnx_bytes::integer("axis", 1)});
  }
  Map shuffle(const Map& x, std::int64_t groups) {  // reshape, transpose, reshape
    const std::int64_t each_group = x.channels / groups;
    const std::string split = fresh(), turned = fresh();
    file.nodes.push_back(
        onnx_bytes::node("", "Reshape", {x.name, shape({0, groups, each_group, x.height, x.width})}, split));
    file.nodes.push_back(
        onnx_bytes::node("", "Transpose", {split}, turned, {onnx_bytes::ints("perm", {0, 2, 1, 3, 4})}));
    Map y = x;
    for (std::int64_t c = 0; c < x.channels; ++c)
      for (std::int64_t p = 0, area = x.height * x.width; p < area; ++p)
        y.v[static_cast<std::size_t>(c * area + p)] =
            x.v[static_cast<std::size_t>((c % groups * each_group + c / groups) * area + p)];
    y.name = fresh();
    return node(std::move(y), "Reshape", {turned, shape({0, x.channels, x.height, x.width})}, {});
  }
  // x.view(x.size(0), -1), as PyTorch exports it.
  Map view_flat(const Map& x) {
    const std::string all = fresh(), first = fresh(), batch = fresh(), target = fresh(), zero = fresh();
    file.initializers.push_back(onnx_bytes::tensor<std::int64_t>(zero, {}, 7, {0}));
    file.nodes.push_back(onnx_bytes::node("", "Shape", {x.name}, all));
    file.nodes.push_back(onnx_bytes::node("", "Gather", {all, zero}, first, {onnx_bytes::integer("axis", 0)}));
    file.nodes.push_back(onnx_bytes::node("", "Unsqueeze", {first, shape({0})}, batch));
    file.nodes.push_back(
        onnx_bytes::node("", "Concat", {batch, shape({-1})}, target, {onnx_bytes::integer("axis", 0)}));
    Map y{fresh(), x.channels * x.height * x.width, 1, 1, x.v, true};
    return node(std::move(y), "Reshape", {x.name, target}, {});
  }
  Map gemm(const Map& x, std::int64_t out) {
    const double reach = 1.7 / std::sqrt(static_cast<double>(x.v.size()));
    const auto weight = constant({out, static_cast<std::int64_t>(x.v.size())}, -reach, reach),
               bias = constant({out}, -0.2, 0.3);
    Map y{fresh(), out, 1, 1, bias.v, true};
    for (std::size_t o = 0; o < y.v.size(); ++o)
      for (std::size_t i = 0; i < x.v.size(); ++i) y.v[o] += weight.v[o * x.v.size() + i] * x.v[i];
    return node(std::move(y), "Gemm", {x.name, weight.name, bias.name}, {onnx_bytes::integer("transB", 1)});
  }
  Map softmax(const Map& x) {
    Map y = x;
    double sum = 0;
    for (double& v : y.v) sum += v = std::exp(v);
    for (double& v : y.v) v /= sum;
    y.name = fresh();
    return node(std::move(y), "Softmax", {x.name}, {onnx_bytes::integer("axis", 1)});
  }

 private:
  struct Constant {
    std::string name;
    std::vector<double> v;
  };
  double value(double low, double high) {
    return low + (high - low) * static_cast<double>(random_.below(1 << 20)) / (1 << 20);
  }
  std::string fresh() { return "v" + std::to_string(++count_); }
  Constant constant(const std::vector<std::int64_t>& dims, double low, double high) {
    std::size_t size = 1;
    for (const std::int64_t d : dims) size *= static_cast<std::size_t>(d);
    std::vector<float> values(size);
    for (float& v : values) v = static_cast<float>(value(low, high));
    const std::string name = fresh();
    file.initializers.push_back(onnx_bytes::floats(name, dims, values));
    return {name, {values.begin(), values.end()}};
  }
  std::string shape(const std::vector<std::int64_t>& values) {
    const std::string name = fresh();
    file.initializers.push_back(onnx_bytes::int64s(name, values));
    return name;
  }
  Map node(Map y, const char* type, const std::vector<std::string>& inputs,
           const std::vector<onnx_bytes::Pb>& attributes) {
    file.nodes.push_back(onnx_bytes::node("", type, inputs, y.name, attributes));
    return y;
  }
  template <class F>
  Map per_value(const Map& x, const char* type, const std::vector<std::string>& constants,
                const std::vector<onnx_bytes::Pb>& attributes, const F& f) {
    Map y = x;
    const std::size_t area = static_cast<std::size_t>(x.height * x.width);
    for (std::size_t i = 0; i < y.v.size(); ++i) y.v[i] = f(y.v[i], i / area);
    y.name = fresh();
    std::vector<std::string> inputs{x.name};
    inputs.insert(inputs.end(), constants.begin(), constants.end());
    return node(std::move(y), type, inputs, attributes);
  }
  std::vector<onnx_bytes::Pb> window(const Window& w, bool conv) {
    std::vector<onnx_bytes::Pb> out{onnx_bytes::ints("kernel_shape", {w.kernel, w.kernel}),
                                    onnx_bytes::ints("strides", {w.stride, w.stride}),
                                    onnx_bytes::ints("pads", w.pads)};
    if (conv) {
      out.push_back(onnx_bytes::ints("dilations", {w.dilation, w.dilation}));
      out.push_back(onnx_bytes::integer("group", w.groups));
    }
    return out;
  }
  std::vector<onnx_bytes::Pb> pool_window(const Window& w, bool average) {
    auto out = window(w, false);
    out.push_back(onnx_bytes::integer("ceil_mode", w.ceil));
    if (average) out.push_back(onnx_bytes::integer("count_include_pad", w.count_pads));
    return out;
  }
  Map emit(const char* type, const std::vector<std::string>& inputs, const std::vector<onnx_bytes::Pb>& attributes,
           std::int64_t channels, const Map& x, const Window& w) {
    const auto side = [&](std::int64_t size, std::int64_t before, std::int64_t after) {
      const std::int64_t room = size + before + after - (w.kernel - 1) * w.dilation - 1;
      std::int64_t count = (room + (w.ceil ? w.stride - 1 : 0)) / w.stride + 1;
      if (w.ceil && (count - 1) * w.stride >= size + before) --count;  // would start in the padding behind
      return count;
    };
    Map y{fresh(), channels, side(x.height, w.pads[0], w.pads[2]), side(x.width, w.pads[1], w.pads[3])};
    y.v.resize(static_cast<std::size_t>(y.channels * y.height * y.width));
    return node(std::move(y), type, inputs, attributes);
  }
  template <class F>
  static void each(Map& y, const F& f) {
    std::size_t at = 0;
    for (std::int64_t c = 0; c < y.channels; ++c)
      for (std::int64_t oy = 0; oy < y.height; ++oy)
        for (std::int64_t ox = 0; ox < y.width; ++ox) f(y.v[at++], c, oy, ox);
  }
  template <class F>
  static void taps(const Map& x, const Window& w, std::int64_t oy, std::int64_t ox, const F& f) {
    for (std::int64_t ky = 0; ky < w.kernel; ++ky)
      for (std::int64_t kx = 0; kx < w.kernel; ++kx) {
        const std::int64_t iy = oy * w.stride + ky * w.dilation - w.pads[0],
                           ix = ox * w.stride + kx * w.dilation - w.pads[1];
        if (iy >= 0 && iy < x.height && ix >= 0 && ix < x.width) f(iy, ix, ky, kx);
      }
  }

  SeededRandom random_;
  Map input_;
  int count_ = 0;
};

}  // namespace syn
