// Which images calibrate, and how their pixels enter both networks. Private to conversion/.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "conversion/convert.hpp"

namespace syn {

struct PixelCoding {
  snn::Source source;                   // x in network units -> the pixel itself
  std::vector<double> amplitude;        // network units per grey level, per channel
  std::vector<double> zero;             // the grey level that stands for 0, per channel; empty: 0
  std::vector<double> mean, deviation;  // per channel
};
// Refuses means and deviations that do not fit the channels.
Expected<PixelCoding> pixel_coding(const data::Dataset& train, const ConvertOptions& options);

// The first `wanted` of a seeded shuffle of 0..count-1: whoever draws more gets the same ones first.
std::vector<std::size_t> drawn_order(std::size_t count, std::uint64_t seed, std::size_t wanted);

struct CalibrationImages {
  std::vector<std::size_t> indices;  // ascending
  std::string digest;                // SHA-256 over the SHA-256s of the images, in that order
};
CalibrationImages draw_images(const data::Dataset& train, const ConvertOptions& options);

// x = (pixel / 255 - mean) / deviation. `pixels` is channel-first; `x` is channel-last, or as it is for a flat network.
void float_pixels(const PixelCoding& coding, const data::Shape& shape, ByteView pixels, bool channel_last,
                  std::span<float> x);

}  // namespace syn
