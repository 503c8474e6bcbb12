#include "conversion/ann/executor.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "conversion/ann/multiply.hpp"
#include "conversion/parallel.hpp"
#include "core/assert.hpp"

namespace syn::ann {
namespace {

constexpr std::size_t kBlock = 12;  // images a task: enough positions for a Gemm's tiles, little memory

// A convolution or Gemm ready for `multiply`: weights with the output channel innermost, padded.
struct Packed {
  std::vector<float> weights = {},
                     bias = {};  // per group: [tap][input channel of the group][padded output channel of the group]
  std::size_t groups = 1, in_per_group = 0, out_per_group = 0, padded = 0;
};

Packed pack(const Tensor& weight, const Tensor& bias, std::size_t groups, std::size_t taps) {
  const auto out = static_cast<std::size_t>(weight.shape[0]);
  Packed packed{.groups = groups, .in_per_group = weight.data.size() / out / taps, .out_per_group = out / groups};
  packed.padded = padded_channels(packed.out_per_group);
  const std::size_t one = taps * packed.in_per_group * packed.padded;
  packed.weights.assign(groups * one, 0.f);
  packed.bias.assign(groups * packed.padded, 0.f);
  for (std::size_t o = 0; o < out; ++o) {
    const std::size_t group = o / packed.out_per_group, column = o % packed.out_per_group;
    if (!bias.data.empty()) packed.bias[group * packed.padded + column] = bias.data[o];
    for (std::size_t i = 0; i < packed.in_per_group; ++i) {
      for (std::size_t t = 0; t < taps; ++t) {
        packed.weights[group * one + (t * packed.in_per_group + i) * packed.padded + column] =
            weight.data[(o * packed.in_per_group + i) * taps + t];
      }
    }
  }
  return packed;
}

struct Extent {
  std::size_t channels, height, width;
  explicit Extent(const ValueShape& s)
      : channels(static_cast<std::size_t>(s[0])),
        height(static_cast<std::size_t>(s[1])),
        width(static_cast<std::size_t>(s[2])) {}
  std::size_t size() const { return channels * height * width; }
};

// With stride 1 all rows of the padded image are one run of positions, of which the last few of each row are thrown
// away; that keeps the register tile full on small maps. With a stride each output row is a run.
void convolve(const Conv& conv, const Packed& packed, Extent in, Extent out, const float* x, float* y,
              Scratch& scratch) {
  const Geometry& g = conv.geometry;
  const auto top = static_cast<std::size_t>(g.pad_begin[0]), left = static_cast<std::size_t>(g.pad_begin[1]);
  const std::size_t width = in.width + left + static_cast<std::size_t>(g.pad_end[1]);
  const std::size_t height = in.height + top + static_cast<std::size_t>(g.pad_end[0]);
  if (width != in.width || height != in.height) {
    scratch.padded.assign(height * width * in.channels, 0.f);
    for (std::size_t row = 0; row < in.height; ++row) {
      std::copy_n(x + row * in.width * in.channels, in.width * in.channels,
                  scratch.padded.data() + ((row + top) * width + left) * in.channels);
    }
    x = scratch.padded.data();
  }
  std::vector<std::size_t> offsets;
  for (std::int64_t ky = 0; ky < g.kernel[0]; ++ky) {
    for (std::int64_t kx = 0; kx < g.kernel[1]; ++kx) {
      offsets.push_back(
          (static_cast<std::size_t>(ky * g.dilation[0]) * width + static_cast<std::size_t>(kx * g.dilation[1])) *
          in.channels);
    }
  }
  const bool dense = g.stride[0] == 1 && g.stride[1] == 1;
  const std::size_t pitch = dense ? width : out.width;  // tile positions per output row
  const std::size_t per_run = dense ? (out.height - 1) * width + out.width : out.width;
  scratch.tile.resize(per_run * packed.padded);
  const std::size_t group_weights = offsets.size() * packed.in_per_group * packed.padded;
  for (std::size_t group = 0; group < packed.groups; ++group) {
    for (std::size_t row = 0; row < out.height; row += dense ? out.height : 1) {
      multiply(
          {.in = x + row * static_cast<std::size_t>(g.stride[0]) * width * in.channels + group * packed.in_per_group,
           .in_stride = static_cast<std::size_t>(g.stride[1]) * in.channels,
           .positions = per_run,
           .offsets = offsets,
           .taps_length = packed.in_per_group,
           .weights = packed.weights.data() + group * group_weights,
           .bias = packed.bias.data() + group * packed.padded,
           .channels = packed.padded,
           .out = scratch.tile.data()});
      const std::size_t rows = dense ? out.height : 1;
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t column = 0; column < out.width; ++column) {
          std::copy_n(scratch.tile.data() + (r * pitch + column) * packed.padded, packed.out_per_group,
                      y + ((row + r) * out.width + column) * out.channels + group * packed.out_per_group);
        }
      }
    }
  }
}

