#include "conversion/synapses.hpp"

#include <algorithm>

#include "conversion/integer_rules.hpp"
#include "core/text.hpp"

namespace syn {
namespace {

std::string at(const ann::Node& node) {
  return text::cat("node '", node.name, "' (", ann::name_of(node.op), ")");
}
std::uint32_t u32(std::int64_t v) {
  return static_cast<std::uint32_t>(v);
}

bool padded(const ann::Geometry& g) {
  return g.pad_begin[0] || g.pad_begin[1] || g.pad_end[0] || g.pad_end[1];
}
bool any(const std::vector<double>& zero) {
  return std::ranges::any_of(zero, [](double z) { return z != 0; });
}

// Real weights as [input][output], inputs in the order in which the projection keeps them, with the channel of each.
struct RealWeights {
  std::vector<double> value;
  std::vector<std::uint32_t> channel;  // per input
};

RealWeights real_weights(const ann::Conv& conv, const snn::Shape& from, std::size_t outputs) {
  const auto taps = static_cast<std::size_t>(conv.geometry.kernel[0] * conv.geometry.kernel[1]);
  RealWeights out;
  out.value.resize(conv.weight.data.size());
  for (std::size_t tap = 0; tap < taps; ++tap) {
    for (std::size_t i = 0; i < from.channels; ++i) {
      for (std::size_t o = 0; o < outputs; ++o) {
        out.value[(tap * from.channels + i) * outputs + o] = conv.weight.data[(o * from.channels + i) * taps + tap];
      }
      out.channel.push_back(static_cast<std::uint32_t>(i));
    }
  }
  return out;
}

// The Gemm reads what Flatten made of [channel][position]; the population is [position][channel].
RealWeights real_weights(const ann::Gemm& gemm, const snn::Shape& from, std::size_t outputs) {
  const std::size_t inputs = from.neurons(), positions = from.positions();
  RealWeights out;
  out.value.resize(gemm.weight.data.size());
  for (std::size_t p = 0; p < positions; ++p) {
    for (std::size_t c = 0; c < from.channels; ++c) {
      for (std::size_t o = 0; o < outputs; ++o) {
        out.value[(p * from.channels + c) * outputs + o] = gemm.weight.data[o * inputs + c * positions + p];
      }
      out.channel.push_back(static_cast<std::uint32_t>(c));
    }
  }
  return out;
}

template <class W>
void set_window(W& out, const ann::Geometry& g) {
  out.kernel_height = u32(g.kernel[0]);
  out.kernel_width = u32(g.kernel[1]);
  out.stride_y = u32(g.stride[0]);
  out.stride_x = u32(g.stride[1]);
  out.pad_top = static_cast<std::int32_t>(g.pad_begin[0]);
  out.pad_left = static_cast<std::int32_t>(g.pad_begin[1]);
}

}  // namespace

Expected<Synapses> make_synapses(const ann::Node& node, const Reads& reads, const snn::Shape& to, bool readout) {
  const snn::Population& from = reads.population;
  const auto* conv = std::get_if<ann::Conv>(&node.op);
  const std::size_t outputs = to.channels;
  if (conv && padded(conv->geometry) && any(reads.zero) && !std::holds_alternative<snn::Source>(from.kind)) {
    return fail("padding of pooled pixels that have a mean is not supported", at(node),
                "pad the pixels themselves, or use no --mean");
  }
  RealWeights real =
      conv ? real_weights(*conv, from.shape, outputs) : real_weights(std::get<ann::Gemm>(node.op), from.shape, outputs);
  const ann::Tensor& given = conv ? conv->bias : std::get<ann::Gemm>(node.op).bias;
  std::vector<double> bias(outputs);
  for (std::size_t o = 0; o < given.data.size(); ++o) bias[o] = given.data[o];
  for (std::size_t i = 0; i < real.channel.size(); ++i) {
    const std::size_t channel = real.channel[i];
    for (std::size_t o = 0; o < outputs; ++o) {
      double& w = real.value[i * outputs + o];
      w *= from.amplitude[channel];
      if (!reads.zero.empty()) bias[o] -= w * reads.zero[channel];
    }
  }
  QuantisedWeights quantised = quantise_weights(real.value, bias, readout);
  Synapses out{
      .connection = {}, .unit = std::move(quantised.unit), .bias = {}, .weight_count = quantised.weights.size()};
  for (std::size_t o = 0; o < outputs; ++o) {
    const auto units = quantise_bias(bias[o], out.unit[o]);
    if (!units) {
      return fail(text::cat("channel ", o, ": its bias is more than 2^30 times the unit of its weights"), at(node),
                  "train with weight decay, or prune the channel");
    }
    out.bias.push_back(*units);
  }
  if (conv) {
    snn::Conv projection;
    set_window(projection, conv->geometry);
    projection.dilation_y = u32(conv->geometry.dilation[0]);
    projection.dilation_x = u32(conv->geometry.dilation[1]);
    projection.weights = std::move(quantised.weights);
    out.connection = std::move(projection);
  } else {
    out.connection = snn::Dense{std::move(quantised.weights)};
  }
  return out;
}

Expected<PoolProjection> make_pool(const ann::Node& node, const Reads& reads, const snn::Shape& to) {
  const snn::Population& from = reads.population;
  PoolProjection out{.connection = {}, .greatest = from.greatest, .amplitude = from.amplitude, .zero = reads.zero};
  if (const auto* max = std::get_if<ann::MaxPool>(&node.op)) {
    snn::MaxPool projection;
    set_window(projection, max->geometry);
    out.connection = projection;
    return out;
  }
  const auto& average = std::get<ann::AveragePool>(node.op);
  if (padded(average.geometry) && average.count_include_pad && any(reads.zero)) {
    return fail("padded pooling of pixels that have a mean is not supported", at(node), "use no padding, or no --mean");
  }
  auto sums = pool_sums(average, from.shape, to);
  if (!sums || sums->greatest * from.greatest > kGreatestCount) {
    return fail("its windows are too large, or too unequal, for sums of 15 bits", at(node),
                "pool in two steps, or with fewer --steps");
  }
  snn::SumPool projection;
  set_window(projection, average.geometry);
  projection.multiplier = std::move(sums->multiplier);
  out.connection = std::move(projection);
  out.greatest = static_cast<std::uint32_t>(sums->greatest * from.greatest);
  for (double& a : out.amplitude) a /= sums->lcm;
  for (double& z : out.zero) z *= sums->lcm;
  return out;
}

}  // namespace syn
