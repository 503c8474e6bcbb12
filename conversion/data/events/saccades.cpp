#include "conversion/data/events/saccades.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "core/assert.hpp"
#include "core/random.hpp"

namespace syn::data {

namespace {

constexpr std::int64_t kStepUs = 1000;  // between steps, crossings are interpolated

// ln x for x in (0, 1], by halvings and the series of artanh; no libm, whose last bit differs between machines.
double logarithm(double x) {
  int halvings = 0;
  for (; x < 0.75; x *= 2) ++halvings;
  const double z = (x - 1) / (x + 1), zz = z * z;
  double sum = 0;
  for (int k = 15; k >= 1; k -= 2) sum = sum * zz + 1.0 / k;
  return 2 * z * sum - halvings * 0.69314718055994530942;
}

// Uniform in [0, 1).
double uniform(std::uint64_t key, std::uint64_t counter) {
  return static_cast<double>(hash64(key + counter * 0x9e3779b97f4a7c15) >> 11) * 0x1p-53;
}
// Nearly normal: the sum of twelve uniforms.
double normal(std::uint64_t key, std::uint64_t counter) {
  double sum = -6;
  for (std::uint64_t i = 0; i < 12; ++i) sum += uniform(key, counter * 12 + i);
  return sum;
}

// Log intensity against brightness, tabulated: a picture is interpolated in brightness, as light adds.
class LogTable {
 public:
  explicit LogTable(double dark) {
    for (std::size_t i = 0; i < table_.size(); ++i) {
      table_[i] = logarithm(dark + (1 - dark) * static_cast<double>(i) / (kSteps));
    }
  }
  double operator()(double brightness) const {  // 0 to 1
    const double at = std::clamp(brightness, 0.0, 1.0) * kSteps;
    const auto i = std::min(static_cast<std::size_t>(at), table_.size() - 2);
    return table_[i] + (table_[i + 1] - table_[i]) * (at - static_cast<double>(i));
  }

 private:
  static constexpr int kSteps = 1024;
  std::array<double, kSteps + 1> table_{};
};

// The picture, softened by a 3 x 3 binomial (the optics) and surrounded by black.
class Scene {
 public:
  Scene(ByteView image, std::uint32_t height, std::uint32_t width)
      : height_(height + 2 * kBorder), width_(width + 2 * kBorder), light_(std::size_t{height_} * width_) {
    static constexpr double kWeight[] = {0.25, 0.5, 0.25};
    for (std::uint32_t y = 0; y < height; ++y) {
      for (std::uint32_t x = 0; x < width; ++x) {
        const double value = image[std::size_t{y} * width + x] / 255.0;
        if (value == 0) continue;
        for (std::uint32_t dy = 0; dy < 3; ++dy) {
          for (std::uint32_t dx = 0; dx < 3; ++dx) {
            light_[std::size_t{y + kBorder - 1 + dy} * width_ + x + kBorder - 1 + dx] +=
                value * kWeight[dy] * kWeight[dx];
          }
        }
      }
    }
  }
  // Bilinear; (0, 0) is the middle of the picture's first pixel.
  double at(double x, double y) const {
    const double sx = x + kBorder, sy = y + kBorder;
    if (sx < 0 || sy < 0) return 0;
    const auto ix = static_cast<std::uint32_t>(sx), iy = static_cast<std::uint32_t>(sy);
    if (ix + 1 >= width_ || iy + 1 >= height_) return 0;
    const double fx = sx - ix, fy = sy - iy;
    const double* upper = &light_[std::size_t{iy} * width_ + ix];
    const double* lower = upper + width_;
    return (upper[0] * (1 - fx) + upper[1] * fx) * (1 - fy) + (lower[0] * (1 - fx) + lower[1] * fx) * fy;
  }

