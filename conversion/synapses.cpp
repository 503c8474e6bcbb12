#include "conversion/synapses.hpp"

#include <algorithm>
#include <cmath>

#include "conversion/graph_edit.hpp"
#include "conversion/integer_rules.hpp"
#include "conversion/layer_rounding.hpp"
#include "core/text.hpp"

namespace syn {
namespace {

bool padded(const ann::Geometry& g) {
  return g.pad_begin[0] || g.pad_begin[1] || g.pad_end[0] || g.pad_end[1];
}
bool any(const std::vector<double>& zero) {
  return std::ranges::any_of(zero, [](double z) { return z != 0; });
}

using Real = RealProjection;

class Builder {
 public:
  Builder(const snn::Shape& to, const std::vector<double>& shift)
      : to_(to), outputs_(to.channels), bias_(shift.empty() ? std::vector<double>(outputs_) : shift) {}

  void add(const Term& term) {
    std::size_t channel = 0, feature = 0;  // of the value that is read, where the part begins
    for (const Reads& reads : term.parts) {
      if (!term.node) {
        add_identity(term, reads, channel);
      } else if (const auto* gemm = std::get_if<ann::Gemm>(&term.node->op)) {
        add_dense(term, *gemm, reads, channel, feature);
      } else {
        add_conv(term, std::get<ann::Conv>(term.node->op), reads, channel);
      }
      channel += reads.population.shape.channels;
      feature += reads.population.shape.neurons();
    }
    if (!term.node) return;
    const auto* gemm = std::get_if<ann::Gemm>(&term.node->op);
    const ann::Tensor& given = gemm ? gemm->bias : std::get<ann::Conv>(term.node->op).bias;
    for (std::size_t o = 0; o < given.data.size(); ++o) bias_[o] += gain(term, o) * given.data[o];
  }

  Expected<Synapses> quantised(bool readout, const Rounding& rounding, const std::string& place) {
    const std::vector<std::vector<Moments>> moments = learn(real_, bias_, rounding);
    std::vector<double> greatest(outputs_);
    std::vector<Identity> identities(outputs_);
    for (std::size_t i = 0; i < real_.size(); ++i) {
      const Real& real = real_[i];
      if (real.kind != Real::Kind::identity) {
        widen(real.targets(std::span(greatest)), real.value);
        continue;
      }
      for (std::size_t c = 0; c < real.value.size(); ++c) {
        Identity& identity = identities[real.first + c];
        identity.amplitude = std::max(identity.amplitude, std::abs(real.value[c]));
        identity.reach = std::max(identity.reach, std::abs(real.value[c]) * reach_[i]);
      }
    }
    Synapses out{.projections = {}, .unit = units_of(greatest, identities, bias_, readout), .bias = {}, .border = {}};
    const std::vector<std::vector<std::int8_t>> weights =
        round_weights(real_, moments, out.unit, readout, bias_, rounding);
    for (std::size_t i = 0; i < real_.size(); ++i) {
      const Real& real = real_[i];
      snn::Connection made = real.connection();
      if (real.kind == Real::Kind::identity) {
        set_multipliers(made, real, real.targets(std::span<const double>(out.unit)));
      } else {
        set_weights(made, weights[i]);
        out.weight_count += real.value.size();
      }
      out.projections.push_back({real.from, 0, std::move(made)});
    }
    for (std::size_t o = 0; o < outputs_; ++o) {
      const auto units = quantise_bias(bias_[o], out.unit[o]);
      if (!units) {
        return fail(text::cat("channel ", o, ": its bias is more than 2^30 times the unit of its weights"), place,
                    "train with weight decay, or prune the channel");
      }
      out.bias.push_back(*units);
    }
    if (!border_.empty()) {
      for (std::size_t n = 0; n < border_.size(); ++n) {
        const auto units = quantise_bias(bias_[n % outputs_] + border_[n], out.unit[n % outputs_]);
        if (!units) return fail("a bias at the border is too large", place, "train with weight decay");
        out.border.push_back(*units - out.bias[n % outputs_]);
      }
    }
    return out;
  }

 private:
  static double gain(const Term& term, std::size_t o) { return term.gain.empty() ? 1 : term.gain[o]; }

