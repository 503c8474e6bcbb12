#include "conversion/patches.hpp"

#include <algorithm>

namespace syn {
namespace {

constexpr std::size_t kGreatestInputs = 1200;  // moments hold the square of it in doubles
constexpr std::size_t kSamples = 8000;

struct Window {
  std::int64_t kernel[2], stride[2], dilation[2], pad[2];
};
template <class W>
Window window_of(const W& w) {
  return {{w.kernel_height, w.kernel_width},
          {w.stride_y, w.stride_x},
          {w.dilation_y, w.dilation_x},
          {w.pad_top, w.pad_left}};
}

}  // namespace

Patches sample_patches(const snn::Connection& connection, const snn::Shape& to, const PatchSource& source) {
  const snn::Shape& from = source.population.shape;
  Window window{};
  if (const auto* conv = std::get_if<snn::Conv>(&connection)) {
    window = window_of(*conv);
  } else if (const auto* depthwise = std::get_if<snn::Depthwise>(&connection)) {
    window = window_of(*depthwise);
  } else if (std::holds_alternative<snn::Dense>(connection)) {
    window = {{from.height, from.width}, {1, 1}, {1, 1}, {0, 0}};
  } else {
    return {};
  }
  const auto taps = static_cast<std::size_t>(window.kernel[0] * window.kernel[1]);
  Patches out{.inputs = taps * from.channels, .counts = {}, .wanted = {}};
  const bool depthwise = std::holds_alternative<snn::Depthwise>(connection);
  if (!depthwise && out.inputs > kGreatestInputs) return {};
  const std::size_t positions = to.positions(), wanted = (kSamples + source.images - 1) / source.images,
                    each = std::min(positions, wanted);
  std::vector<Count> counts(from.neurons());
  const std::size_t rows = source.counts.rows();
  for (std::size_t image = 0; image < source.images && out.samples() < 2 * kSamples; ++image) {
    std::ranges::fill(counts, Count{0});
    for (std::size_t r = 0; r < rows; ++r) source.counts.add_to(image, r, counts);
    for (std::size_t k = 0; k < each; ++k) {
      // Positions spread over the map, others for each image.
      const std::size_t position = (image * 7919 + k * positions / each) % positions;
      const auto oy = static_cast<std::int64_t>(position / to.width),
                 ox = static_cast<std::int64_t>(position % to.width);
      for (std::int64_t ky = 0; ky < window.kernel[0]; ++ky) {
        for (std::int64_t kx = 0; kx < window.kernel[1]; ++kx) {
          const std::int64_t y = oy * window.stride[0] + ky * window.dilation[0] - window.pad[0],
                             x = ox * window.stride[1] + kx * window.dilation[1] - window.pad[1];
          const bool inside = y >= 0 && y < from.height && x >= 0 && x < from.width;
          const std::size_t at = inside ? static_cast<std::size_t>(y * from.width + x) * from.channels : 0;
          for (std::size_t c = 0; c < from.channels; ++c) {
            out.counts.push_back(inside ? static_cast<float>(counts[at + c]) / static_cast<float>(rows) : 0.f);
            if (source.floats.empty()) continue;
            const double value = inside ? source.floats[image * from.neurons() + at + c] : 0.f;
            out.wanted.push_back(static_cast<float>(value / source.population.amplitude[c]));
          }
        }
      }
    }
  }
  return out;
}

}  // namespace syn
