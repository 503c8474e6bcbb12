// A layer that learns by itself what its inputs have in common: sources -> competing integer neurons, whose synapses
// are plastic (stdp.hpp). After Diehl and Cook 2015, "Unsupervised learning of digit recognition using
// spike-timing-dependent plasticity", simplified to steps and integers.
//
// A presentation is one input, shown for `steps` steps:
//   code          source i fires at a regular rate, x_i * rate / 256 spikes in 256 steps, from a phase that is a hash
//   of
//                 (seed, presentation, i)
//   integration   v = leak(v) + weights of what fired; fires at v >= threshold + its own extra threshold
//   competition   of several, the one furthest above its threshold fires, the lowest index on a tie; all others are
//   held
//                 at rest for the rest of the presentation (lateral inhibition)
//   learning      at each spike its synapses change as the rule says, and its extra threshold grows; extra thresholds
//                 leak once a presentation. So who fires often becomes harder to please, and the others get their share
//   reward        if the rule is modulated: what a presentation would change takes effect by its outcome only (R-STDP;
//                 Mozafari et al. 2018, "First-spike-based visual categorization using reward-modulated STDP"):
//                 forwards if the answer was right, backwards if it was wrong. The first `reward_after` presentations
//                 all count as right, so that neurons have found their classes before they are judged by them
//   votes         a neuron stands for the class for which it fired most, lately
// Nobody fired: nobody learns; the answer is that of the neuron closest to its threshold.
//
// All of it is integers and counter-based hashes: the same presentations in the same order give the same bytes on every
// machine, wherever they are interrupted and restored.
// Deliberately not here: time, storage, messages (nodes/learners.hpp).
#pragma once

#include <array>
#include <optional>

#include "core/compute.hpp"
#include "snn/learning/stdp.hpp"

namespace syn::snn::learning {

inline constexpr Count kMostIntensity = 255;

struct LearnerSpec {
  std::uint32_t sources = 784;                      // 1..65536; sources x neurons at most 2^24
  std::uint32_t neurons = 100;                      // 1..4096
  std::uint32_t classes = 10;                       // 1..256
  std::uint32_t steps = 20;                         // 1..255
  std::uint32_t rate = 128;                         // 1..256: a full intensity fires in every 256 / rate-th step
  std::uint32_t keep_potential = 32000;             // leak a step, of kKeepAll
  std::int32_t threshold = 6000;                    // 1..2^30
  std::int32_t threshold_gain = 30000;              // a spike's, in 2^-8 of a potential's unit; 0..2^24
  std::uint32_t keep_threshold = 32764;             // leak of the extra threshold a presentation, of kKeepAll
  std::uint32_t first_weight = 60;                  // weights begin anywhere from 0 to this, 0..127
  std::uint64_t reward_after = 3000;                // of a modulated rule
  std::int32_t reward = 32768, punishment = 32768;  // 0..2^15, of a modulated rule
  // A weight rests at 1/258 of the trace that its neuron's spikes find: 127 for a source that has fired all along.
  Stdp rule{.keep_pre = 32000,
            .keep_post = 0,
            .gain = 4096,
            .potentiation = 100,
            .depression = 0,
            .forgetting = 25800,
            .shift = 20,
            .least = 0,
            .greatest = 127,
            .modulated = false,
            .keep_eligibility = kKeepAll,
            .seed = 1};
  bool operator==(const LearnerSpec&) const = default;
};

// Everything that learning has changed, between two presentations: a value.
struct Learner {
  LearnerSpec spec;
  Plastic plastic;                       // traces and eligibility are 0 between presentations
  std::vector<std::int32_t> thresholds;  // [neuron]: the extra ones, 2^-8 of a potential's unit, 0..kMostThreshold
  std::vector<std::uint16_t> votes;      // [neuron][class]
  std::uint64_t presentations = 0;       // that it was taught by
  bool operator==(const Learner&) const = default;
};
inline constexpr std::int32_t kMostThreshold = 1 << 30;
inline constexpr std::uint16_t kMostVotes = 17 << 10;  // where a vote and what 16 of them lose balance

struct Answer {
  std::uint32_t winner = 0;
  std::uint32_t spikes = 0;  // of the winner; 0: nobody fired
  std::uint32_t said = 0;    // the class that the winner stood for before it learnt from this
  bool operator==(const Answer&) const = default;
};

// Buffers of a presentation, kept from one to the next so that nothing is allocated.
struct Presentation {
  std::vector<std::uint32_t> active, fired;
  std::vector<std::uint32_t> advance, phase;  // [active]
  std::vector<std::int32_t> potentials;
  std::vector<std::int16_t> sums;
  Work work;  // added up over presentations
};

// Refuses what is out of the ranges above.
Expected<Learner> make_learner(const LearnerSpec& spec);
// At most that many bytes, learning included.
std::uint64_t resident_bytes(const LearnerSpec& spec);
// Exactly the length of to_bytes(Learner).
std::uint64_t state_bytes(const LearnerSpec& spec);

// intensities: one a source, at most kMostIntensity. label: below spec.classes; without one nobody votes, and a
// modulated rule changes nothing once `reward_after` presentations are over.
Answer teach(Learner& learner, std::span<const Count> intensities, std::optional<std::uint32_t> label,
             Presentation& buffers);
// Changes nothing: the same question (a number that chooses the phases) has the same answer until it is taught again.
Answer ask(const Learner& learner, std::span<const Count> intensities, std::uint64_t question, Presentation& buffers);

// The class that a neuron stands for; the lowest on a tie.
std::uint32_t class_of(const Learner& learner, std::uint32_t neuron);

// A spec as bytes, as it crosses the wire; read_spec refuses what make_learner would.
Bytes to_bytes(const LearnerSpec& spec);
Expected<LearnerSpec> read_spec(ByteView bytes);

// Whether these may be a state, by their first bytes.
inline constexpr std::size_t kMagicBytes = 8;
bool is_learner(ByteView bytes);

// The state as bytes; the last 32 are the SHA-256 of those before, by which two states are compared. restore() takes
// memory only for what is there, and refuses bytes that are not a state.
Bytes to_bytes(const Learner& learner);
Expected<Learner> restore(ByteView bytes);
inline constexpr std::size_t kStateHashBytes = 32;
std::array<std::uint8_t, kStateHashBytes> state_hash(ByteView state);

}  // namespace syn::snn::learning