  // What a count of channel c says, and what comes to it at every tap over the source (`inside`) and, where the source
  // pads with its own zero, at the padding too (`everywhere`).
  struct Channel {
    double amplitude, inside, everywhere;
  };
  static Channel channel_of(const Term& term, const Reads& reads, std::size_t at, std::size_t c) {
    const double factor = term.factor.empty() ? 1 : term.factor[at + c],
                 shift = term.shift.empty() ? 0 : term.shift[at + c];
    const double amplitude = factor * reads.population.amplitude[c];
    const double zero = reads.zero.empty() ? 0 : -amplitude * reads.zero[c];
    const bool pads_itself = std::holds_alternative<snn::Source>(reads.population.kind);
    return pads_itself ? Channel{amplitude, shift, zero} : Channel{amplitude, shift + zero, 0};
  }

  Real& start(Real::Kind kind, const Reads& reads, std::size_t values) {
    real_.push_back({.kind = kind, .from = reads.index, .value = std::vector<double>(values)});
    reach_.push_back(reads.population.greatest);
    return real_.back();
  }

  void add_identity(const Term& term, const Reads& reads, std::size_t channel) {
    const std::size_t channels = reads.population.shape.channels;
    Real& real = start(Real::Kind::identity, reads, channels);
    real.first = channel;
    for (std::size_t c = 0; c < channels; ++c) {
      const Channel from = channel_of(term, reads, channel, c);
      real.value[c] = gain(term, channel + c) * from.amplitude;
      bias_[channel + c] += gain(term, channel + c) * (from.inside + from.everywhere);
    }
  }

  // The Gemm reads what Flatten made of [channel][position]; the population is [position][channel].
  void add_dense(const Term& term, const ann::Gemm& gemm, const Reads& reads, std::size_t channel,
                 std::size_t feature) {
    const snn::Shape& from = reads.population.shape;
    const std::size_t inputs = gemm.weight.data.size() / outputs_, positions = from.positions();
    Real& real = start(Real::Kind::dense, reads, std::size_t{from.neurons()} * outputs_);
    for (std::size_t p = 0; p < positions; ++p) {
      for (std::size_t c = 0; c < from.channels; ++c) {
        const Channel scale = channel_of(term, reads, channel, c);
        for (std::size_t o = 0; o < outputs_; ++o) {
          const double w = gain(term, o) * gemm.weight.data[o * inputs + feature + c * positions + p];
          real.value[(p * from.channels + c) * outputs_ + o] = w * scale.amplitude;
          bias_[o] += w * (scale.inside + scale.everywhere);
        }
      }
    }
  }

  void add_conv(const Term& term, const ann::Conv& conv, const Reads& reads, std::size_t channel) {
    const std::size_t channels = reads.population.shape.channels, groups = static_cast<std::size_t>(conv.groups),
                      per_group = static_cast<std::size_t>(conv.weight.shape[1]), all = per_group * groups,
                      taps = static_cast<std::size_t>(conv.geometry.kernel[0] * conv.geometry.kernel[1]);
    const bool depthwise = groups > 1 && per_group == 1 && outputs_ == all;
    Real& real = depthwise ? start(Real::Kind::depthwise, reads, taps * channels)
                           : start(Real::Kind::conv, reads, taps * channels * outputs_);
    real.geometry = &conv.geometry;
    real.first = depthwise ? channel : 0;
    std::vector<double> inside(taps * outputs_);  // the constants of each tap
    for (std::size_t tap = 0; tap < taps; ++tap) {
      for (std::size_t c = 0; c < channels; ++c) {
        const Channel scale = channel_of(term, reads, channel, c);
        const std::size_t group = (channel + c) / per_group, of_group = outputs_ / groups;
        for (std::size_t o = group * of_group; o < (group + 1) * of_group; ++o) {
          const double w = gain(term, o) * conv.weight.data[(o * per_group + (channel + c) % per_group) * taps + tap];
          real.value[depthwise ? tap * channels + c : (tap * channels + c) * outputs_ + o] = w * scale.amplitude;
          bias_[o] += w * scale.everywhere;
          inside[tap * outputs_ + o] += w * scale.inside;
        }
      }
    }
    for (std::size_t i = 0; i < inside.size(); ++i) bias_[i % outputs_] += inside[i];
    if (padded(conv.geometry) && any(inside)) take_from_border(conv.geometry, reads.population.shape, inside);
  }

