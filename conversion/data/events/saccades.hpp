// Events made from pictures: a simulated event sensor looks at a still image while three saccades move it, as N-MNIST
// was recorded (Orchard et al. 2015). Everything random is a hash of (seed, sample, what for), and the arithmetic is
// + - * / on doubles alone, so that one seed gives the same bytes on every machine.
// What is left out of a real sensor: the lens, finite bandwidth and readout queues, the monitor's flicker. The made set
// is a stand-in for N-MNIST in layout and statistics; figures measured on it are not figures on N-MNIST.
#pragma once

#include <cstdint>

#include "conversion/data/events/events.hpp"
#include "core/types.hpp"

namespace syn::data {

struct SaccadeOptions {
  std::uint64_t seed = 1;
  Sensor sensor{34, 34, 2};
  std::int64_t saccade_us = 100'000;  // three of them
  double reach = 3.0;                 // pixels from the middle to the corners of the triangle that the gaze runs along
  double threshold = 0.29;            // change of log intensity that makes an event
  double mismatch = 0.03;             // standard deviation of the threshold from pixel to pixel, relative; the sensor's
  double dark = 0.12;                 // intensity of a black pixel, where white is 1: the monitor's contrast
  double jitter_us = 600;             // latency of an event, uniform from 0
  double noise_hz = 0.25;             // events a second and pixel without a cause
  std::int64_t refractory_us = 1000;
};

// Sample `index` of the split called `stream` (different streams never share a random number). `image` is
// height x width of brightness, 255 white, and lies in the middle of the sensor when the gaze does.
Events make_saccades(ByteView image, std::uint32_t height, std::uint32_t width, std::uint64_t stream,
                     std::uint64_t index, const SaccadeOptions& options = {});

}  // namespace syn::data
