#include "snn/learning/stdp.hpp"

#include <algorithm>
#include <cstring>

#include "core/assert.hpp"
#include "core/random.hpp"
#include "core/text.hpp"

namespace syn::snn::learning {
namespace {

constexpr std::int32_t kMostFactor = 1 << 15;
constexpr std::uint64_t kMostSynapses = 1 << 28;
constexpr std::string_view kMagic{"SYNSTDP\1", 8};

enum Cause : std::uint64_t { kDepression, kPotentiation, kReward };

std::int32_t leaked(std::int32_t value, std::uint32_t keep) {
  const std::int64_t size = value < 0 ? -std::int64_t{value} : std::int64_t{value};
  const auto kept = static_cast<std::int32_t>(size * keep >> 15);
  return value < 0 ? -kept : kept;
}

// The same for what is 0..kMostTrace: in 32 bits, so that the loop is vectorised.
void leak_traces(std::span<std::int32_t> traces, std::uint32_t keep) {
  static_assert(std::uint64_t{kMostTrace} * kKeepAll < std::uint64_t{1} << 31);
  const auto factor = static_cast<std::int32_t>(keep);
  for (std::int32_t& trace : traces) trace = trace * factor >> 15;
}

// value / 2^shift, up with the probability of what is cut off.
std::int64_t rounded(std::int64_t value, std::uint32_t shift, std::uint64_t drawn) {
  const auto below = static_cast<std::int64_t>(drawn & ((std::uint64_t{1} << shift) - 1));
  return (value + below) >> shift;
}

void change(const Stdp& rule, std::int8_t& weight, std::int64_t value, std::uint32_t shift, std::uint64_t drawn) {
  const std::int64_t next = weight + rounded(value, shift, drawn);
  weight = static_cast<std::int8_t>(std::clamp<std::int64_t>(next, rule.least, rule.greatest));
}

std::uint64_t stream(const Stdp& rule, const Plastic& plastic, Cause cause) {
  return hash64(hash64(rule.seed ^ hash64(plastic.step)) + cause);
}

std::unexpected<Error> refuse(std::string what) {
  return fail(std::move(what), "plastic synapses", "check the learning rule and the weights");
}

Expected<> check(const Stdp& rule) {
  if (rule.keep_pre > kKeepAll || rule.keep_post > kKeepAll || rule.keep_eligibility > kKeepAll)
    return refuse(text::cat("a trace keeps more than all: above ", kKeepAll));
  if (rule.gain < 0 || rule.gain > kMostTrace) return refuse(text::cat("a trace gains ", rule.gain));
  for (const std::int32_t factor : {rule.potentiation, rule.depression})
    if (factor < -kMostFactor || factor > kMostFactor) return refuse(text::cat("a factor of ", factor));
  if (rule.forgetting < 0 || rule.forgetting > kMostFactor) return refuse(text::cat("forgetting of ", rule.forgetting));
  if (rule.shift > 30) return refuse(text::cat("a shift of ", rule.shift));
  if (rule.least > rule.greatest) return refuse("the least weight is above the greatest");
  return {};
}

// Of a state whose sizes are right.
Expected<> check(const Stdp& rule, const Plastic& plastic) {
  for (const std::int8_t weight : plastic.weights)
    if (weight < rule.least || weight > rule.greatest)
      return refuse(text::cat("a weight of ", int{weight}, " is not in ", int{rule.least}, "..", int{rule.greatest}));
  for (const auto* traces : {&plastic.pre, &plastic.post})
    for (const std::int32_t trace : *traces)
      if (trace < 0 || trace > kMostTrace) return refuse(text::cat("a trace of ", trace));
  for (const std::int32_t value : plastic.eligibility)
    if (value < -kMostEligibility || value > kMostEligibility) return refuse(text::cat("an eligibility of ", value));
  return {};
}

}  // namespace

Expected<Plastic> make_plastic(const Stdp& rule, std::uint32_t sources, std::uint32_t targets,
                               std::vector<std::int8_t> weights) {
  if (auto checked = check(rule); !checked) return fail(checked.error());
  const std::uint64_t synapses = std::uint64_t{sources} * targets;
  if (synapses > kMostSynapses || weights.size() != synapses)
    return refuse(text::cat(weights.size(), " weights where ", sources, " x ", targets, " are needed"));
  Plastic plastic{.sources = sources, .targets = targets, .weights = std::move(weights)};
  plastic.pre.resize(sources), plastic.post.resize(targets);
  if (rule.modulated) plastic.eligibility.resize(synapses);
  if (auto checked = check(rule, plastic); !checked) return fail(checked.error());
  return plastic;
}

void learn(const Stdp& rule, Plastic& plastic, std::span<const std::uint32_t> pre_spikes,
           std::span<const std::uint32_t> post_spikes) {
  const std::size_t targets = plastic.targets;
  leak_traces(plastic.pre, rule.keep_pre);
  leak_traces(plastic.post, rule.keep_post);
  if (rule.keep_eligibility != kKeepAll)
    for (std::int32_t& value : plastic.eligibility) value = leaked(value, rule.keep_eligibility);

  const auto add = [&](std::size_t synapse, std::int64_t value, std::uint64_t random) {
    if (value == 0) return;
    if (rule.modulated) {
      std::int32_t& e = plastic.eligibility[synapse];
      e = static_cast<std::int32_t>(
          std::clamp<std::int64_t>(e + value, -std::int64_t{kMostEligibility}, kMostEligibility));
    } else {
      change(rule, plastic.weights[synapse], value, rule.shift, hash64(random ^ synapse));
    }
  };
  const std::uint64_t depressing = stream(rule, plastic, kDepression), raising = stream(rule, plastic, kPotentiation);
  // Traces leak to exactly 0, and few targets have fired lately: asked once, not once a source.
  const bool depresses =
      rule.depression != 0 && std::ranges::any_of(plastic.post, [](auto trace) { return trace != 0; });
  for (const std::uint32_t i : pre_spikes) {
    SYN_ASSERT(i < plastic.sources, i, plastic.sources);
    if (!depresses) continue;
    for (std::size_t j = 0; j < targets; ++j)
      add(i * targets + j, -std::int64_t{rule.depression} * plastic.post[j], depressing);
  }
  for (const std::uint32_t j : post_spikes) {
    SYN_ASSERT(j < plastic.targets, j, plastic.targets);
    for (std::size_t i = 0; i < plastic.sources; ++i) {
      const std::size_t synapse = i * targets + j;
      add(synapse,
          std::int64_t{rule.potentiation} * plastic.pre[i] - std::int64_t{rule.forgetting} * plastic.weights[synapse],
          raising);
    }
  }
  for (const std::uint32_t i : pre_spikes) plastic.pre[i] = std::min(plastic.pre[i] + rule.gain, kMostTrace);
  for (const std::uint32_t j : post_spikes) plastic.post[j] = std::min(plastic.post[j] + rule.gain, kMostTrace);
  ++plastic.step;
}

void reward(const Stdp& rule, Plastic& plastic, std::int32_t amount) {
  SYN_ASSERT(rule.modulated && amount >= -kMostFactor && amount <= kMostFactor, amount);
  const std::uint64_t random = stream(rule, plastic, kReward);
  for (std::size_t s = 0; s < plastic.weights.size(); ++s) {
    const std::int64_t value = std::int64_t{plastic.eligibility[s]} * amount;
    if (value != 0) change(rule, plastic.weights[s], value, rule.shift + 15, hash64(random ^ s));
  }
}

void reward(const Stdp& rule, Plastic& plastic, std::int32_t amount, std::span<const std::uint32_t> targets) {
  SYN_ASSERT(rule.modulated && amount >= -kMostFactor && amount <= kMostFactor, amount);
  const std::uint64_t random = stream(rule, plastic, kReward);
  for (const std::uint32_t j : targets) {
    for (std::size_t i = 0; i < plastic.sources; ++i) {
      const std::size_t s = i * plastic.targets + j;
      const std::int64_t value = std::int64_t{plastic.eligibility[s]} * amount;
      if (value != 0) change(rule, plastic.weights[s], value, rule.shift + 15, hash64(random ^ s));
    }
  }
}

void rest(Plastic& plastic, std::span<const std::uint32_t> targets) {
  for (auto* values : {&plastic.pre, &plastic.post}) std::ranges::fill(*values, 0);
  if (plastic.eligibility.empty()) return;
  for (const std::uint32_t j : targets) {
    for (std::size_t i = 0; i < plastic.sources; ++i) plastic.eligibility[i * plastic.targets + j] = 0;
  }
}

void rest(Plastic& plastic) {
  for (auto* values : {&plastic.pre, &plastic.post, &plastic.eligibility}) std::ranges::fill(*values, 0);
}

Bytes to_bytes(const Plastic& plastic) {
  Bytes out(kMagic.begin(), kMagic.end());
  const auto put = [&](const void* from, std::size_t size) {
    if (size == 0) return;
    const std::size_t at = out.size();
    out.resize(at + size);
    std::memcpy(out.data() + at, from, size);
  };
  put(&plastic.sources, sizeof plastic.sources);
  put(&plastic.targets, sizeof plastic.targets);
  put(&plastic.step, sizeof plastic.step);
  put(plastic.weights.data(), plastic.weights.size());
  for (const auto* numbers : {&plastic.pre, &plastic.post, &plastic.eligibility})
    put(numbers->data(), numbers->size() * sizeof(std::int32_t));
  return out;
}

Expected<Plastic> restore(const Stdp& rule, ByteView bytes) {
  constexpr std::size_t kHead = 24;
  if (auto checked = check(rule); !checked) return fail(checked.error());
  if (bytes.size() < kHead || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    return refuse("not a state of plastic synapses");
  Plastic plastic;
  std::memcpy(&plastic.sources, bytes.data() + 8, 4);
  std::memcpy(&plastic.targets, bytes.data() + 12, 4);
  std::memcpy(&plastic.step, bytes.data() + 16, 8);
  const std::uint64_t synapses = std::uint64_t{plastic.sources} * plastic.targets;
  if (synapses > kMostSynapses) return refuse(text::cat("a state of ", synapses, " synapses"));
  const std::uint64_t size =
      kHead + synapses * (rule.modulated ? 5 : 1) + 4 * (std::uint64_t{plastic.sources} + plastic.targets);
  if (bytes.size() != size) return refuse(text::cat("a state of ", bytes.size(), " bytes where ", size, " are needed"));
  std::size_t at = kHead;
  const auto take = [&](auto& numbers, std::size_t count) {
    numbers.resize(count);
    const std::size_t length = count * sizeof numbers[0];
    if (length > 0) std::memcpy(numbers.data(), bytes.data() + at, length);
    at += length;
  };
  take(plastic.weights, synapses);
  take(plastic.pre, plastic.sources);
  take(plastic.post, plastic.targets);
  take(plastic.eligibility, rule.modulated ? synapses : 0);
  if (auto checked = check(rule, plastic); !checked) return fail(checked.error());
  return plastic;
}

}  // namespace syn::snn::learning
