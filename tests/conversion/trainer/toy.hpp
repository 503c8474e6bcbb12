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

// The same for spiking networks: films of 4 frames of 12 x 12 with two polarities, in which one quadrant is busy.
inline data::Dataset busy_quadrants(std::size_t count, std::uint64_t seed) {
  data::Dataset set{
      .name = "busy", .shape = {2, 12, 12}, .count = count, .classes = 4, .pixels = {}, .labels = {}, .steps = 4};
  SeededRandom random(seed);
  for (std::size_t i = 0; i < count; ++i) {
    const auto label = random.below(4);
    set.labels.push_back(static_cast<std::uint8_t>(label));
    for (std::size_t at = 0; at < set.image_size(); ++at) {
      const std::size_t y = at / 12 % 12, x = at % 12;
      const bool busy = y / 6 == label / 2 && x / 6 == label % 2;
      set.pixels.push_back(static_cast<std::uint8_t>(random.below(100) < (busy ? 30 : 8) ? 1 + random.below(2) : 0));
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

inline train::Settings busy_settings() {
  train::Settings out = toy_settings();
  out.architecture = "events-tiny";
  out.rate = 0.03;
  out.scaling.white = 1;
  out.framing = data::Framing{.window_us = 25'000, .steps = 4};
  return out;
}

}  // namespace syn::test
