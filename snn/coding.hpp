// How the world's numbers become counts: quantised once, where they enter (design: "inputs quantised once").
#pragma once

#include <cstdint>
#include <span>

#include "core/error.hpp"
#include "snn/model.hpp"

namespace syn::snn {

// q = clamp(floor(x * scale + zero + 1/2), 0, 255) per channel. `x` is one sample, channel-first as images are
// (channels, height, width); `counts` is channel-last. Returns how many values were clipped; NaN is refused.
Expected<std::uint64_t> quantise(const Source& source, const Shape& shape, std::span<const float> x,
                                 std::span<Count> counts);

// The same for a byte image whose normalisation the model was converted with: q is the pixel itself, only the layout
// changes.
void quantise_pixels(const Shape& shape, std::span<const std::uint8_t> pixels, std::span<Count> counts);

}  // namespace syn::snn
