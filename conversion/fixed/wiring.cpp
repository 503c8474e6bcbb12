#include "conversion/fixed/wiring.hpp"

#include <algorithm>
#include <optional>

#include "core/text.hpp"

namespace syn::fixed {
namespace {

namespace real = snn::real;

constexpr std::uint64_t kMostWeights = std::uint64_t{1} << 26;

// One value a channel, where all neurons of one have the same.
std::optional<std::vector<double>> per_channel(const std::vector<double>& values, const Side& side) {
  const std::size_t positions = side.shape.positions();
  std::vector<double> out(side.shape.channels, 1);
  if (values.empty()) return out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % positions == 0) out[i / positions] = values[i];
    if (values[i] != out[i / positions]) return {};
  }
  return out;
}

class Maker {
 public:
  Maker(const Side& from, const Side& to, const std::vector<double>& amplitude, const std::vector<double>& factor,
        const std::vector<double>& gain)
      : from_(from), to_(to), amplitude_(amplitude), factor_(factor), gain_(gain) {}

  using Made = std::expected<Wire, std::string>;

  Made operator()(const real::Dense& dense) {
    if (to_.shape.positions() != 1)
      return refuse("it leads all to all into a grid: integer dense synapses need a flat target");
    const std::size_t n = from_.place.size(), m = to_.place.size();
    if (std::uint64_t{n} * m > kMostWeights) return refuse("it has too many weights");
    Wire wire{.connection = snn::Dense{}, .weights = std::vector<double>(n * m)};
    for (std::size_t o = 0; o < m; ++o)
      for (std::size_t i = 0; i < n; ++i)
        wire.weights[from_.place[i] * m + to_.place[o]] = double{dense.weights[o * n + i]} * source(i) * gain_[o];
    return wire;
  }

  Made operator()(const real::Sparse& sparse) {
    if (to_.shape.positions() != 1)
      return refuse("it leads all to all into a grid: integer dense synapses need a flat target");
    const std::size_t m = to_.place.size();
    if (std::uint64_t{from_.place.size()} * m > kMostWeights)
      return refuse("it has too many weights, as they become dense");
    Wire wire{.connection = snn::Dense{}, .weights = std::vector<double>(from_.place.size() * m)};
    for (std::size_t o = 0; o < m; ++o)
      for (std::uint32_t e = sparse.row[o]; e < sparse.row[o + 1]; ++e) {
        const std::uint32_t i = sparse.source[e];
        wire.weights[from_.place[i] * m + to_.place[o]] += double{sparse.weights[e]} * source(i) * gain_[o];
      }
    return wire;
  }

  Made operator()(const real::Conv& conv) {
    const auto gain = per_channel(gain_, to_), factor = per_channel(factor_, from_);
    if (!gain || !factor) return refuse("neurons of one channel differ in what they make of a shared kernel");
    const std::size_t in = from_.shape.channels, out = to_.shape.channels,
                      area = std::size_t{conv.kernel[0]} * conv.kernel[1];
    const std::size_t group_in = in / conv.groups, group_out = out / conv.groups;
    const auto weight = [&](std::size_t o, std::size_t i, std::size_t tap) {  // i within the group
      const std::size_t source = o / group_out * group_in + i;
      return double{conv.weights[(o * group_in + i) * area + tap]} * amplitude_[source] * (*factor)[source] *
             (*gain)[o];
    };
    Wire wire;
    if (conv.groups > 1 && conv.groups == in && in == out) {
      snn::Depthwise depthwise;
      place(conv, depthwise);
      wire.connection = depthwise;
      wire.weights.resize(area * in);
      for (std::size_t tap = 0; tap < area; ++tap)
        for (std::size_t c = 0; c < in; ++c) wire.weights[tap * in + c] = weight(c, 0, tap);
      return wire;
    }
    if (std::uint64_t{area} * in * out > kMostWeights) return refuse("it has too many weights");
    snn::Conv full;
    place(conv, full);
    wire.connection = full;
    wire.weights.resize(area * in * out);  // with zeros between groups
    for (std::size_t o = 0; o < out; ++o)
      for (std::size_t i = 0; i < group_in; ++i)
        for (std::size_t tap = 0; tap < area; ++tap)
          wire.weights[(tap * in + o / group_out * group_in + i) * out + o] = weight(o, i, tap);
    return wire;
  }