  // Where a tap lies over padding, its constants are missing.
  void take_from_border(const ann::Geometry& g, const snn::Shape& from, std::span<const double> inside) {
    border_.resize(to_.neurons());
    for (std::uint32_t y = 0; y < to_.height; ++y) {
      for (std::uint32_t x = 0; x < to_.width; ++x) {
        double* here = border_.data() + (std::size_t{y} * to_.width + x) * outputs_;
        for (std::int64_t ky = 0; ky < g.kernel[0]; ++ky) {
          for (std::int64_t kx = 0; kx < g.kernel[1]; ++kx) {
            const std::int64_t iy = y * g.stride[0] + ky * g.dilation[0] - g.pad_begin[0],
                               ix = x * g.stride[1] + kx * g.dilation[1] - g.pad_begin[1];
            if (iy >= 0 && iy < from.height && ix >= 0 && ix < from.width) continue;
            const auto tap = static_cast<std::size_t>(ky * g.kernel[1] + kx);
            for (std::size_t o = 0; o < outputs_; ++o) here[o] -= inside[tap * outputs_ + o];
          }
        }
      }
    }
  }

  static void set_weights(snn::Connection& connection, std::vector<std::int8_t> weights) {
    if (auto* conv = std::get_if<snn::Conv>(&connection)) conv->weights = std::move(weights);
    if (auto* dense = std::get_if<snn::Dense>(&connection)) dense->weights = std::move(weights);
    if (auto* depthwise = std::get_if<snn::Depthwise>(&connection)) depthwise->weights = std::move(weights);
  }
  static void set_multipliers(snn::Connection& connection, const Real& real, std::span<const double> unit) {
    for (std::size_t c = 0; c < real.value.size(); ++c) {
      std::get<snn::OneToOne>(connection)
          .multiplier.push_back(static_cast<std::int32_t>(std::floor(real.value[c] / unit[c] + 0.5)));
    }
  }

  const snn::Shape& to_;
  std::size_t outputs_;
  std::vector<double> bias_;
  std::vector<double> border_;  // per neuron; empty: the bias is the same everywhere
  std::vector<Real> real_;
  std::vector<double> reach_;  // of each: the greatest count
};

}  // namespace

Expected<Synapses> make_synapses(std::span<const Term> terms, const std::vector<double>& shift, const snn::Shape& to,
                                 bool readout, const Rounding& rounding, const std::string& place) {
  Builder builder(to, shift);
  for (const Term& term : terms) builder.add(term);
  return builder.quantised(readout, rounding, place);
}

Expected<PoolProjection> make_pool(const ann::Node& node, const Reads& reads, const snn::Shape& to) {
  const snn::Population& from = reads.population;
  PoolProjection out{
      .projection = {reads.index, 0, {}}, .greatest = from.greatest, .amplitude = from.amplitude, .zero = reads.zero};
  if (const auto* max = std::get_if<ann::MaxPool>(&node.op)) {
    out.projection.connection = window_of<snn::MaxPool>(max->geometry);
    return out;
  }
  const auto& average = std::get<ann::AveragePool>(node.op);
  if (padded(average.geometry) && average.count_include_pad && any(reads.zero)) {
    return fail("padded pooling of pixels that have a mean is not supported", place_of(node),
                "use no padding, or no --mean");
  }
  auto sums = pool_sums(average, from.shape, to);
  if (!sums || sums->greatest * from.greatest > kGreatestCount) {
    return fail("its windows are too large, or too unequal, for sums of 15 bits", place_of(node),
                "pool in two steps, or with fewer --steps");
  }
  auto projection = window_of<snn::SumPool>(average.geometry);
  projection.multiplier = std::move(sums->multiplier);
  out.projection.connection = std::move(projection);
  out.greatest = static_cast<std::uint32_t>(sums->greatest * from.greatest);
  for (double& a : out.amplitude) a /= sums->lcm;
  for (double& z : out.zero) z *= sums->lcm;
  return out;
}

}  // namespace syn
