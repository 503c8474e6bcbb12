#include "snn/learning/stdp.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/random.hpp"

namespace syn::snn::learning {
namespace {

using Spikes = std::vector<std::uint32_t>;

Spikes random_spikes(Random& random, std::uint32_t neurons, double rate) {
  Spikes spikes;
  for (std::uint32_t i = 0; i < neurons; ++i)
    if (random.chance(rate)) spikes.push_back(i);
  return spikes;
}

bool has(const Spikes& spikes, std::uint32_t i) {
  return std::ranges::find(spikes, i) != spikes.end();
}

// The rule said plainly: every synapse by itself, from the history of all spikes, traces summed anew in each step.
struct Twin {
  Stdp rule;
  std::uint32_t sources, targets;
  std::vector<Spikes> pre, post;
  std::vector<int> weights;
  std::vector<std::int64_t> eligibility;

  static std::int64_t leak(std::int64_t x, std::uint32_t keep) {
    return (x < 0 ? -1 : 1) * ((x < 0 ? -x : x) * keep / 32768);
  }
  static std::int64_t trace(const Stdp& rule, const std::vector<Spikes>& history, std::uint32_t i, std::uint32_t keep) {
    std::int64_t x = 0;  // after leaking into the step that comes next
    for (const Spikes& spikes : history) {
      if (has(spikes, i)) x = std::min<std::int64_t>(x + rule.gain, kMostTrace);
      x = leak(x, keep);
    }
    return x;
  }
  void round_into(int& weight, std::int64_t value, std::uint32_t shift, std::uint64_t cause, std::uint64_t synapse) {
    if (value == 0) return;
    const std::uint64_t drawn = hash64(hash64(hash64(rule.seed ^ hash64(std::uint64_t{pre.size()})) + cause) ^ synapse);
    const std::int64_t unit = std::int64_t{1} << shift;
    const std::int64_t raised = value + static_cast<std::int64_t>(drawn % static_cast<std::uint64_t>(unit));
    const std::int64_t whole = raised >= 0 ? raised / unit : -((-raised + unit - 1) / unit);
    weight = static_cast<int>(std::clamp<std::int64_t>(weight + whole, rule.least, rule.greatest));
  }
  void learn(const Spikes& now_pre, const Spikes& now_post) {
    for (std::uint32_t i = 0; i < sources; ++i) {
      const std::int64_t x = trace(rule, pre, i, rule.keep_pre);
      for (std::uint32_t j = 0; j < targets; ++j) {
        const std::uint64_t s = std::uint64_t{i} * targets + j;
        const std::int64_t y = trace(rule, post, j, rule.keep_post);
        const std::int64_t down = has(now_pre, i) ? -rule.depression * y : 0;
        // Forgetting reads the weight as the step's source spikes have left it.
        const auto up = [&]() -> std::int64_t {
          return has(now_post, j) ? rule.potentiation * x - std::int64_t{rule.forgetting} * weights[s] : 0;
        };
        if (rule.modulated) {
          auto& e = eligibility[s];
          e = leak(e, rule.keep_eligibility);
          for (const std::int64_t value : {down, up()})
            e = std::clamp<std::int64_t>(e + value, -std::int64_t{kMostEligibility}, kMostEligibility);
        } else {
          round_into(weights[s], down, rule.shift, 0, s);
          round_into(weights[s], up(), rule.shift, 1, s);
        }
      }
    }
    pre.push_back(now_pre), post.push_back(now_post);
  }
  void reward(std::int64_t amount) {
    for (std::uint64_t s = 0; s < weights.size(); ++s)
      round_into(weights[s], eligibility[s] * amount, rule.shift + 15, 2, s);
  }
};

}  // namespace

TEST_CASE("learning step by step is the plain rule over the whole history, with and without reward") {
  SeededRandom random(91);
  for (int round = 0; round < 40; ++round) {
    CAPTURE(round);
    Stdp rule{.keep_pre = static_cast<std::uint32_t>(random.below(32769)),
              .keep_post = static_cast<std::uint32_t>(random.below(32769)),
              .gain = static_cast<std::int32_t>(random.below(20000)),
              .potentiation = static_cast<std::int32_t>(random.below(2001)) - 300,
              .depression = static_cast<std::int32_t>(random.below(2001)) - 300,
              .shift = static_cast<std::uint32_t>(10 + random.below(15)),
              .modulated = round % 2 == 1,
              .keep_eligibility = static_cast<std::uint32_t>(random.below(32769)),
              .seed = random.u64()};
    if (round % 8 < 2) rule.potentiation = rule.depression = 32768, rule.gain = kMostTrace;  // clamps everywhere
    if (round % 3 == 0) rule.least = -20, rule.greatest = 30;
    if (round % 4 >= 2) rule.forgetting = static_cast<std::int32_t>(random.below(32769));
    const std::uint32_t sources = 1 + static_cast<std::uint32_t>(random.below(9)),
                        targets = 1 + static_cast<std::uint32_t>(random.below(9));
    std::vector<std::int8_t> weights(sources * targets);
    for (auto& w : weights) w = static_cast<std::int8_t>(static_cast<int>(random.below(41)) - 20);
    auto plastic = make_plastic(rule, sources, targets, weights);
    REQUIRE(plastic.has_value());
    Twin twin{rule, sources, targets, {}, {}, {weights.begin(), weights.end()}, {}};
    twin.eligibility.resize(weights.size());
    for (int t = 0; t < 40; ++t) {
      const Spikes pre = random_spikes(random, sources, 0.2), post = random_spikes(random, targets, 0.2);
      learn(rule, *plastic, pre, post);
      twin.learn(pre, post);
      if (rule.modulated && random.chance(0.2)) {
        const auto amount = static_cast<std::int32_t>(random.below(65537)) - 32768;
        reward(rule, *plastic, amount);
        twin.reward(amount);
      }
      CHECK(std::equal(twin.weights.begin(), twin.weights.end(), plastic->weights.begin()));
      if (rule.modulated)
        CHECK(std::equal(twin.eligibility.begin(), twin.eligibility.end(), plastic->eligibility.begin()));
    }
  }
}

TEST_CASE("stochastic rounding keeps the mean of changes far below one unit") {
  // 10,000 synapses, one pairing each: +64 * 1024 * 0.95 / 2^20 is about 0.059 of a unit.
  Stdp rule{.shift = 20, .seed = 7};
  auto plastic = make_plastic(rule, 1, 10000, std::vector<std::int8_t>(10000));
  REQUIRE(plastic.has_value());
  Spikes all(10000);
  for (std::uint32_t j = 0; j < all.size(); ++j) all[j] = j;
  learn(rule, *plastic, Spikes{0}, {});
  learn(rule, *plastic, {}, all);
  double mean = 0;
  for (const std::int8_t w : plastic->weights) mean += w / 10000.0;
  const double wanted = 64.0 * (1024 * 31130 / 32768) / (1 << 20);
  CHECK(std::abs(mean - wanted) < 5 * std::sqrt(wanted * (1 - wanted) / 10000));
}

TEST_CASE("with forgetting a weight comes to rest where it says how much of its source's trace its target finds") {
  // 0.5 of all target spikes come a step after a spike of source 1, all after one of source 0, none after source 2's.
  const Stdp rule{.keep_pre = 16384,
                  .gain = kMostTrace,
                  .potentiation = 100,
                  .depression = 0,
                  .forgetting = 16384,
                  .shift = 20,
                  .seed = 2};
  auto plastic = make_plastic(rule, 3, 1, {0, 0, 60});
  REQUIRE(plastic.has_value());
  double mean[3] = {0, 0, 0};
  for (int t = 0; t < 40000; ++t) {
    const bool both = hash64(static_cast<std::uint64_t>(t)) % 2 == 0;
    learn(rule, *plastic, both ? Spikes{0, 1} : Spikes{0}, {});
    learn(rule, *plastic, {}, Spikes{0});
    for (int k = 0; k < 14; ++k) learn(rule, *plastic, {}, {});  // traces are gone by the next pair
    if (t >= 10000)
      std::ranges::for_each(mean, [&, i = 0](double& m) mutable { m += plastic->weights[i++] / 30000.0; });
  }
  CHECK(std::abs(mean[0] - 100) < 2);  // potentiation * 16384 / forgetting
  CHECK(std::abs(mean[1] - 50) < 3);
  CHECK(std::abs(mean[2]) < 1);
}

TEST_CASE("causal pairs strengthen, acausal ones weaken, the more the closer, and one step's spikes do neither") {
  Stdp rule{.shift = 8};
  const auto after = [&](int gap) {
    auto plastic = make_plastic(rule, 1, 1, {0});
    for (int t = -60; t <= 60; ++t)
      learn(rule, *plastic, t == 0 ? Spikes{0} : Spikes{}, t == gap ? Spikes{0} : Spikes{});
    return int{plastic->weights[0]};
  };
  CHECK(after(0) == 0);
  CHECK(after(5) > after(20));
  CHECK(after(20) > 0);
  CHECK(after(-5) < after(-20));
  CHECK(after(-20) < 0);
}

TEST_CASE("a reward that comes later strengthens what was causal, and a punishment weakens it") {
  Stdp rule{.shift = 10, .modulated = true};
  for (const std::int32_t amount : {32768, -32768}) {
    auto plastic = make_plastic(rule, 2, 1, {0, 0});
    learn(rule, *plastic, Spikes{0}, {});
    learn(rule, *plastic, {}, Spikes{0});
    for (int t = 0; t < 30; ++t) learn(rule, *plastic, {}, {});
    CHECK(plastic->weights == std::vector<std::int8_t>{0, 0});  // nothing without reward
    reward(rule, *plastic, amount);
    CHECK((amount > 0) == (plastic->weights[0] > 0));
    CHECK(plastic->weights[0] != 0);
    CHECK(plastic->weights[1] == 0);
  }
}

TEST_CASE("a pattern that repeats among noise is learnt, the same again after a restart at any step") {
  // Sources 0 to 9 fire together before the target is made to fire; 10 to 19 fire at random.
  const Stdp rule{.keep_pre = 29491,
                  .keep_post = 29491,
                  .potentiation = 64,
                  .depression = 96,
                  .shift = 14,
                  .least = 0,
                  .greatest = 100,
                  .seed = 3};
  const auto steps = [&](Plastic& plastic, int from, int to) {
    for (int t = from; t < to; ++t) {
      SeededRandom random(static_cast<std::uint64_t>(t));
      Spikes pre;
      for (std::uint32_t i = 0; i < 20; ++i)
        if (i < 10 ? t % 20 == 0 : random.chance(0.05)) pre.push_back(i);
      learn(rule, plastic, pre, t % 20 == 2 ? Spikes{0} : Spikes{});
    }
  };
  auto whole = make_plastic(rule, 20, 1, std::vector<std::int8_t>(20, 20));
  REQUIRE(whole.has_value());
  Plastic plastic = *whole;
  steps(*whole, 0, 2000);
  int pattern = 0, noise = 0;
  for (std::uint32_t i = 0; i < 20; ++i) (i < 10 ? pattern : noise) += whole->weights[i];
  CHECK(pattern > 900);
  CHECK(noise < pattern / 2);

  steps(plastic, 0, 777);
  const Bytes bytes = to_bytes(plastic);
  auto restored = restore(rule, bytes);
  REQUIRE(restored.has_value());
  CHECK(*restored == plastic);
  steps(*restored, 777, 2000);
  CHECK(*restored == *whole);
}

TEST_CASE("rules and states out of range are refused") {
  const auto says = [](Stdp rule, std::vector<std::int8_t> weights = {0, 0}) {
    const auto made = make_plastic(rule, 2, 1, std::move(weights));
    return made ? std::string{} : made.error().what;
  };
  CHECK(says({}).empty());
  CHECK(says({.keep_pre = 32769}) != "");
  CHECK(says({.gain = -1}) != "");
  CHECK(says({.potentiation = 1 << 16}) != "");
  CHECK(says({.forgetting = -1}) != "");
  CHECK(says({.shift = 31}) != "");
  CHECK(says({.least = 1, .greatest = 0}) != "");
  CHECK(says({.least = 1}) != "");
  CHECK(says({}, {0}) != "");
  for (const bool modulated : {false, true}) {
    const Stdp rule{.modulated = modulated};
    auto plastic = make_plastic(rule, 3, 2, std::vector<std::int8_t>(6));
    REQUIRE(plastic.has_value());
    Bytes bytes = to_bytes(*plastic);
    for (std::size_t length = 0; length < bytes.size(); ++length)
      CHECK_FALSE(restore(rule, ByteView(bytes).first(length)).has_value());
    CHECK_FALSE(restore({.modulated = !modulated}, bytes).has_value());
    Bytes wrong = bytes;
    wrong[24 + 6 + 3] = 0x80;  // a negative trace
    CHECK_FALSE(restore(rule, wrong).has_value());
    wrong = bytes;
    wrong[8 + 3] = 0xff;  // 4 billion sources
    CHECK_FALSE(restore(rule, wrong).has_value());
    wrong = bytes;
    wrong[24] = 0x80;  // -128
    CHECK_FALSE(restore(rule, wrong).has_value());
  }
}

}  // namespace syn::snn::learning
