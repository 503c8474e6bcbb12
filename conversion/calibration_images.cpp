#include "conversion/calibration_images.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/random.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"

namespace syn {
namespace {

Expected<std::vector<double>> per_channel(const std::vector<float>& given, double otherwise, std::size_t channels,
                                          const char* option) {
  if (given.empty()) return std::vector<double>(channels, otherwise);
  if (given.size() != 1 && given.size() != channels) {
    return fail(text::cat(given.size(), " values for ", channels, " channels"), option,
                "give one value, or one per channel");
  }
  std::vector<double> out(channels, given[0]);
  if (given.size() == channels) std::ranges::copy(given, out.begin());
  for (const double v : out) {
    if (!std::isfinite(v)) return fail("a value is not a number", option, "give finite values");
  }
  return out;
}

}  // namespace

Expected<PixelCoding> pixel_coding(const data::Dataset& train, const ConvertOptions& options) {
  PixelCoding out;
  const std::size_t channels = train.shape.channels;
  auto mean = per_channel(options.mean, 0, channels, "--mean");
  if (!mean) return fail(mean.error());
  auto deviation = per_channel(options.std, 1, channels, "--std");
  if (!deviation) return fail(deviation.error());
  out.mean = std::move(*mean);
  out.deviation = std::move(*deviation);
  bool offset = false;
  for (std::size_t c = 0; c < channels; ++c) {
    if (!(out.deviation[c] > 1e-6)) return fail("a value is not positive", "--std", "give positive values");
    if (std::abs(out.mean[c]) > 1000 || out.deviation[c] > 1000)
      return fail("a value is too large", "--mean, --std", "pixels are 0 to 1");
    out.source.scale.push_back(255 * out.deviation[c]);
    out.source.zero.push_back(255 * out.mean[c]);
    out.source.padding.push_back(static_cast<Count>(std::clamp(std::floor(255 * out.mean[c] + 0.5), 0., 255.)));
    out.amplitude.push_back(1 / (255 * out.deviation[c]));
    offset = offset || out.mean[c] != 0;
  }
  if (offset) {
    out.zero = out.source.zero;
  } else {
    out.source.padding.clear();
  }
  return out;
}

std::vector<std::size_t> drawn_order(std::size_t count, std::uint64_t seed, std::size_t wanted) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  SeededRandom random = SeededRandom(seed).split("calibration");
  wanted = std::min(wanted, count);
  for (std::size_t i = 0; i < wanted; ++i) std::swap(order[i], order[i + random.below(count - i)]);
  order.resize(wanted);
  return order;
}

CalibrationImages draw_images(const data::Dataset& train, const ConvertOptions& options) {
  CalibrationImages out{drawn_order(train.count, options.seed, options.calibration_images), {}};
  std::ranges::sort(out.indices);
  Sha256 all;
  for (const std::size_t i : out.indices) all.add(Sha256::of(train.image(i)));
  out.digest = to_hex(all.finish());
  return out;
}

void float_pixels(const PixelCoding& coding, const data::Shape& shape, ByteView pixels, bool channel_last,
                  std::span<float> x) {
  const std::size_t positions = shape.height * shape.width;
  for (std::size_t c = 0; c < shape.channels; ++c) {
    for (std::size_t p = 0; p < positions; ++p) {
      const double value = (pixels[c * positions + p] / 255. - coding.mean[c]) / coding.deviation[c];
      x[channel_last ? p * shape.channels + c : c * positions + p] = static_cast<float>(value);
    }
  }
}

}  // namespace syn
