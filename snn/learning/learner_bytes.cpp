// A learner as bytes, little-endian: spec (fixed length), presentations, the plastic synapses' step, weights, extra
// thresholds, votes, SHA-256. Traces and eligibility are 0 between presentations and not written.
#include <algorithm>
#include <cstring>

#include "core/sha256.hpp"
#include "core/text.hpp"
#include "snn/learning/learner.hpp"

namespace syn::snn::learning {
namespace {

constexpr std::string_view kMagic{"SYNLRN\0\1", 8};
constexpr std::uint64_t kMostSynapses = 1 << 24;
constexpr std::int32_t kMostGain = 1 << 24;

// One list of all fields is the truth for writing and reading.
template <class Spec, class Field>
void each_field(Spec& s, Field field) {
  field(s.sources), field(s.neurons), field(s.classes), field(s.steps), field(s.rate), field(s.keep_potential);
  field(s.threshold), field(s.threshold_gain), field(s.keep_threshold), field(s.first_weight), field(s.reward_after);
  field(s.reward), field(s.punishment);
  auto& r = s.rule;
  field(r.keep_pre), field(r.keep_post), field(r.gain), field(r.potentiation), field(r.depression), field(r.forgetting);
  field(r.shift), field(r.least), field(r.greatest), field(r.keep_eligibility), field(r.seed);
}

std::size_t spec_bytes() {
  static constexpr LearnerSpec kAny;
  std::size_t size = kMagic.size() + 1;
  each_field(kAny, [&](const auto& value) { size += sizeof value; });
  return size;
}

void put(Bytes& out, const void* from, std::size_t size) {
  const std::size_t at = out.size();
  out.resize(at + size);
  if (size > 0) std::memcpy(out.data() + at, from, size);
}

std::unexpected<Error> refuse(std::string what, const char* todo = "check the learner's settings") {
  return fail(std::move(what), "a learner", todo);
}

Expected<> check(const LearnerSpec& s) {
  struct Range {
    const char* name;
    std::int64_t value, least, most;
  };
  for (const Range& r : std::initializer_list<Range>{{"sources", s.sources, 1, 65536},
                                                     {"neurons", s.neurons, 1, 4096},
                                                     {"classes", s.classes, 1, 256},
                                                     {"steps", s.steps, 1, 255},
                                                     {"rate", s.rate, 1, 256},
                                                     {"keep_potential", s.keep_potential, 0, kKeepAll},
                                                     {"threshold", s.threshold, 1, 1 << 30},
                                                     {"threshold_gain", s.threshold_gain, 0, kMostGain},
                                                     {"keep_threshold", s.keep_threshold, 0, kKeepAll},
                                                     {"first_weight", s.first_weight, 0, 127},
                                                     {"reward", s.reward, 0, kMostReward},
                                                     {"punishment", s.punishment, 0, kMostReward}}) {
    if (r.value < r.least || r.value > r.most)
      return refuse(text::cat(r.name, " is ", r.value, ", it must be ", r.least, " to ", r.most));
  }
  if (std::uint64_t{s.sources} * s.neurons > kMostSynapses)
    return refuse(text::cat(s.sources, " sources and ", s.neurons, " neurons: more than ", kMostSynapses, " synapses"));
  // -128 would leave the bound of the sums in 16 bits.
  if (s.rule.least < -127) return refuse("the least weight is below -127");
  if (auto rule = make_plastic(s.rule, 0, 0, {}); !rule) return fail(rule.error());
  return {};
}

}  // namespace

Bytes to_bytes(const LearnerSpec& spec) {
  Bytes out(kMagic.begin(), kMagic.end());
  each_field(spec, [&](const auto& value) { put(out, &value, sizeof value); });
  out.push_back(spec.rule.modulated ? 1 : 0);
  return out;
}

Expected<LearnerSpec> read_spec(ByteView bytes) {
  if (bytes.size() != spec_bytes() || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    return refuse("not the settings of a learner", "check that both ends run the same version");
  LearnerSpec spec;
  std::size_t at = kMagic.size();
  each_field(spec, [&](auto& value) {
    std::memcpy(&value, bytes.data() + at, sizeof value);
    at += sizeof value;
  });
  if (bytes[at] > 1) return refuse("neither modulated nor not");
  spec.rule.modulated = bytes[at] == 1;
  if (auto checked = check(spec); !checked) return fail(checked.error());
  return spec;
}

static_assert(kMagic.size() == kMagicBytes);

bool is_learner(ByteView bytes) {
  return bytes.size() >= kMagicBytes && std::memcmp(bytes.data(), kMagic.data(), kMagicBytes) == 0;
}

std::uint64_t state_bytes(const LearnerSpec& spec) {
  return spec_bytes() + 16 + std::uint64_t{spec.sources} * spec.neurons + std::uint64_t{4} * spec.neurons +
         std::uint64_t{2} * spec.neurons * spec.classes + kStateHashBytes;
}

Bytes to_bytes(const Learner& learner) {
  Bytes out = to_bytes(learner.spec);
  out.reserve(state_bytes(learner.spec));
  put(out, &learner.presentations, 8);
  put(out, &learner.plastic.step, 8);
  put(out, learner.plastic.weights.data(), learner.plastic.weights.size());
  put(out, learner.thresholds.data(), 4 * learner.thresholds.size());
  put(out, learner.votes.data(), 2 * learner.votes.size());
  const auto digest = Sha256::of(out);
  put(out, digest.data(), digest.size());
  return out;
}

Expected<Learner> restore(ByteView bytes) {
  constexpr const char* kTodo = "it is damaged, or of another version; remove it from the node's store to begin anew";
  const std::size_t head = spec_bytes();
  if (bytes.size() < head) return refuse("not the state of a learner", kTodo);
  auto spec = read_spec(bytes.first(head));
  if (!spec) return fail(spec.error());
  const std::size_t synapses = std::size_t{spec->sources} * spec->neurons;
  const std::size_t votes = std::size_t{spec->neurons} * spec->classes;
  const std::size_t size = state_bytes(*spec);
  if (bytes.size() != size)
    return refuse(text::cat("a state of ", bytes.size(), " bytes where ", size, " are needed"), kTodo);
  if (Sha256::of(bytes.first(size - kStateHashBytes)) != state_hash(bytes))
    return refuse("its SHA-256 is wrong", kTodo);

  std::size_t at = head;
  const auto take = [&](void* to, std::size_t length) {
    if (length > 0) std::memcpy(to, bytes.data() + at, length);
    at += length;
  };
  Learner learner{.spec = *spec, .plastic = {}, .thresholds = {}, .votes = {}};
  std::uint64_t step = 0;
  take(&learner.presentations, 8);
  take(&step, 8);
  std::vector<std::int8_t> weights(synapses);
  take(weights.data(), synapses);
  auto plastic = make_plastic(spec->rule, spec->sources, spec->neurons, std::move(weights));
  if (!plastic) return fail(plastic.error());
  learner.plastic = std::move(*plastic);
  learner.plastic.step = step;
  learner.thresholds.resize(spec->neurons);
  take(learner.thresholds.data(), 4 * learner.thresholds.size());
  if (std::ranges::any_of(learner.thresholds, [](std::int32_t t) { return t < 0 || t > kMostThreshold; }))
    return refuse("an extra threshold is out of range", kTodo);
  learner.votes.resize(votes);
  take(learner.votes.data(), 2 * votes);
  if (std::ranges::any_of(learner.votes, [](std::uint16_t v) { return v > kMostVotes; }))
    return refuse("more votes than there can be", kTodo);
  return learner;
}

std::array<std::uint8_t, kStateHashBytes> state_hash(ByteView state) {
  std::array<std::uint8_t, kStateHashBytes> out{};
  if (state.size() >= kStateHashBytes) std::ranges::copy(state.last(kStateHashBytes), out.begin());
  return out;
}

}  // namespace syn::snn::learning
