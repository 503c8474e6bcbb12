#include "conversion/ann/apply.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "conversion/ann/convolve.hpp"
#include "core/assert.hpp"

namespace syn::ann {
namespace {

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

// A map's positions; a vector is one position whose features are its channels.
std::size_t positions_of(const ValueShape& shape) {
  return static_cast<std::size_t>(elements(std::span(shape).subspan(1)));
}

float value_of(const Tensor& tensor, std::size_t channel) {
  return tensor.data[tensor.data.size() == 1 ? 0 : channel];
}

// x^-0.75 by square roots, which every machine rounds alike; other exponents need the library's pow.
float damping(double x, float beta) {
  const double root = std::sqrt(x);
  return static_cast<float>(beta == 0.75f ? 1 / (root * std::sqrt(root)) : std::pow(x, -double{beta}));
}

struct Apply {
  std::size_t images;
  std::span<const ValueShape* const> in_shapes;
  const ValueShape &in_shape, &out_shape;
  std::span<const std::span<const float>> inputs;
  const float* in;
  float* out;

  std::size_t total() const { return images * static_cast<std::size_t>(elements(in_shape)); }
  std::size_t channels() const { return static_cast<std::size_t>(in_shape[0]); }

  template <class F>
  void each(const F& f) const {
    const std::size_t n = total();
    for (std::size_t i = 0; i < n; ++i) out[i] = f(in[i]);
  }
  template <class F>  // f(value, channel)
  void each_channel(const F& f) const {
    const std::size_t n = total(), width = channels();
    for (std::size_t i = 0; i < n; i += width) {
      for (std::size_t c = 0; c < width; ++c) out[i + c] = f(in[i + c], c);
    }
  }

