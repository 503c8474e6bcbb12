// A sample of what a projection reads over the calibration images. Private to conversion/.
#pragma once

#include "conversion/activity.hpp"
#include "conversion/rounding.hpp"
#include "snn/model.hpp"

namespace syn {

struct PatchSource {
  const snn::Population& population;
  const Activity& counts;
  std::span<const float> floats;  // [image][neuron] of the float network; empty: counts are exact (pixels)
  std::size_t images;
};

// Nothing if the projection reads more inputs than moments of them could be held, or has no weights.
Patches sample_patches(const snn::Connection& connection, const snn::Shape& to, const PatchSource& source);

}  // namespace syn
