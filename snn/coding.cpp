#include "snn/coding.hpp"

#include <cmath>

#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::snn {

Expected<std::uint64_t> quantise(const Source& source, const Shape& shape, std::span<const float> x,
                                 std::span<Count> counts) {
  SYN_ASSERT(x.size() == shape.neurons() && counts.size() == shape.neurons(), x.size(), counts.size());
  SYN_ASSERT(source.scale.size() == shape.channels && source.zero.size() == shape.channels, source.scale.size());
  std::uint64_t clipped = 0;
  for (std::uint32_t c = 0; c < shape.channels; ++c) {
    for (std::uint32_t p = 0; p < shape.positions(); ++p) {
      const double value = x[std::size_t{c} * shape.positions() + p];
      if (std::isnan(value)) {
        return fail("the input holds a NaN", text::cat("channel ", c, ", position ", p),
                    "clean the input: only numbers can be coded");
      }
      const double q = std::floor(value * source.scale[c] + source.zero[c] + 0.5);
      const double kept = q < 0 ? 0 : q > 255 ? 255 : q;
      clipped += kept != q;
      counts[std::size_t{p} * shape.channels + c] = static_cast<Count>(kept);
    }
  }
  return clipped;
}

void quantise_pixels(const Shape& shape, std::span<const std::uint8_t> pixels, std::span<Count> counts) {
  SYN_ASSERT(pixels.size() == shape.neurons() && counts.size() == shape.neurons(), pixels.size(), counts.size());
  for (std::uint32_t c = 0; c < shape.channels; ++c) {
    for (std::uint32_t p = 0; p < shape.positions(); ++p) {
      counts[std::size_t{p} * shape.channels + c] = pixels[std::size_t{c} * shape.positions() + p];
    }
  }
}

}  // namespace syn::snn
