// A data set that a tiny network learns in seconds: one bright quadrant of an 8x8 image, four classes, noise
// everywhere.
#pragma once

#include "conversion/data/dataset.hpp"
#include "conversion/trainer/settings.hpp"
#include "core/random.hpp"

namespace syn::test {

inline data::Dataset quadrants(std::size_t count, std::uint64_t seed) {
  data::Dataset set{.name = "quadrants", .shape = {1, 8, 8}, .count = count, .classes = 4, .pixels = {}, .labels = {}};
  SeededRandom random(seed);
  for (std::size_t i = 0; i < count; ++i) {
    const auto label = random.below(4);
    set.labels.push_back(static_cast<std::uint8_t>(label));
    for (std::size_t y = 0; y < 8; ++y) {
      for (std::size_t x = 0; x < 8; ++x) {
        const bool bright = y / 4 == label / 2 && x / 4 == label % 2;
        set.pixels.push_back(static_cast<std::uint8_t>(random.below(120) + (bright ? 100 : 0)));
      }
    }
  }
  return set;
}

inline train::Settings toy_settings() {
  return {.architecture = "tiny",
          .epochs = 4,
          .batch = 32,
          .rate = 0.1,
          .average = 0.9,
          .seed = 3,
          .validation = 80,
          .augmentation = {.shift = 0, .flip = false, .erase = 0},
          .scaling = {},
          .distillation = {}};
}

}  // namespace syn::test