// Calls visit(output position, first row, last row, first column, last column) with the part of each window that lies
// inside the image; windows step by the dilation.
template <class Visit>
void for_each_window(const Geometry& g, Extent in, Extent out, const Visit& visit) {
  const auto part = [&](std::size_t index, int axis, std::size_t size, std::int64_t& begin, std::int64_t& end) {
    begin = static_cast<std::int64_t>(index) * g.stride[axis] - g.pad_begin[axis];
    end = std::min(begin + (g.kernel[axis] - 1) * g.dilation[axis] + 1, static_cast<std::int64_t>(size));
    while (begin < 0) begin += g.dilation[axis];
  };
  for (std::size_t oy = 0; oy < out.height; ++oy) {
    for (std::size_t ox = 0; ox < out.width; ++ox) {
      std::int64_t y0, y1, x0, x1;
      part(oy, 0, in.height, y0, y1);
      part(ox, 1, in.width, x0, x1);
      visit(oy, ox, y0, y1, x0, x1);
    }
  }
}

// How many values ONNX divides a window's sum by: its cells inside the image, or inside the padded image.
std::int64_t divisor(const AveragePool& pool, Extent in, std::size_t oy, std::size_t ox, std::int64_t inside) {
  if (!pool.count_include_pad) return inside;
  const Geometry& g = pool.geometry;
  std::int64_t cells = 1;
  const std::size_t index[2] = {oy, ox}, size[2] = {in.height, in.width};
  for (int axis = 0; axis < 2; ++axis) {
    const std::int64_t begin = static_cast<std::int64_t>(index[axis]) * g.stride[axis] - g.pad_begin[axis];
    cells *= std::min(begin + g.kernel[axis], static_cast<std::int64_t>(size[axis]) + g.pad_end[axis]) - begin;
  }
  return cells;
}

}  // namespace

struct Executor::Impl {
  Graph graph;
  std::map<std::string, ValueShape> shapes;
  std::vector<Packed> packed;  // one a node, empty where there is nothing to pack

  struct Run {
    const Impl& impl;
    const Packed& packed;
    const ValueShape &in_shape, &out_shape;
    std::size_t images;
    const float* in;
    float* out;
    Scratch& scratch;

