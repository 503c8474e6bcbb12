// The class potentials: one scale for all, and a bias that brings the mean of each to the float network's.
#include <algorithm>
#include <cmath>

#include "conversion/converter.hpp"

namespace syn {

Expected<> Converter::add_readout(Making making, Synapses synapses) {
  snn::Population& target = making.target;
  const std::size_t classes = target.shape.channels;
  target.kind = snn::Readout{.bias = synapses.bias, .scale = synapses.unit[0]};
  target.amplitude.assign(classes, synapses.unit[0]);
  const std::vector<float>& floats = floats_of(making);
  std::vector<std::int64_t> sums(images_ * classes);
  auto ok = stage(making.layer)
                .for_each_sum(target, synapses.projections, images_,
                              [&](std::size_t, std::size_t image, std::span<const std::int64_t> now) {
                                std::ranges::copy(now, sums.begin() + static_cast<std::ptrdiff_t>(image * classes));
                              });
  if (!ok) return ok;
  auto& readout = std::get<snn::Readout>(target.kind);
  const double times = rows(), n = static_cast<double>(images_), unit = synapses.unit[0];
  double before = 0, after = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    std::int64_t said = 0, wanted = 0;
    for (std::size_t image = 0; image < images_; ++image) {
      said += sums[image * classes + k];
      wanted += SumHistogram::fixed(floats[image * classes + k] / unit);
    }
    const double error = static_cast<double>(said) / times / n + synapses.bias[k] -
                         static_cast<double>(wanted) / SumHistogram::kTargetScale / n;
    const double shift = options_.bias_correction && !exact_ ? -std::floor(error + 0.5) : 0;
    readout.bias[k] += static_cast<std::int32_t>(std::clamp(shift, -double{1 << 29}, double{1 << 29}));
    making.report.channels.push_back(
        {.bias_shift = unit * shift, .mean_error_before = unit * error, .mean_error_after = unit * (error + shift)});
    before += unit * unit * error * error;
    after += unit * unit * (error + shift) * (error + shift);
  }
  making.report.mean_error_before = std::sqrt(before / static_cast<double>(classes));
  making.report.mean_error_after = std::sqrt(after / static_cast<double>(classes));
  append(std::move(making), std::move(synapses.projections));
  return {};
}

}  // namespace syn
