#include "report/energy.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace syn::report {

namespace {

// How many (target, tap) pairs along one axis lie inside the source.
double taps(std::int64_t source, std::int64_t target, std::int64_t kernel, std::int64_t stride, std::int64_t dilation,
            std::int64_t pad) {
  std::int64_t inside = 0;
  for (std::int64_t o = 0; o < target; ++o) {
    for (std::int64_t k = 0; k < kernel; ++k) {
      const std::int64_t at = o * stride - pad + k * dilation;
      inside += at >= 0 && at < source;
    }
  }
  return static_cast<double>(inside);
}

template <class Kernel>
double kernel_places(const Kernel& c, const snn::Shape& from, const snn::Shape& to) {
  return taps(from.height, to.height, c.kernel_height, c.stride_y, c.dilation_y, c.pad_top) *
         taps(from.width, to.width, c.kernel_width, c.stride_x, c.dilation_x, c.pad_left);
}

// Pooling adds without multiplying and an identity branch only adds; both are left out, for everyone.
struct MultiplyAdds {
  const snn::Shape &from, &to;
  double operator()(const snn::Conv& c) const { return kernel_places(c, from, to) * from.channels * to.channels; }
  double operator()(const snn::Dense&) const { return double(from.neurons()) * to.neurons(); }
  double operator()(const snn::Depthwise& d) const {
    const std::int64_t first = std::max<std::int64_t>(0, d.shift);
    const std::int64_t end = std::min<std::int64_t>(to.channels, std::int64_t{from.channels} + d.shift);
    return kernel_places(d, from, to) * static_cast<double>(std::max<std::int64_t>(0, end - first));
  }
  double operator()(const snn::OneToOne&) const { return 0; }
  double operator()(const snn::SumPool&) const { return 0; }
  double operator()(const snn::MaxPool&) const { return 0; }
};

bool has_neurons(const snn::Population& p) {
  return std::holds_alternative<snn::IntegrateAndFire>(p.kind) || std::holds_alternative<snn::Readout>(p.kind);
}

}  // namespace

Energy energy(const snn::Model& model, const Glass::Seen& seen) {
  SYN_ASSERT(seen.synaptic_events.size() == model.populations.size(), seen.synaptic_events.size());
  Energy e;
  for (const snn::Projection& p : model.projections) {
    e.dense += std::visit(MultiplyAdds{model.populations[p.from].shape, model.populations[p.to].shape}, p.connection);
  }
  const double inferences = static_cast<double>(std::max<std::uint64_t>(1, seen.inferences));
  for (std::size_t i = 0; i < model.populations.size(); ++i) {
    const snn::Population& p = model.populations[i];
    const double events = static_cast<double>(seen.synaptic_events[i]) / inferences;
    if (std::holds_alternative<snn::Source>(p.kind)) {
      e.pixel_events += events;
    } else {
      (p.greatest > 255 ? e.wide_events : e.graded_events) += events;
      e.binary_spikes += static_cast<double>(seen.synaptic_spikes[i]) / inferences;
    }
    if (!has_neurons(p)) continue;
    e.neurons += p.shape.neurons();
    e.updates += double(p.shape.neurons()) * model.steps;
  }
  using H = Horowitz;
  constexpr double kMicro = 1e-6;  // from picojoules
  e.network_float32 = (e.dense * H::mac_float32 + e.neurons * H::add_float32) * kMicro;
  e.network_int8 = (e.dense * H::mac_int8 + e.neurons * H::add_int32) * kMicro;
  const double pixels = e.pixel_events * H::mac_int8;
  if (model.code != snn::Code::step) {
    e.graded =
        (pixels + e.graded_events * H::mac_int8 + e.wide_events * H::mac_wide + e.neurons * H::add_int32) * kMicro;
  }
  e.binary = (pixels + e.binary_spikes * H::add_int32 + e.updates * H::add_int32) * kMicro;
  return e;
}

}  // namespace syn::report