    void operator()(const Conv& conv) const {
      const Extent i(in_shape), o(out_shape);
      for (std::size_t n = 0; n < images; ++n)
        convolve(conv, packed, i, o, in + n * i.size(), out + n * o.size(), scratch);
    }
    void operator()(const Gemm&) const {
      const std::size_t zero = 0, features = packed.in_per_group;
      scratch.tile.resize(images * packed.padded);
      multiply({.in = in,
                .in_stride = features,
                .positions = images,
                .offsets = {&zero, 1},
                .taps_length = features,
                .weights = packed.weights.data(),
                .bias = packed.bias.data(),
                .channels = packed.padded,
                .out = scratch.tile.data()});
      for (std::size_t n = 0; n < images; ++n) {
        std::copy_n(scratch.tile.data() + n * packed.padded, packed.out_per_group, out + n * packed.out_per_group);
      }
    }
    void operator()(const BatchNormalization& bn) const {
      const std::size_t channels = bn.scale.data.size(), total = images * static_cast<std::size_t>(elements(in_shape));
      for (std::size_t c = 0; c < channels; ++c) {
        const auto factor =
            static_cast<float>(double{bn.scale.data[c]} / std::sqrt(double{bn.variance.data[c]} + bn.epsilon));
        for (std::size_t i = c; i < total; i += channels) out[i] = (in[i] - bn.mean.data[c]) * factor + bn.bias.data[c];
      }
    }
    void operator()(const Relu&) const {
      const std::size_t total = images * static_cast<std::size_t>(elements(in_shape));
      for (std::size_t i = 0; i < total; ++i) out[i] = in[i] > 0 ? in[i] : 0.f;
    }
    void operator()(const AveragePool& pool) const {
      const Extent i(in_shape), o(out_shape);
      for (std::size_t n = 0; n < images; ++n) {
        for_each_window(pool.geometry, i, o, [&](std::size_t oy, std::size_t ox, auto y0, auto y1, auto x0, auto x1) {
          float* to = out + n * o.size() + (oy * o.width + ox) * o.channels;
          std::fill_n(to, o.channels, 0.f);
          for (auto y = y0; y < y1; ++y) {
            for (auto x = x0; x < x1; ++x) {
              const float* from = in + n * i.size() +
                                  (static_cast<std::size_t>(y) * i.width + static_cast<std::size_t>(x)) * i.channels;
              for (std::size_t c = 0; c < o.channels; ++c) to[c] += from[c];
            }
          }
          const auto by = static_cast<float>(divisor(pool, i, oy, ox, (y1 - y0) * (x1 - x0)));
          for (std::size_t c = 0; c < o.channels; ++c) to[c] /= by;
        });
      }
    }
    void operator()(const MaxPool& pool) const {
      const Extent i(in_shape), o(out_shape);
      for (std::size_t n = 0; n < images; ++n) {
        for_each_window(pool.geometry, i, o, [&](std::size_t oy, std::size_t ox, auto y0, auto y1, auto x0, auto x1) {
          float* to = out + n * o.size() + (oy * o.width + ox) * o.channels;
          std::fill_n(to, o.channels, -std::numeric_limits<float>::infinity());
          for (auto y = y0; y < y1; y += pool.geometry.dilation[0]) {
            for (auto x = x0; x < x1; x += pool.geometry.dilation[1]) {
              const float* from = in + n * i.size() +
                                  (static_cast<std::size_t>(y) * i.width + static_cast<std::size_t>(x)) * i.channels;
              for (std::size_t c = 0; c < o.channels; ++c) to[c] = from[c] > to[c] ? from[c] : to[c];
            }
          }
        });
      }
    }
    void operator()(const Flatten&) const {  // to ONNX's order: channel-first
      if (in_shape.size() == 1) {
        std::copy_n(in, images * static_cast<std::size_t>(in_shape[0]), out);
        return;
      }
      const Extent e(in_shape);
      const std::size_t positions = e.height * e.width;
      for (std::size_t n = 0; n < images; ++n) {
        for (std::size_t p = 0; p < positions; ++p) {
          for (std::size_t c = 0; c < e.channels; ++c)
            out[n * e.size() + c * positions + p] = in[n * e.size() + p * e.channels + c];
        }
      }
    }
    void operator()(const Softmax&) const {
      const auto classes = static_cast<std::size_t>(in_shape[0]);
      for (std::size_t n = 0; n < images; ++n) {
        const float* from = in + n * classes;
        float* to = out + n * classes;
        const float greatest = *std::max_element(from, from + classes);
        float sum = 0;
        for (std::size_t c = 0; c < classes; ++c) sum += to[c] = std::exp(from[c] - greatest);
        for (std::size_t c = 0; c < classes; ++c) to[c] /= sum;
      }
    }
  };
};

