// What Engine::make refuses, and that it says which population and channel.
#include <doctest/doctest.h>

#include <limits>

#include "core/text.hpp"
#include "random_models.hpp"
#include "snn/engine.hpp"

namespace syn::snn {
namespace {

using namespace testing;

// input (1 x 1 x 4, up to 255) -> 2 neurons -> readout of 2
Model plain(Code code = Code::volley) {
  SeededRandom random(1);
  ModelBuilder b(random, {.code = code, .steps = 4, .pixel_padding = false});
  const auto in = b.input({1, 1, 4}), hidden = b.neurons({1, 1, 2}, 1000), out = b.readout(2);
  b.join(in, hidden, Dense{std::vector<std::int8_t>(8, 1)});
  b.join(hidden, out, Dense{std::vector<std::int8_t>(4, 1)});
  return b.take();
}

std::string refusal(const Model& model) {
  const auto engine = Engine::make(model);
  return engine ? "" : engine.error().what;
}
template <class Edit>
std::string refusal_after(Edit&& edit, Code code = Code::volley) {
  Model model = plain(code);
  REQUIRE(refusal(model) == "");
  edit(model);
  return refusal(model);
}
IntegrateAndFire& hidden(Model& m) {
  return std::get<IntegrateAndFire>(m.populations[1].kind);
}
Readout& readout(Model& m) {
  return std::get<Readout>(m.populations[2].kind);
}
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a sum that could reach 2^31 is refused by channel, one below it is taken") {
  constexpr std::int64_t kTop = (std::int64_t{1} << 31) - 1;
  // Channel 1: four weights of 1 times 255, plus bias, plus threshold.
  CHECK(refusal_after([](Model& m) {
          hidden(m).threshold[1] = 7, hidden(m).bias[1] = static_cast<std::int32_t>(kTop - 7 - 4 * 255);
        }) == "");
  CHECK(has(refusal_after([](Model& m) {
              hidden(m).threshold[1] = 8, hidden(m).bias[1] = static_cast<std::int32_t>(kTop - 7 - 4 * 255);
            }),
            "population 'if1': channel 1: its sums can reach"));
  CHECK(
      has(refusal_after([](Model& m) { hidden(m).bias[0] = std::numeric_limits<std::int32_t>::min(); }), "channel 0"));
  // (C + 1) theta, C = 4
  CHECK(refusal_after([](Model& m) { hidden(m).threshold[0] = static_cast<std::int32_t>(kTop / 5); }) == "");
  CHECK(has(refusal_after([](Model& m) { hidden(m).threshold[0] = static_cast<std::int32_t>(kTop / 5) + 1; }),
            "channel 0"));
  CHECK(has(refusal_after([](Model& m) { readout(m).bias[1] = static_cast<std::int32_t>(kTop - 7); }),
            "population 'readout': channel 1"));
}

TEST_CASE("in step code the clamped potential and the readout's sum over all steps stay in 32 bits") {
  constexpr std::int32_t kTop = std::numeric_limits<std::int32_t>::max();
  const auto with_clamp = [](std::int32_t v_max) {
    return refusal_after([&](Model& m) { hidden(m).v_max = v_max, hidden(m).bias = {0, 0}; }, Code::step);
  };
  CHECK(with_clamp(kTop - 4 * 255) == "");
  CHECK(has(with_clamp(kTop - 4 * 255 + 1), "channel 0"));
  CHECK(has(refusal_after([](Model& m) { hidden(m).v_min = 9, hidden(m).v_max = 8; }, Code::step),
            "v_min 9 is above v_max 8"));
  // Four steps of bias + two neurons of weight 1.
  CHECK(refusal_after([](Model& m) { readout(m).bias = {kTop / 4 - 2, 0}; }, Code::step) == "");
  CHECK(has(refusal_after(
                [](Model& m) {
                  readout(m).bias = {kTop / 4 - 1, 0};
                },
                Code::step),
            "population 'readout': channel 0"));
}

TEST_CASE("populations that do not fit are refused by name") {
  CHECK(has(refusal_after([](Model& m) { hidden(m).threshold[1] = 0; }),
            "population 'if1': channel 1: threshold 0 is below 1"));
  CHECK(has(refusal_after([](Model& m) { hidden(m).bias.pop_back(); }), "'if1': thresholds or biases"));
  CHECK(has(refusal_after([](Model& m) { m.populations[1].greatest = 5; }), "the code gives 4"));
  CHECK(has(refusal_after([](Model& m) { m.populations[1].code = Code::step; }),
            "its code is step in a model of code volley"));
  CHECK(
      has(refusal_after([](Model& m) { m.populations[0].greatest = 32768; }), "'input': its greatest count is 32768"));
  CHECK(
      has(refusal_after([](Model& m) { m.populations[0].greatest = 254; }), "'input': a quantised input reaches 255"));
  CHECK(has(refusal_after([](Model& m) { m.populations[1].name = "input"; }), "a second one of that name"));
  CHECK(has(refusal_after([](Model& m) { m.populations[1].shape.channels = 0; }), "a side of its shape is 0"));
  CHECK(has(refusal_after([](Model& m) { m.populations[1].amplitude = {1}; }), "amplitudes"));
  CHECK(has(refusal_after([](Model& m) { m.steps = 0; }), "0 steps"));
  CHECK(has(refusal_after([](Model& m) { m.steps = 40000; }), "40000 steps"));
  CHECK(has(refusal_after([](Model& m) { m.outputs = {"nobody"}; }), "'nobody' is not a population"));
  CHECK(has(refusal_after([](Model& m) { m.outputs.clear(); }), "no outputs"));
  CHECK(has(refusal_after([](Model& m) { std::swap(m.populations[0], m.populations[1]); }), "source"));
}

TEST_CASE("projections that do not fit, run backwards or hold -128 are refused by name") {
  CHECK(has(refusal_after([](Model& m) { std::get<Dense>(m.projections[0].connection).weights.pop_back(); }),
            "'if1': 7 weights where the shapes need 8"));
  CHECK(has(refusal_after([](Model& m) { std::get<Dense>(m.projections[0].connection).weights[3] = -128; }),
            "'if1': a weight of -128"));
  CHECK(has(refusal_after([](Model& m) { m.projections[1].from = 2; }), "breaks the order"));
  CHECK(has(refusal_after([](Model& m) { std::swap(m.projections[0], m.projections[1]); }), "not in order"));
  CHECK(
      has(refusal_after([](Model& m) { m.projections.erase(m.projections.begin()); }), "'if1': nothing leads into it"));
  CHECK(has(refusal_after([](Model& m) { m.projections[0].connection = MaxPool{}; }),
            "max pooling leads only into a pooled population"));
  CHECK(has(refusal_after([](Model& m) {
              m.populations[1].kind = Pooled{};
              m.projections[0].connection = OneToOne{};
            }),
            "one-to-one projection leads into a pooled"));
  CHECK(has(refusal_after([](Model& m) {
              m.populations[1].shape.width = 2;
              m.projections[0].connection = OneToOne{};
            }),
            "different height or width"));
  CHECK(has(refusal_after([](Model& m) { m.projections[0].connection = SumPool{}; }),
            "cannot change the number of channels"));
  CHECK(has(refusal_after([](Model& m) { m.projections[0].connection = Conv{.kernel_height = 0, .weights = {}}; }),
            "below 1"));
  CHECK(has(refusal_after([](Model& m) { m.projections[0].connection = Conv{.pad_top = 1, .weights = {}}; }),
            "padding 1"));
}

TEST_CASE("phase counts to 2^T - 1, for 1 to 8 steps") {
  for (std::uint32_t steps = 1; steps <= 9; ++steps) {
    const std::string what = refusal_after(
        [&](Model& m) {
          m.steps = steps;
          m.populations[1].greatest = (1u << steps) - 1;
        },
        Code::phase);
    if (steps <= kGreatestPhase) {
      CHECK(what == "");
      CHECK(has(refusal_after([&](Model& m) { m.steps = steps, m.populations[1].greatest = 1u << steps; }, Code::phase),
                text::cat("'if1': its greatest count is ", 1u << steps, ", the code gives ", (1u << steps) - 1)));
    } else {
      CHECK(has(what, "9 steps, outside the 1..8 of code phase"));
    }
  }
}

TEST_CASE("the overflow rule knows the most extreme bias of a channel, wherever it stands") {
  constexpr std::int64_t kTop = (std::int64_t{1} << 31) - 1;
  SeededRandom random(3);
  const auto with_bias = [&](std::int64_t worst) {
    ModelBuilder b(random, {.branches = false, .pixel_padding = false});
    const auto in = b.input({2, 2, 1}), hidden = b.neurons({2, 2, 2}, 1000), out = b.readout(2);
    b.join(in, hidden, Conv{.weights = {1, 1}});
    b.join(hidden, out, Dense{std::vector<std::int8_t>(16, 1)});
    Model model = b.take();
    auto& fire = std::get<IntegrateAndFire>(model.populations[1].kind);
    fire.threshold = {10, 10};
    fire.bias.assign(8, 0);
    fire.bias[5] = static_cast<std::int32_t>(worst);  // position 2, channel 1
    return refusal(model);
  };
  CHECK(with_bias(kTop - 10 - 255) == "");
  CHECK(has(with_bias(kTop - 10 - 254), "'if1': channel 1: its sums can reach"));
  CHECK(with_bias(-(kTop - 10)) == "");
  CHECK(has(with_bias(-(kTop - 9)), "'if1': channel 1"));
}

TEST_CASE("depthwise and one-to-one sums are bounded by what each channel really reads") {
  SeededRandom random(4);
  // 3 source channels up to 255; weights of channel 1 alone can reach the top.
  const auto joined = [&](Connection connection, std::int32_t threshold) {
    ModelBuilder b(random, {.branches = false, .pixel_padding = false});
    const auto in = b.input({2, 2, 3}), hidden = b.neurons({2, 2, 3}, 1000), out = b.readout(2);
    b.join(in, hidden, std::move(connection));
    b.join(hidden, out, Dense{std::vector<std::int8_t>(24, 1)});
    Model model = b.take();
    auto& fire = std::get<IntegrateAndFire>(model.populations[1].kind);
    fire.threshold.assign(3, threshold);
    fire.bias.assign(3, 0);
    return refusal(model);
  };
  constexpr std::int32_t kMost = ((std::int64_t{1} << 31) - 1) / 255;
  CHECK(joined(OneToOne{.multiplier = {1, kMost - 1, 1}}, 100) == "");
  CHECK(has(joined(OneToOne{.multiplier = {1, kMost, 1}}, 1000), "'if1': channel 1: its sums can reach"));
  CHECK(has(joined(OneToOne{.shift = 1, .multiplier = {1, -kMost, 1}}, 1000), "'if1': channel 2"));
  CHECK(joined(OneToOne{.shift = 2, .multiplier = {1, -kMost, 1}}, 1000) == "");  // channel 1 leads nowhere
  CHECK(has(joined(OneToOne{.multiplier = {1, kGreatestMultiplier + 1, 1}}, 1), "beyond 16777216 in amount"));
  CHECK(has(joined(OneToOne{.multiplier = {1, 1}}, 1), "multipliers do not fit"));
  CHECK(has(joined(OneToOne{.shift = 70000, .multiplier = {1, 1, 1}}, 1), "a shift of 70000 channels"));
  const Depthwise taps{.kernel_height = 1, .kernel_width = 2, .pad_left = 1, .weights = {1, 127, 1, 1, 127, 1}};
  constexpr std::int32_t kTop = std::numeric_limits<std::int32_t>::max();
  // (C + 1) theta comes first here: C = 8 leaves a ninth of the top, far above two weights of 127 times 255.
  CHECK(joined(taps, kTop / 9) == "");
  CHECK(has(joined(taps, kTop / 9 + 1), "channel 0"));
  Depthwise wrong = taps;
  wrong.weights[4] = -128;
  CHECK(has(joined(wrong, 1), "a weight of -128"));
  wrong.weights.pop_back();
  CHECK(has(joined(wrong, 1), "5 weights where the shapes need 6"));
}

TEST_CASE("pooled sums above the greatest count are refused") {
  SeededRandom random(2);
  const auto pooling = [&](std::uint32_t greatest, std::vector<std::uint16_t> multiplier) {
    ModelBuilder b(random, {});
    const auto in = b.input({3, 3, 1}), pool = b.pooled({2, 2, 1}, greatest), out = b.readout(2);
    b.join(
        in, pool,
        SumPool{
            .kernel_height = 2, .kernel_width = 2, .stride_y = 2, .stride_x = 2, .multiplier = std::move(multiplier)});
    b.join(pool, out, Dense{std::vector<std::int8_t>(8, 1)});
    return refusal(b.take());
  };
  CHECK(pooling(4 * 255, {}) == "");
  CHECK(has(pooling(4 * 255 - 1, {}), "its sums reach 1020, above its greatest count 1019"));
  CHECK(pooling(4 * 255, {1, 2, 2, 4}) == "");  // the border windows hold 4, 2, 2 and 1 pixels
  CHECK(has(pooling(4 * 255, {1, 3, 2, 4}), "its sums reach 1530"));
}

}  // namespace syn::snn
