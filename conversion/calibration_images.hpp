// Which images calibrate, and how their pixels enter both networks. Private to conversion/.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "conversion/convert.hpp"

namespace syn {

struct CalibrationImages {
  std::vector<std::size_t> indices;     // ascending
  std::string digest;                   // SHA-256 over the SHA-256s of the images, in that order
  snn::Source source;                   // x in network units -> the pixel itself
  std::vector<double> amplitude;        // network units per grey level, per channel
  std::vector<double> zero;             // the grey level that stands for 0, per channel; empty: 0
  std::vector<double> mean, deviation;  // per channel
};

// A seeded sample without repetition. Refuses means and deviations that do not fit the channels.
Expected<CalibrationImages> draw_images(const data::Dataset& train, const ConvertOptions& options);

// x = (pixel / 255 - mean) / deviation. `pixels` is channel-first; `x` is channel-last, or as it is for a flat network.
void float_pixels(const CalibrationImages& images, const data::Shape& shape, ByteView pixels, bool channel_last,
                  std::span<float> x);

}  // namespace syn
