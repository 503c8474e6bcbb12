// What populations hand on for every calibration image, packed: one bit where counts are 0 or 1. Private to
// conversion/.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/types.hpp"

namespace syn {

class Activity {
 public:
  Activity() = default;
  Activity(std::size_t images, std::size_t rows, std::size_t neurons, std::uint32_t greatest)
      : rows_(rows),
        neurons_(neurons),
        bits_(greatest <= 1     ? 1
              : greatest <= 255 ? 8
                                : 16),
        pitch_((neurons * bits_ + 7) / 8),
        bytes_(images * rows * pitch_) {}

  std::size_t rows() const { return rows_; }
  std::size_t neurons() const { return neurons_; }

  // Different images may be stored by different threads.
  void store(std::size_t image, std::size_t row, std::span<const Count> counts) {
    std::uint8_t* to = bytes_.data() + (image * rows_ + row) * pitch_;
    if (bits_ == 8) {
      for (std::size_t i = 0; i < neurons_; ++i) to[i] = static_cast<std::uint8_t>(counts[i]);
    } else if (bits_ == 16) {
      for (std::size_t i = 0; i < neurons_; ++i) {
        to[2 * i] = static_cast<std::uint8_t>(counts[i]);
        to[2 * i + 1] = static_cast<std::uint8_t>(counts[i] >> 8);
      }
    } else {
      for (std::size_t i = 0; i < neurons_; i += 8) {
        unsigned byte = 0;
        for (std::size_t b = 0; b < 8 && i + b < neurons_; ++b) byte |= unsigned{counts[i + b]} << b;
        to[i / 8] = static_cast<std::uint8_t>(byte);
      }
    }
  }
  // Adds, so that several rows can be summed; the caller clears.
  void add_to(std::size_t image, std::size_t row, std::span<Count> counts) const {
    const std::uint8_t* from = bytes_.data() + (image * rows_ + row) * pitch_;
    for (std::size_t i = 0; i < neurons_; ++i) {
      const unsigned value = bits_ == 8    ? from[i]
                             : bits_ == 16 ? from[2 * i] | unsigned{from[2 * i + 1]} << 8
                                           : from[i / 8] >> (i % 8) & 1u;
      counts[i] = static_cast<Count>(counts[i] + value);
    }
  }

 private:
  std::size_t rows_ = 0, neurons_ = 0, bits_ = 8, pitch_ = 0;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace syn