Executor::Executor(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Executor::Executor(Executor&&) noexcept = default;
Executor& Executor::operator=(Executor&&) noexcept = default;
Executor::~Executor() = default;

Expected<Executor> Executor::make(Graph graph) {
  auto all = ann::shapes(graph);
  if (!all) return fail(all.error());
  auto impl = std::make_unique<Impl>();
  impl->graph = std::move(graph);
  impl->shapes = std::move(*all);
  for (const Node& node : impl->graph.nodes) {
    Packed packed;
    if (const auto* conv = std::get_if<Conv>(&node.op)) {
      packed = pack(conv->weight, conv->bias, static_cast<std::size_t>(conv->groups),
                    static_cast<std::size_t>(conv->geometry.kernel[0] * conv->geometry.kernel[1]));
    } else if (const auto* gemm = std::get_if<Gemm>(&node.op)) {
      packed = pack(gemm->weight, gemm->bias, 1, 1);
    }
    impl->packed.push_back(std::move(packed));
  }
  return Executor(std::move(impl));
}

const Graph& Executor::graph() const {
  return impl_->graph;
}
const ValueShape& Executor::shape(const std::string& value) const {
  return impl_->shapes.at(value);
}

void Executor::run_node(std::size_t node, std::size_t images, std::span<const float> in, std::span<float> out,
                        Scratch& scratch) const {
  const Node& n = impl_->graph.nodes[node];
  SYN_ASSERT(in.size() == images * size(n.inputs[0]) && out.size() == images * size(n.output), in.size(), out.size());
  std::visit(Impl::Run{*impl_, impl_->packed[node], shape(n.inputs[0]), shape(n.output), images, in.data(), out.data(),
                       scratch},
             n.op);
}

std::map<std::string, std::vector<float>> Executor::values(std::span<const float> batch) const {
  const std::size_t one = size(impl_->graph.input), images = batch.size() / one;
  SYN_ASSERT(batch.size() == images * one, batch.size(), one);
  std::map<std::string, std::vector<float>> out;
  std::vector<float>& input = out[impl_->graph.input];
  input.resize(batch.size());
  for (std::size_t n = 0; n < images; ++n) {
    to_channel_last(shape(impl_->graph.input), batch.subspan(n * one, one), std::span(input).subspan(n * one, one));
  }
  Scratch scratch;
  for (std::size_t node = 0; node < impl_->graph.nodes.size(); ++node) {
    const Node& n = impl_->graph.nodes[node];
    std::vector<float> result(images * size(n.output));
    run_node(node, images, out.at(n.inputs[0]), result, scratch);
    out[n.output] = std::move(result);
  }
  return out;
}

std::vector<float> Executor::run(std::span<const float> batch, std::uint32_t threads) const {
  const Graph& graph = impl_->graph;
  const std::size_t one = size(graph.input), classes = size(graph.output), images = batch.size() / one;
  SYN_ASSERT(batch.size() == images * one, batch.size(), one);
  std::vector<float> out(images * classes);
  std::vector<std::pair<std::map<std::string, std::vector<float>>, Scratch>> workers(std::max(1u, threads));
  std::map<std::string, std::size_t> last_reader;
  for (std::size_t node = 0; node < graph.nodes.size(); ++node) last_reader[graph.nodes[node].inputs[0]] = node;
  parallel_blocks(images, kBlock, threads, [&](std::size_t worker, std::size_t begin, std::size_t end) {
    auto& [values, scratch] = workers[worker];
    const std::size_t n = end - begin;
    values[graph.input].resize(n * one);
    for (std::size_t i = 0; i < n; ++i) {
      to_channel_last(shape(graph.input), batch.subspan((begin + i) * one, one),
                      std::span(values[graph.input]).subspan(i * one, one));
    }
    for (std::size_t node = 0; node < graph.nodes.size(); ++node) {
      const Node& step = graph.nodes[node];
      auto& result = values[step.output];
      auto& in = values[step.inputs[0]];
      if (std::holds_alternative<Relu>(step.op) && last_reader[step.inputs[0]] == node &&
          step.inputs[0] != graph.output) {
        for (float& v : in) v = v > 0 ? v : 0.f;  // in place: nobody reads it afterwards
        std::swap(in, result);
        continue;
      }
      result.resize(n * size(step.output));
      run_node(node, n, in, result, scratch);
    }
    auto& result = values[graph.output];
    const auto& s = shape(graph.output);
    for (std::size_t i = 0; i < n; ++i) {  // back to ONNX's order
      const std::size_t channels = s.size() == 3 ? static_cast<std::size_t>(s[0]) : classes,
                        positions = classes / channels;
      for (std::size_t p = 0; p < positions; ++p) {
        for (std::size_t c = 0; c < channels; ++c) {
          out[(begin + i) * classes + (positions == 1 ? c : c * positions + p)] =
              result[i * classes + p * channels + c];
        }
      }
    }
  });
  return out;
}

void to_channel_last(const ValueShape& shape, std::span<const float> from, std::span<float> to) {
  if (shape.size() == 1 || shape[0] == 1) {
    std::ranges::copy(from, to.begin());
    return;
  }
  const auto channels = static_cast<std::size_t>(shape[0]);
  const std::size_t positions = from.size() / channels;
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t p = 0; p < positions; ++p) to[p * channels + c] = from[c * positions + p];
  }
}

}  // namespace syn::ann