  void operator()(const Conv&) const { SYN_ASSERT(false); }
  void operator()(const Gemm&) const { SYN_ASSERT(false); }
  void operator()(const BatchNormalization& bn) const {
    std::vector<float> factor(channels());
    for (std::size_t c = 0; c < factor.size(); ++c) {
      factor[c] = static_cast<float>(double{bn.scale.data[c]} / std::sqrt(double{bn.variance.data[c]} + bn.epsilon));
    }
    each_channel([&](float x, std::size_t c) { return (x - bn.mean.data[c]) * factor[c] + bn.bias.data[c]; });
  }
  void operator()(const Affine& affine) const {
    std::vector<float> factor(channels()), shift(channels());
    for (std::size_t c = 0; c < factor.size(); ++c) {
      factor[c] = value_of(affine.factor, c);
      shift[c] = value_of(affine.shift, c);
    }
    each_channel([&](float x, std::size_t c) { return x * factor[c] + shift[c]; });
  }
  void operator()(const Relu&) const {
    each([](float x) { return x > 0 ? x : 0.f; });
  }
  void operator()(const LeakyRelu& relu) const {
    each([&](float x) { return x > 0 ? x : x * relu.slope; });
  }
  void operator()(const Clip& clip) const {
    each([&](float x) { return std::min(std::max(x, clip.low), clip.high); });
  }
  void operator()(const Floor&) const {
    each([](float x) { return std::floor(x); });
  }
  void operator()(const QuantisedRelu& relu) const {
    const auto levels = static_cast<float>(relu.levels);
    each_channel([&](float x, std::size_t c) {
      const float ceiling = value_of(relu.ceiling, c), level = std::floor(x * levels / ceiling + 0.5f);
      return (level < 0 ? 0.f : level > levels ? levels : level) / levels * ceiling;
    });
  }
  void operator()(const LocalResponseNormalization& lrn) const {
    const auto width = static_cast<std::int64_t>(channels());
    const std::int64_t before = (lrn.size - 1) / 2, after = lrn.size - 1 - before;
    std::vector<double> until(channels() + 1);  // sums of squares of the channels before
    for (std::size_t i = 0; i < total(); i += channels()) {
      for (std::size_t c = 0; c < channels(); ++c) until[c + 1] = until[c] + double{in[i + c]} * in[i + c];
      for (std::int64_t c = 0; c < width; ++c) {
        const double squares = until[static_cast<std::size_t>(std::min(width, c + after + 1))] -
                               until[static_cast<std::size_t>(std::max<std::int64_t>(0, c - before))];
        const std::size_t at = i + static_cast<std::size_t>(c);
        out[at] = in[at] * damping(lrn.bias + lrn.alpha / static_cast<double>(lrn.size) * squares, lrn.beta);
      }
    }
  }
  void operator()(const AveragePool& pool) const {
    const Extent i(in_shape), o(out_shape);
    for (std::size_t n = 0; n < images; ++n) {
      for_each_window(pool.geometry, i, o, [&](std::size_t oy, std::size_t ox, auto y0, auto y1, auto x0, auto x1) {
        float* to = out + n * o.size() + (oy * o.width + ox) * o.channels;
        std::fill_n(to, o.channels, 0.f);
        for (auto y = y0; y < y1; ++y) {
          for (auto x = x0; x < x1; ++x) {
            const float* from =
                in + n * i.size() + (static_cast<std::size_t>(y) * i.width + static_cast<std::size_t>(x)) * i.channels;
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
            const float* from =
                in + n * i.size() + (static_cast<std::size_t>(y) * i.width + static_cast<std::size_t>(x)) * i.channels;
            for (std::size_t c = 0; c < o.channels; ++c) to[c] = from[c] > to[c] ? from[c] : to[c];
          }
        }
      });
    }
  }
  void operator()(const Pad& pad) const {
    const Extent i(in_shape), o(out_shape);
    std::fill_n(out, images * o.size(), pad.value);
    for (std::size_t n = 0; n < images; ++n) {
      for (std::size_t y = 0; y < i.height; ++y) {
        const std::size_t row = (y + static_cast<std::size_t>(pad.begin[0])) * o.width;
        std::copy_n(in + n * i.size() + y * i.width * i.channels, i.width * i.channels,
                    out + n * o.size() + (row + static_cast<std::size_t>(pad.begin[1])) * o.channels);
      }
    }
  }
  void operator()(const Add&) const {  // in the order of the inputs
    for (std::size_t i = 0; i < total(); ++i) {
      float sum = in[i];
      for (std::size_t part = 1; part < inputs.size(); ++part) sum += inputs[part][i];
      out[i] = sum;
    }
  }
  void operator()(const Concat&) const {
    const std::size_t positions = images * positions_of(in_shape), width = static_cast<std::size_t>(out_shape[0]);
    std::size_t first = 0;
    for (std::size_t part = 0; part < inputs.size(); ++part) {
      const auto own = static_cast<std::size_t>((*in_shapes[part])[0]);
      for (std::size_t p = 0; p < positions; ++p)
        std::copy_n(inputs[part].data() + p * own, own, out + p * width + first);
      first += own;
    }
  }
  void operator()(const ChannelPermutation& permutation) const {
    for (std::size_t i = 0; i < total(); i += channels()) {
      for (std::size_t c = 0; c < channels(); ++c) out[i + c] = in[i + permutation.source[c]];
    }
  }
  void operator()(const Flatten&) const { reorder(); }
  void operator()(const Reshape&) const { reorder(); }
  // The order of the elements is ONNX's, channel-first; ours is channel-last on both sides.
  void reorder() const {
    const std::size_t size = total() / images;
    const std::size_t from_positions = positions_of(in_shape), from_channels = channels();
    const std::size_t positions = positions_of(out_shape), width = static_cast<std::size_t>(out_shape[0]);
    for (std::size_t n = 0; n < images; ++n) {
      const float* from = in + n * size;
      float* to = out + n * size;
      for (std::size_t c = 0, at = 0; c < width; ++c) {
        for (std::size_t p = 0; p < positions; ++p, ++at)
          to[p * width + c] = from[at % from_positions * from_channels + at / from_positions];
      }
    }
  }
  void operator()(const Softmax& softmax) const {  // over the channels of each position
    const std::size_t classes = channels();
    for (std::size_t i = 0; i < total(); i += classes) {
      const float* from = in + i;
      float* to = out + i;
      const float greatest = *std::max_element(from, from + classes);
      float sum = 0;
      for (std::size_t c = 0; c < classes; ++c) {
        const float e = std::exp(from[c] - greatest);
        to[c] = softmax.log ? from[c] - greatest : e;
        sum += e;
      }
      const float log_sum = std::log(sum);
      for (std::size_t c = 0; c < classes; ++c) to[c] = softmax.log ? to[c] - log_sum : to[c] / sum;
    }
  }
};

}  // namespace

bool works_in_place(const Operator& op) {
  return std::visit(
      []<class T>(const T&) {
        return std::is_same_v<T, BatchNormalization> || std::is_same_v<T, Affine> || std::is_same_v<T, Relu> ||
               std::is_same_v<T, LeakyRelu> || std::is_same_v<T, Clip> || std::is_same_v<T, Floor> ||
               std::is_same_v<T, QuantisedRelu> || std::is_same_v<T, Add>;
      },
      op);
}

void apply(const Operator& op, const NodeValues& v) {
  std::visit(Apply{v.images, v.in_shapes, *v.in_shapes[0], v.out_shape, v.in, v.in[0].data(), v.out.data()}, op);
}

}  // namespace syn::ann
