#include "snn/learning/learner.hpp"

#include <algorithm>

#include "core/assert.hpp"
#include "core/random.hpp"

namespace syn::snn::learning {
namespace {

constexpr std::size_t kRowsIn16Bits = 256;  // that many weights of -127..127 stay inside 16 bits
static_assert(kRowsIn16Bits * 128 <= 32768);
// The largest sum of a presentation fits a potential: every source in every step.
static_assert(std::uint64_t{65536} * 127 * 255 < std::uint64_t{1} << 31);

constexpr std::uint32_t kVoteShift = 4;  // a vote counts for some 16 of the neuron's presentations
constexpr std::uint16_t kVote = 1 << 10;

enum Stream : std::uint64_t { kWeights = 0x77656967, kTaught = 0x74617567, kAsked = 0x61736b65 };

std::int32_t leaked(std::int32_t value, std::uint32_t keep) {
  const std::int64_t size = value < 0 ? -std::int64_t{value} : std::int64_t{value};
  const auto kept = static_cast<std::int32_t>(size * keep >> 15);
  return value < 0 ? -kept : kept;
}

std::int64_t margin(const Learner& learner, std::int32_t potential, std::size_t neuron) {
  return std::int64_t{potential} - learner.spec.threshold - (learner.thresholds[neuron] >> 8);
}

// Lists who is not silent, with its phase.
void begin(const Learner& learner, std::span<const Count> intensities, std::uint64_t stream, Presentation& p) {
  SYN_ASSERT(intensities.size() == learner.spec.sources, intensities.size(), learner.spec.sources);
  p.active.clear(), p.advance.clear(), p.phase.clear();
  for (std::uint32_t i = 0; i < intensities.size(); ++i) {
    SYN_ASSERT(intensities[i] <= kMostIntensity, i, intensities[i]);
    const std::uint32_t advance = intensities[i] * learner.spec.rate >> 8;
    if (advance == 0) continue;
    p.active.push_back(i);
    p.advance.push_back(advance);
    p.phase.push_back(static_cast<std::uint32_t>(hash64(stream ^ i)) & 255);
  }
  p.potentials.assign(learner.spec.neurons, 0);
  p.sums.resize(learner.spec.neurons);
}

void fire_sources(Presentation& p) {
  p.fired.clear();
  for (std::size_t a = 0; a < p.active.size(); ++a) {
    const std::uint32_t phase = p.phase[a] + p.advance[a];
    if (phase > 255) p.fired.push_back(p.active[a]);
    p.phase[a] = phase & 255;
  }
}

void integrate(const Learner& learner, Presentation& p) {
  const std::size_t neurons = learner.spec.neurons;
  for (std::int32_t& v : p.potentials) v = leaked(v, learner.spec.keep_potential);
  for (std::size_t first = 0; first < p.fired.size(); first += kRowsIn16Bits) {
    const std::size_t end = std::min(first + kRowsIn16Bits, p.fired.size());
    std::int16_t* const sums = p.sums.data();
    std::fill_n(sums, neurons, std::int16_t{0});
    for (std::size_t s = first; s < end; ++s) {
      const std::int8_t* const row = learner.plastic.weights.data() + p.fired[s] * neurons;
      for (std::size_t j = 0; j < neurons; ++j) sums[j] = static_cast<std::int16_t>(sums[j] + row[j]);
    }
    for (std::size_t j = 0; j < neurons; ++j) p.potentials[j] += sums[j];
  }
}

// Of those at their thresholds the furthest above; if `closest`, of all.
std::optional<std::uint32_t> furthest(const Learner& learner, const Presentation& p, bool closest) {
  std::optional<std::uint32_t> best;
  std::int64_t most = 0;
  for (std::uint32_t j = 0; j < learner.spec.neurons; ++j) {
    const std::int64_t m = margin(learner, p.potentials[j], j);
    if ((closest || m >= 0) && (!best || m > most)) best = j, most = m;
  }
  return best;
}

// Shows one input. after_step(sources that fired, the neuron that fired or none) runs once a step and may change the
// learner.
template <class AfterStep>
Answer show(const Learner& learner, std::span<const Count> intensities, std::uint64_t stream, Presentation& p,
            AfterStep after_step) {
  const auto& spec = learner.spec;
  begin(learner, intensities, stream, p);
  std::optional<std::uint32_t> winner;
  std::uint32_t spikes = 0;
  for (std::uint32_t step = 0; step < spec.steps; ++step) {
    fire_sources(p);
    std::optional<std::uint32_t> fires;
    if (!winner) {
      integrate(learner, p);
      p.work.synaptic_operations += p.fired.size() * spec.neurons;
      p.work.neuron_updates += spec.neurons;
      fires = winner = furthest(learner, p, false);
    } else {  // all others are held at rest
      std::int32_t& v = p.potentials[*winner];
      v = leaked(v, spec.keep_potential);
      for (const std::uint32_t i : p.fired) v += learner.plastic.weights[std::size_t{i} * spec.neurons + *winner];
      p.work.synaptic_operations += p.fired.size();
      ++p.work.neuron_updates;
      if (margin(learner, v, *winner) >= 0) fires = winner;
    }
    if (fires) p.potentials[*fires] = 0, ++spikes;
    after_step(p.fired, fires);
  }
  const std::uint32_t answers = winner ? *winner : *furthest(learner, p, true);
  return {.winner = answers, .spikes = spikes, .said = class_of(learner, answers)};
}

void vote(Learner& learner, std::uint32_t neuron, std::uint32_t label) {
  const std::span votes =
      std::span(learner.votes).subspan(std::size_t{neuron} * learner.spec.classes, learner.spec.classes);
  for (std::uint16_t& v : votes) v = static_cast<std::uint16_t>(v - (v >> kVoteShift));
  votes[label] = static_cast<std::uint16_t>(votes[label] + kVote);
}

}  // namespace

Expected<Learner> make_learner(const LearnerSpec& spec) {
  if (auto checked = read_spec(to_bytes(spec)); !checked) return fail(checked.error());
  std::vector<std::int8_t> weights(std::size_t{spec.sources} * spec.neurons);
  const std::uint64_t stream = hash64(spec.rule.seed ^ kWeights);
  for (std::size_t s = 0; s < weights.size(); ++s) {
    const auto drawn = static_cast<std::int32_t>((hash64(stream ^ s) >> 32) * (spec.first_weight + 1) >> 32);
    weights[s] = static_cast<std::int8_t>(std::clamp<std::int32_t>(drawn, spec.rule.least, spec.rule.greatest));
  }
  auto plastic = make_plastic(spec.rule, spec.sources, spec.neurons, std::move(weights));
  if (!plastic) return fail(plastic.error());
  Learner learner{.spec = spec, .plastic = std::move(*plastic), .thresholds = {}, .votes = {}};
  learner.thresholds.resize(spec.neurons);
  learner.votes.resize(std::size_t{spec.neurons} * spec.classes);
  return learner;
}

std::uint64_t resident_bytes(const LearnerSpec& spec) {
  const std::uint64_t synapses = std::uint64_t{spec.sources} * spec.neurons;
  // Weights and eligibility; traces, and the lists of a presentation; thresholds, potentials, sums and votes.
  return synapses * (spec.rule.modulated ? 5 : 1) + spec.sources * std::uint64_t{4 + 16} +
         spec.neurons * (std::uint64_t{16} + 2 * spec.classes);
}

std::uint32_t class_of(const Learner& learner, std::uint32_t neuron) {
  SYN_ASSERT(neuron < learner.spec.neurons, neuron);
  const auto first = learner.votes.begin() + static_cast<std::ptrdiff_t>(std::size_t{neuron} * learner.spec.classes);
  return static_cast<std::uint32_t>(std::max_element(first, first + learner.spec.classes) - first);
}

Answer teach(Learner& learner, std::span<const Count> intensities, std::optional<std::uint32_t> label,
             Presentation& buffers) {
  const auto& spec = learner.spec;
  SYN_ASSERT(!label || *label < spec.classes, *label, spec.classes);
  const std::uint64_t stream = hash64(hash64(spec.rule.seed ^ kTaught) ^ learner.presentations);
  const Answer answer =
      show(learner, intensities, stream, buffers, [&](std::span<const std::uint32_t> fired, const auto& neuron) {
        learn(spec.rule, learner.plastic, fired, neuron ? std::span(&*neuron, 1) : std::span<const std::uint32_t>());
        if (!neuron) return;
        buffers.work.synaptic_operations += spec.sources;  // that many synapses changed
        std::int32_t& threshold = learner.thresholds[*neuron];
        threshold = std::min(threshold + spec.threshold_gain, kMostThreshold);
      });
  // Of all neurons only the winner has fired: nobody else's synapses remember anything.
  const std::span<const std::uint32_t> fired(&answer.winner, answer.spikes > 0 ? 1 : 0);
  if (spec.rule.modulated && !fired.empty()) {
    const bool judged = learner.presentations >= spec.reward_after;
    const std::int32_t amount = !judged                 ? kMostReward
                                : !label                ? 0
                                : answer.said == *label ? spec.reward
                                                        : -spec.punishment;
    if (amount != 0) {
      reward(spec.rule, learner.plastic, amount, fired);
      buffers.work.synaptic_operations += spec.sources;
    }
  }
  rest(learner.plastic, fired);
  for (std::int32_t& threshold : learner.thresholds) threshold = leaked(threshold, spec.keep_threshold);
  if (label && answer.spikes > 0) vote(learner, answer.winner, *label);
  ++learner.presentations;
  return answer;
}

Answer ask(const Learner& learner, std::span<const Count> intensities, std::uint64_t question, Presentation& buffers) {
  const std::uint64_t stream = hash64(hash64(learner.spec.rule.seed ^ kAsked) ^ question);
  return show(learner, intensities, stream, buffers, [](auto&&...) {});
}

}  // namespace syn::snn::learning
