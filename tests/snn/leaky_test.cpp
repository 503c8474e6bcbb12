// The leaky kernel against its plain twin and against 64-bit arithmetic, and what the rules refuse of what leaks or
// comes late.
#include "snn/leaky.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "interpreter.hpp"
#include "random_models.hpp"
#include "snn/engine.hpp"
#include "snn/kernels/reference.hpp"
#include "snn/model_file.hpp"

namespace syn::snn {
namespace {

using namespace testing;
using kernels::LeakyState;
using kernels::LeakyStep;
using Values = std::vector<std::int32_t>;

constexpr std::int32_t kTop = std::numeric_limits<std::int32_t>::max();

Values between(Random& random, std::size_t n, std::int64_t low, std::int64_t high) {
  Values out(n);
  for (auto& value : out) {
    const auto kind = random.below(8);  // the ends often
    value = static_cast<std::int32_t>(
        kind == 0   ? low
        : kind == 1 ? high
                    : low + static_cast<std::int64_t>(random.below(std::uint64_t(high - low + 1))));
  }
  return out;
}

// Constants, sums and variables of n neurons; `extreme`: as far out as the rules allow.
struct Neurons {
  Neurons(Random& random, std::size_t n, bool extreme) {
    const std::int32_t limit = extreme ? 1 << 30 : 1 << 14, size = extreme ? 1 << 30 : 3000;
    const bool subtracts = random.below(2) == 0;
    step.fraction = static_cast<unsigned>(random.below(kGreatestFraction + 1));
    step.potential_limit = step.current_limit = limit;
    step.adaptation_limit = extreme ? 1 << 29 : 2000;
    step.refractory = static_cast<std::int32_t>(random.below(3));
    step.most = subtracts ? static_cast<std::int32_t>(1 + random.below(4)) : 1;
    step.reads_previous = random.below(2) == 0;
    step.subtracts = subtracts;
    const bool current = random.below(2) == 0, adapts = random.below(2) == 0;
    if (current) step.potential_limit = kTop - step.current_limit < limit ? kTop - step.current_limit : limit;
    const std::int64_t top = extreme ? kTop - limit : 4000;  // of what a step adds
    bias = between(random, n, -top / 2, top / 2);
    sums = between(random, n, -((top / 2) >> step.fraction), (top / 2) >> step.fraction);
    keep = between(random, n, 0, kKeepAll), current_keep = between(random, n, 0, kKeepAll);
    threshold = between(random, n, random.below(2) == 0 ? -size : 1, size);
    reset = subtracts ? between(random, n, 1, size) : between(random, n, -limit, limit);
    adaptation_keep = between(random, n, 0, kKeepAll);
    jump = between(random, n, subtracts ? 0 : -size / step.most, size / step.most);
    potential = between(random, n, -step.potential_limit, step.potential_limit);
    current_state = between(random, n, -step.current_limit, step.current_limit);
    adaptation = between(random, n, subtracts ? 0 : -step.adaptation_limit, step.adaptation_limit);
    held = between(random, n, 0, step.refractory);
    step.bias = bias.data();
    step.keep = random.below(4) == 0 ? nullptr : keep.data();
    step.current_keep = current ? current_keep.data() : nullptr;
    if (random.below(5) != 0) step.threshold = threshold.data(), step.reset = reset.data();
    adapts_ = adapts && step.threshold;
    step.adaptation_keep = adapts_ ? adaptation_keep.data() : nullptr;
    step.jump = adapts_ ? jump.data() : nullptr;
    current_ = current;
    held_ = step.refractory > 0 && step.threshold;
  }
  auto stepped(const kernels::Table& table) {
    Values v = potential, i = current_state, b = adaptation, h = held;
    std::vector<Count> out(v.size(), 0xa5a5);
    const LeakyState state{v.data(), current_ ? i.data() : nullptr, adapts_ ? b.data() : nullptr,
                           held_ ? h.data() : nullptr};
    const kernels::LeakyStepped stepped = table.step_leaky(step, sums.data(), v.size(), state, out.data());
    return std::tuple(v, i, b, h, out, stepped);
  }
  LeakyStep step{};
  bool current_ = false, adapts_ = false, held_ = false;
  Values bias, sums, keep, current_keep, threshold, reset, adaptation_keep, jump, potential, current_state, adaptation,
      held;
};

// input (1 x 1 x 4) -> leaky (1 x 1 x 2), which reads itself -> readout of 2
Model recurrent() {
  Model m{.name = "recurrent", .code = Code::step, .steps = 4};
  m.populations.push_back({.name = "in", .shape = {1, 1, 4}, .code = Code::step, .kind = Source{}, .greatest = 1});
  Leaky leaky{.membrane = {.keep = {30000}, .fraction = 4, .potential_limit = 1 << 20},
              .bias = {0, 0},
              .threshold = {1000, 2000},
              .reset = {0, 0}};
  leaky.membrane.keep = {30000, 20000};
  m.populations.push_back({.name = "hidden", .shape = {1, 1, 2}, .code = Code::step, .kind = leaky});
  m.populations.push_back({.name = "out", .shape = {1, 1, 2}, .code = Code::step, .kind = Readout{.bias = {0, 0}}});
  m.projections.push_back({0, 1, Dense{std::vector<std::int8_t>(8, 100)}});
  m.projections.push_back({1, 1, Dense{std::vector<std::int8_t>(4, -7)}, 1});
  m.projections.push_back({1, 2, Dense{std::vector<std::int8_t>(4, 1)}});
  m.outputs = {"out"};
  return m;
}
Leaky& hidden(Model& m) {
  return std::get<Leaky>(m.populations[1].kind);
}
std::string refusal_after(auto&& edit) {
  Model m = recurrent();
  edit(m);
  const auto engine = Engine::make(m);
  return engine ? "" : engine.error().what;
}
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a step of leaky neurons equals its plain twin, at extreme values too") {
  SeededRandom random(31);
  int rested = 0;
  for (int round = 0; round < 400; ++round) {
    CAPTURE(round);
    Neurons neurons(random, random.below(70), round % 2 == 0);
    const auto expected = neurons.stepped(kernels::reference::kTable);
    rested += std::get<kernels::LeakyStepped>(expected).rests;
    for (const kernels::Table* table : kernels::available()) CHECK(neurons.stepped(*table) == expected);
  }
  CHECK(rested > 10);
}

TEST_CASE("a single leak is the rule in 64 bits, for every amount and every keep at the ends") {
  SeededRandom random(32);
  for (const std::int32_t keep : {0, 1, 2, 16383, 16384, 32766, 32767, 32768})
    for (const std::int32_t x : {0, 1, 2, 32767, 32768, 65535, 1 << 30, kTop - 1, kTop}) {
      CHECK(kernels::reference::leaked(x, keep) == leaked(x, keep));
      CHECK(kernels::reference::leaked(-x, keep) == leaked(-x, keep));
    }
  for (int i = 0; i < 20000; ++i) {
    const auto x = static_cast<std::int32_t>(random.u64() >> 33) * (random.below(2) == 0 ? 1 : -1);
    const auto keep = static_cast<std::int32_t>(random.below(kKeepAll + 1));
    CHECK(kernels::reference::leaked(x, keep) == leaked(x, keep));
  }
}

TEST_CASE("postponed leaks are exactly as many single ones, and counted until nothing is left") {
  SeededRandom random(33);
  for (int round = 0; round < 120; ++round) {
    CAPTURE(round);
    const std::size_t n = random.below(50);
    const auto times = static_cast<std::uint32_t>(random.below(300));
    const Values keep = between(random, n, 20000, round % 3 == 0 ? kKeepAll : 32500), held = between(random, n, 0, 40),
                 start = between(random, n, -kTop, kTop);
    Values expected = start;
    std::uint64_t leaks = 0;
    for (std::size_t i = 0; i < n; ++i)
      for (std::uint32_t t = 0; t < times; ++t) {
        if (t < static_cast<std::uint32_t>(held[i]) || expected[i] == 0) continue;
        expected[i] = static_cast<std::int32_t>(leaked(expected[i], keep[i]));
        ++leaks;
      }
    for (const kernels::Table* table : kernels::available()) {
      Values x = start;
      CHECK(table->leak_often(keep.data(), times, held.data(), n, x.data()) == leaks);
      CHECK(x == expected);
    }
  }
}

TEST_CASE("what leaks or comes late is refused by name where it has no meaning or could overflow") {
  CHECK(refusal_after([](Model&) {}) == "");
  CHECK(has(refusal_after([](Model& m) {
              m.code = Code::volley;
              for (auto& p : m.populations) p.code = Code::volley;
            }),
            "population 'hidden': potentials leak from step to step, which code volley does not have"));
  CHECK(has(refusal_after([](Model& m) { m.projections[1].delay = 0; }), "a projection from 1 to 1 breaks the order"));
  CHECK(has(refusal_after([](Model& m) { m.projections[2].delay = kGreatestDelay + 1; }), "a delay of 32769 steps"));
  CHECK(has(refusal_after([](Model& m) { hidden(m).membrane.keep[1] = kKeepAll + 1; }), "channel 1: keep 32769"));
  CHECK(has(refusal_after([](Model& m) { hidden(m).membrane.keep = {1, 2, 3}; }), "its keep does not fit"));
  CHECK(has(refusal_after([](Model& m) { hidden(m).membrane.fraction = 16; }), "a fraction of 16 bits"));
  CHECK(has(refusal_after([](Model& m) { hidden(m).membrane.potential_limit = 0; }), "a limit of 0"));
  CHECK(has(refusal_after([](Model& m) { m.populations[1].greatest = 2; }), "one spike a step"));
  CHECK(has(refusal_after([](Model& m) { hidden(m).rule = Reset::subtract; }), "channel 0: reset 0"));
  CHECK(has(refusal_after([](Model& m) { hidden(m).jump = {1, 1}; }), "only one of adaptation_keep and jump"));
  CHECK(has(refusal_after([](Model& m) { hidden(m).refractory = -1; }), "held for -1 steps"));
  // 400 from the input, 14 from itself: 414 << 4 is what a step adds at most, to a potential of up to its limit.
  const auto with_bias = [](std::int32_t limit, std::int32_t bias) {
    return refusal_after([=](Model& m) {
      hidden(m).membrane.potential_limit = limit;
      hidden(m).bias[1] = bias;
    });
  };
  CHECK(with_bias(1 << 30, (1 << 30) - 1 - 400 * 16) == "");
  CHECK(has(with_bias(1 << 30, (1 << 30) - 400 * 16), "population 'hidden': channel 1: its sums can reach 400"));
}

TEST_CASE("a team's parts give the bits of one thread, in any order") {
  struct Backwards final : Team {  // on one thread; the last part first
    unsigned size() const override { return 3; }
    void run(unsigned count, void (*part)(void* context, unsigned index), void* context) override {
      for (unsigned i = count; i-- > 0;) part(context, i);
      parts += count;
    }
    unsigned parts = 0;
  } team;
  SeededRandom random(34);
  Model model = recurrent();  // so large that parts are worth while
  const Shape wide{1, 1, 800};
  model.populations[1].shape = wide;
  for (Values* values :
       {&hidden(model).membrane.keep, &hidden(model).bias, &hidden(model).threshold, &hidden(model).reset})
    values->resize(800, (*values)[1]);
  for (auto& keep : hidden(model).membrane.keep) keep = static_cast<std::int32_t>(20000 + random.below(12000));
  for (auto& threshold : hidden(model).threshold) threshold = static_cast<std::int32_t>(500 + random.below(4000));
  hidden(model).refractory = 1;
  model.projections[0].connection = Dense{random_weights(random, std::size_t{4} * 800)};
  model.projections[1].connection = Dense{random_weights(random, std::size_t{800} * 800)};
  model.projections[2].connection = Dense{random_weights(random, std::size_t{800} * 2)};
  model.steps = 40;
  const Engine engine = std::move(*Engine::make(model));
  State alone, shared;
  Window one, other;
  one.rows = other.rows = 40;
  one.in = other.in = {random_counts(random, std::size_t{4} * 40, 1, 50)};
  engine.run(alone, one);
  engine.run(shared, other, &team);
  CHECK(one.spikes > 1000);
  CHECK(one.checksum == other.checksum);
  CHECK(one.potentials == other.potentials);
  CHECK(alone == shared);
  CHECK(team.parts > 40);
}

TEST_CASE("files of what leaks or comes late say so, and read back the same") {
  const Model model = recurrent();
  const Bytes bytes = write_model(model);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  CHECK(text.find("leaky") != std::string_view::npos);
  CHECK(text.find("delays") != std::string_view::npos);
  const auto read = read_model(bytes, "a test");
  REQUIRE(read.has_value());
  CHECK(*read == model);
}

}  // namespace syn::snn
