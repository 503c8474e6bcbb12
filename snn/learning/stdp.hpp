// Learning on the device, in integers: pair-based spike-timing-dependent plasticity with traces (Morrison, Diesmann,
// Gerstner 2008, "Phenomenological models of synaptic plasticity based on spike timing", section 4.1), and the same
// modulated by a reward that comes later (Izhikevich 2007, "Solving the distal reward problem").
//
// One step, for spikes that fired in it:
//   1. traces leak:                pre_i, post_j, and eligibility_ij if modulated, each by its own keep
//   2. source i spiked:            every synapse ij changes by -depression * post_j
//   3. target j spiked:            every synapse ij changes by +potentiation * pre_i - forgetting * weight_ij
//   4. traces gain what spiked:    += gain, at most kMostTrace
// Spikes of one step do not see each other. With `forgetting` a weight comes to rest where it says how much of its
// source's trace its target's spikes found, potentiation * pre / forgetting (the instar rule; weight-dependent as in
// van Rossum, Bi, Turrigiano 2000), instead of running into a bound. A change goes to the weight, or, if modulated, to
// the eligibility, which `reward` turns into weights. Changes are fixed point, 2^-shift of a weight's unit, and are
// rounded stochastically: up with the probability of the fraction, by a hash of (seed, step, synapse, cause); so small
// changes are not lost on int8 weights, and the same spikes give the same weights on every machine. Deliberately not
// here: neurons, and where the weights are used; the float profile; several synapses of one pair.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::snn::learning {

inline constexpr std::int32_t kMostTrace = 1 << 15;
inline constexpr std::int32_t kMostEligibility = 1 << 30;
inline constexpr std::int32_t kMostReward = 1 << 15;
inline constexpr std::uint32_t kKeepAll = 32768;  // leak: x = sign(x) ((|x| keep) >> 15), integer rule 10

struct Stdp {
  std::uint32_t keep_pre = 31130, keep_post = 31130;  // 0..kKeepAll; 31130 is 0.95
  std::int32_t gain = 1024;                           // 0..kMostTrace
  std::int32_t potentiation = 64, depression = 64;    // -2^15..2^15
  std::int32_t forgetting = 0;                        // 0..2^15
  std::uint32_t shift = 16;                           // 0..30
  std::int8_t least = -127, greatest = 127;           // weights are kept in between
  bool modulated = false;
  std::uint32_t keep_eligibility = 32440;  // 0.99
  std::uint64_t seed = 0;
  bool operator==(const Stdp&) const = default;
};

// Synapses from all sources to all targets, with what learning remembers: a value.
struct Plastic {
  std::uint32_t sources = 0, targets = 0;
  std::uint64_t step = 0;
  std::vector<std::int8_t> weights;       // [source][target]
  std::vector<std::int32_t> pre, post;    // traces
  std::vector<std::int32_t> eligibility;  // [source][target], empty unless modulated
  bool operator==(const Plastic&) const = default;
};

// Traces at 0. Refuses a rule out of its ranges, and weights of a wrong number or outside of least..greatest.
Expected<Plastic> make_plastic(const Stdp& rule, std::uint32_t sources, std::uint32_t targets,
                               std::vector<std::int8_t> weights);

// One step. Spikes are indices, ascending, each at most once.
void learn(const Stdp& rule, Plastic& plastic, std::span<const std::uint32_t> pre_spikes,
           std::span<const std::uint32_t> post_spikes);
// Weights change by eligibility * amount (-2^15..2^15) / 2^(shift + 15); eligibility stays. For modulated rules.
void reward(const Stdp& rule, Plastic& plastic, std::int32_t amount);
// The same where only synapses of `targets` can have an eligibility: those that have fired since rest().
void reward(const Stdp& rule, Plastic& plastic, std::int32_t amount, std::span<const std::uint32_t> targets);

// The end of what belongs together (a presentation, a trial): traces and eligibility are 0 again.
void rest(Plastic& plastic);
void rest(Plastic& plastic, std::span<const std::uint32_t> targets);  // likewise

// To survive a restart. restore() refuses bytes that are not a state under this rule.
Bytes to_bytes(const Plastic& plastic);
Expected<Plastic> restore(const Stdp& rule, ByteView bytes);

}  // namespace syn::snn::learning