 private:
  static constexpr std::uint32_t kBorder = 2;
  std::uint32_t height_, width_;
  std::vector<double> light_;
};

// Corners of the triangle, in units of the reach: from each the gaze runs to the next, and back to the first.
constexpr std::array<std::array<double, 2>, 4> kCorners{{{0, -1}, {0.8660254, 0.5}, {-0.8660254, 0.5}, {0, -1}}};

// Where the gaze is, in pixels from the middle: it starts and stops smoothly in each saccade.
std::array<double, 2> gaze(std::int64_t t, const SaccadeOptions& options) {
  const std::int64_t saccade = std::min<std::int64_t>(t / options.saccade_us, 2);
  const double u = static_cast<double>(t - saccade * options.saccade_us) / static_cast<double>(options.saccade_us);
  const double s = u * u * (3 - 2 * u);
  const auto &from = kCorners[static_cast<std::size_t>(saccade)], &to = kCorners[static_cast<std::size_t>(saccade) + 1];
  return {options.reach * (from[0] + (to[0] - from[0]) * s), options.reach * (from[1] + (to[1] - from[1]) * s)};
}

struct Event {
  std::int64_t t;
  std::uint16_t x, y;
  std::uint8_t polarity;
};

}  // namespace

Events make_saccades(ByteView image, std::uint32_t height, std::uint32_t width, std::uint64_t stream,
                     std::uint64_t index, const SaccadeOptions& options) {
  SYN_ASSERT(image.size() == std::size_t{height} * width && options.saccade_us > 0 && options.threshold > 0);
  const LogTable log_of(options.dark);
  const Scene scene(image, height, width);
  const std::uint64_t sensor_key = hash64(options.seed ^ hash64("sensor"));
  const std::uint64_t sample_key =
      hash64(hash64(options.seed ^ hash64("sample")) + hash64(stream) * 3 + hash64(index) * 5);
  const std::int64_t end = 3 * options.saccade_us;
  const double left = (static_cast<double>(width) - options.sensor.width) / 2;
  const double top = (static_cast<double>(height) - options.sensor.height) / 2;

  std::vector<std::array<double, 2>> path;  // one a step
  for (std::int64_t t = 0; t < end + kStepUs; t += kStepUs) path.push_back(gaze(std::min(t, end), options));

  std::vector<Event> made;
  for (std::uint32_t y = 0; y < options.sensor.height; ++y) {
    for (std::uint32_t x = 0; x < options.sensor.width; ++x) {
      const std::uint64_t pixel = std::uint64_t{y} * options.sensor.width + x;
      const std::uint64_t key = hash64(sample_key + pixel);
      std::uint64_t counter = 0;
      const double theta = options.threshold * std::max(0.5, 1 + options.mismatch * normal(sensor_key, pixel));
      const auto emit = [&](double t, bool on) {
        const auto at = static_cast<std::int64_t>(t + options.jitter_us * uniform(key, counter++));
        made.push_back({std::min(at, end - 1), static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(y), on});
      };
      const auto seen = [&](std::size_t step) { return scene.at(x + left + path[step][0], y + top + path[step][1]); };
      double light = seen(0), level = log_of(light), reference = level;
      double deaf_until = -1;
      for (std::size_t step = 0; step + 1 < path.size(); ++step) {
        const double light_then = seen(step + 1);
        if (light_then == light) continue;
        const double then = log_of(light_then);
        // The level moves on a straight line within the step; each crossing of a threshold is an event.
        for (;;) {
          const bool on = then > reference;
          const double target = on ? reference + theta : reference - theta;
          if (on ? then < target : then > target) break;
          const double share = then == level ? 1 : std::clamp((target - level) / (then - level), 0.0, 1.0);
          const double when = (static_cast<double>(step) + share) * kStepUs;
          reference = target;
          if (when < deaf_until) continue;
          emit(when, on);
          deaf_until = when + static_cast<double>(options.refractory_us);
        }
        light = light_then;
        level = then;
      }
      // Noise: at most one event a pixel, which at these rates is what Poisson's law says to a thousandth.
      const double seconds = static_cast<double>(end) / 1e6;
      if (uniform(key, ~std::uint64_t{0}) < options.noise_hz * seconds) {
        const double when = uniform(key, ~std::uint64_t{1}) * static_cast<double>(end);
        made.push_back({static_cast<std::int64_t>(when), static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(y),
                        uniform(key, ~std::uint64_t{2}) < 0.5});
      }
    }
  }
  std::stable_sort(made.begin(), made.end(), [](const Event& a, const Event& b) { return a.t < b.t; });
  Events out;
  out.sensor = options.sensor;
  for (const Event& e : made) out.push(e.t, e.x, e.y, e.polarity);
  return out;
}

}  // namespace syn::data
