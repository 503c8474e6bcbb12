// How numbers become spike trains, as pure functions: same values, options and seed, same spikes, on every machine.
// Values are meant in 0..1; what lies outside is clipped and counted, as quantise() does, and a NaN is refused.
// Spike rows are steps x values (population: values x fields). An encoder writes every element of its output.
// Deliberately not here: pixels to counts of a converted model (snn/coding.hpp), and back (decoders.hpp).
#pragma once

#include <cstdint>
#include <span>

#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::snn::coding {

// All give how many values were clipped.
using Clipped = Expected<std::uint64_t>;

// The value itself in every step, for a first layer that takes numbers (direct or "analog" coding).
Clipped direct(std::span<const float> values, std::uint32_t steps, std::span<float> rows);

// A spike with probability x in each step, independently: a hash of (seed, sample, step, index) below x.
struct Rate {
  std::uint64_t seed = 0, sample = 0;
};
Clipped rate(const Rate& options, std::span<const float> values, std::uint32_t steps, std::span<Count> rows);

// One spike, the earlier the greater: in step floor((1 - x) (T - 1) + 1/2). 0 never spikes.
Clipped latency(std::span<const float> values, std::uint32_t steps, std::span<Count> rows);

// Changes of a signal (frames is steps x values, not clipped): whenever it has moved `threshold` or more from where it
// was last told, as many events as thresholds fit, up (on) or down (off), and the reference moves by exactly these.
// rows: steps x 2 x values, on before off. `reference`: one a value; carries on between calls.
struct Delta {
  double threshold = 0.1;
};
Expected<> delta(const Delta& options, std::span<const float> frames, std::uint32_t steps, std::span<double> reference,
                 std::span<Count> rows);

// The binary digits of floor(x (2^T - 1) + 1/2), the greatest first: T <= 15 steps. As code `phase` travels.
inline constexpr std::uint32_t kMostPhaseSteps = 15;
Clipped phase(std::span<const float> values, std::uint32_t steps, std::span<Count> rows);

// A burst from step 0: ceil(most x) spikes, `interval` = ceil(longest - (longest - shortest) x) steps apart (Guo et al.
// 2021, "Neural coding in spiking neural networks: a comparative study"). What does not fit the steps is lost.
struct Burst {
  std::uint32_t most = 5, shortest = 1, longest = 5;
};
Clipped burst(const Burst& options, std::span<const float> values, std::uint32_t steps, std::span<Count> rows);

// Each value spread over `fields` overlapping Gaussians (Bohte et al. 2002, with beta 1.5): activations in 0..1, to be
// coded by one of the above. Field i of F has its centre at (i - 1/2) / (F - 2) and a width of 1 / (1.5 (F - 2)).
// activations: values x fields; fields >= 3.
Clipped population(std::span<const float> values, std::uint32_t fields, std::span<float> activations);

}  // namespace syn::snn::coding