  Made operator()(const real::Pool& pool) {
    const auto gain = per_channel(gain_, to_), factor = per_channel(factor_, from_);
    if (!gain || !factor) return refuse("neurons of one channel differ in what they make of a pooled sum");
    snn::Depthwise depthwise;
    place(pool, depthwise);
    const std::size_t area = std::size_t{pool.kernel[0]} * pool.kernel[1], channels = from_.shape.channels;
    Wire wire{.connection = depthwise, .weights = std::vector<double>(area * channels)};
    const double share = pool.average ? 1.0 / static_cast<double>(area) : 1.0;
    for (std::size_t i = 0; i < wire.weights.size(); ++i) {
      const std::size_t c = i % channels;
      wire.weights[i] = share * amplitude_[c] * (*factor)[c] * (*gain)[c];
    }
    return wire;
  }

  Made operator()(const real::Scale& scale) { return identity(scale.factors); }
  Made operator()(const real::Identity&) { return identity({1.0f}); }
  Made operator()(const real::Delays&) { return identity({1.0f}); }  // which neuron, and how late, is the term's

 private:
  static std::unexpected<std::string> refuse(std::string what) { return std::unexpected(std::move(what)); }
  // What a unit of float source neuron i is, in counts.
  double source(std::size_t i) const {
    return amplitude_[i / from_.shape.positions()] * (factor_.empty() ? 1.0 : factor_[i]);
  }

  template <class W>
  static void place(const auto& window, W& out) {
    out.kernel_height = window.kernel[0], out.kernel_width = window.kernel[1];
    out.stride_y = window.stride[0], out.stride_x = window.stride[1];
    out.pad_top = static_cast<std::int32_t>(window.pad_begin[0]);
    out.pad_left = static_cast<std::int32_t>(window.pad_begin[1]);
    if constexpr (requires { window.dilation; })
      out.dilation_y = window.dilation[0], out.dilation_x = window.dilation[1];
  }

  Made identity(const std::vector<float>& scale) {
    const std::size_t n = from_.place.size();
    std::vector<double> weights(n);
    for (std::size_t i = 0; i < n; ++i) weights[i] = double{scale[scale.size() == 1 ? 0 : i]} * source(i) * gain_[i];
    if (from_.shape == to_.shape) {
      const auto channels = per_channel(weights, from_);
      if (!channels) return refuse("neurons of one channel are joined one to one with weights of their own");
      return Wire{.connection = snn::OneToOne{}, .weights = *channels};
    }
    // A grid seen flat: dense, with zeros everywhere else.
    if (to_.shape.positions() != 1 || std::uint64_t{n} * n > kMostWeights)
      return refuse("it joins grids of different shape one to one");
    Wire wire{.connection = snn::Dense{}, .weights = std::vector<double>(n * n)};
    for (std::size_t i = 0; i < n; ++i) wire.weights[from_.place[i] * n + to_.place[i]] = weights[i];
    return wire;
  }

  const Side &from_, &to_;
  const std::vector<double>&amplitude_, &factor_, &gain_;
};

}  // namespace

std::expected<Side, std::string> side_of(const real::Shape& shape) {
  Side side{.real = shape, .shape = {}, .place = {}};
  if (shape.size() > 3 || shape.empty())
    return std::unexpected(text::cat("its shape has ", shape.size(), " axes; up to 3 are possible"));
  for (const std::uint32_t s : shape)
    if (s > 1 << 16) return std::unexpected(text::cat("a side of its shape is ", s, ", above 65536"));
  if (shape.size() == 1) side.shape = {1, 1, shape[0]};
  if (shape.size() == 2) side.shape = {1, shape[1], shape[0]};
  if (shape.size() == 3) side.shape = {shape[1], shape[2], shape[0]};
  const std::uint64_t neurons = real::neurons_of(shape);
  if (neurons > std::uint64_t{1} << 26) return std::unexpected("it has too many neurons");
  const std::uint32_t positions = side.shape.positions();
  for (std::uint32_t i = 0; i < neurons; ++i) side.place.push_back(i % positions * side.shape.channels + i / positions);
  return side;
}

std::expected<Wire, std::string> wire_of(const real::Connection& connection, const Side& from, const Side& to,
                                         const std::vector<double>& amplitude, const std::vector<double>& factor,
                                         const std::vector<double>& gain) {
  return std::visit(Maker(from, to, amplitude, factor, gain), connection);
}

std::vector<double> bias_of(const real::Connection& connection, const Side& to) {
  return std::visit(
      [&](const auto& c) -> std::vector<double> {
        if constexpr (requires { c.bias; }) {
          if (c.bias.empty()) return {};
          const std::size_t each = to.place.size() / c.bias.size();  // of a convolution one a channel
          std::vector<double> out(to.place.size());
          for (std::size_t i = 0; i < out.size(); ++i) out[i] = c.bias[i / each];
          return out;
        }
        return {};
      },
      connection);
}

}  // namespace syn::fixed
