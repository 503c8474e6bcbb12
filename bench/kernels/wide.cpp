#include "bench/kernels/wide.hpp"

#include <cmath>

#include "core/random.hpp"
#include "core/text.hpp"

namespace syn::bench {
namespace {

using namespace snn;

constexpr std::uint32_t kSide = 28, kLevels = 8, kClasses = 10;
// Of weights that are even from -127 to 127, and of counts: pixels, half of them 0; and what fires half as far as sums
// spread, which is 0 below half a threshold.
constexpr double kWeightSpread = 73.3, kPixelSquare = 255.0 * 255 / 6, kCountSquare = 2.1;

std::vector<std::int8_t> weights(Random& random, std::size_t n) {
  std::vector<std::int8_t> w(n);
  for (auto& x : w) x = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
  return w;
}

}  // namespace

Model wide_network() {
  SeededRandom random(21);
  Model model{.name = "wide", .code = Code::volley, .steps = kLevels};
  Source pixels{.scale = {255}, .zero = {0}, .padding = {}};
  model.populations.push_back(
      {.name = "image", .shape = {kSide, kSide, 1}, .code = Code::volley, .kind = pixels, .greatest = 255});
  std::uint32_t from = 1;
  double square = kPixelSquare;
  for (const std::uint32_t to : {64u, 128u, 128u, 128u, 128u, 128u}) {
    const double spread = std::sqrt(9.0 * from * square) * kWeightSpread;
    const auto at = static_cast<std::uint32_t>(model.populations.size());
    IntegrateAndFire fire{.threshold = std::vector<std::int32_t>(to, static_cast<std::int32_t>(spread / 2)),
                          .bias = std::vector<std::int32_t>(to)};
    model.populations.push_back({.name = text::cat("conv", at),
                                 .shape = {kSide, kSide, to},
                                 .code = Code::volley,
                                 .kind = std::move(fire),
                                 .greatest = kLevels});
    model.projections.push_back({at - 1, at,
                                 Conv{.kernel_height = 3,
                                      .kernel_width = 3,
                                      .pad_top = 1,
                                      .pad_left = 1,
                                      .weights = weights(random, std::size_t{9} * from * to)}});
    from = to;
    square = kCountSquare;
  }
  const auto last = static_cast<std::uint32_t>(model.populations.size());
  model.populations.push_back({.name = "readout",
                               .shape = {1, 1, kClasses},
                               .code = Code::volley,
                               .kind = Readout{.bias = std::vector<std::int32_t>(kClasses), .scale = 1}});
  model.projections.push_back({last - 1, last, Dense{weights(random, std::size_t{kSide} * kSide * from * kClasses)}});
  model.outputs = {"readout"};
  return model;
}

std::vector<Count> wide_image() {
  SeededRandom random(22);
  std::vector<Count> pixels(kSide * kSide);
  for (Count& c : pixels)
    if (random.chance(0.5)) c = static_cast<Count>(random.below(256));
  return pixels;
}

}  // namespace syn::bench
