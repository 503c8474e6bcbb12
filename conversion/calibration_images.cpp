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

Expected<CalibrationImages> draw_images(const data::Dataset& train, const ConvertOptions& options) {
  CalibrationImages out;
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

  // The first n of a Fisher-Yates shuffle.
  std::vector<std::size_t> order(train.count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  SeededRandom random = SeededRandom(options.seed).split("calibration");
  const std::size_t wanted = std::min<std::size_t>(options.calibration_images, train.count);
  for (std::size_t i = 0; i < wanted; ++i) std::swap(order[i], order[i + random.below(train.count - i)]);
  order.resize(wanted);
  std::ranges::sort(order);
  Sha256 all;
  for (const std::size_t i : order) all.add(Sha256::of(train.image(i)));
  out.digest = to_hex(all.finish());
  out.indices = std::move(order);
  return out;
}

void float_pixels(const CalibrationImages& images, const data::Shape& shape, ByteView pixels, bool channel_last,
                  std::span<float> x) {
  const std::size_t positions = shape.height * shape.width;
  for (std::size_t c = 0; c < shape.channels; ++c) {
    for (std::size_t p = 0; p < positions; ++p) {
      const double value = (pixels[c * positions + p] / 255. - images.mean[c]) / images.deviation[c];
      x[channel_last ? p * shape.channels + c : c * positions + p] = static_cast<float>(value);
    }
  }
}

}  // namespace syn
