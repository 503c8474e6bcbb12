// What is stored to survive a restart: plastic synapses (first byte 0 or 1: without or with reward) the state of a
// float model (2), and a learner's (3, without its SHA-256, which no mutation would meet) or its settings (4). What is
// accepted is written again as the same bytes, and goes on.
#include <algorithm>

#include "core/sha256.hpp"
#include "snn/learning/learner.hpp"
#include "snn/learning/stdp.hpp"
#include "tests/fuzz/state.hpp"
#include "tests/fuzz/targets.hpp"

namespace syn::fuzz {

namespace {

void plastic(const snn::learning::Stdp& rule, ByteView input) {
  auto synapses = snn::learning::restore(rule, input);
  if (!accepted(synapses)) return;
  SYN_ASSERT(std::ranges::equal(snn::learning::to_bytes(*synapses), input));
  for (int step = 0; step < 3; ++step) {
    const std::vector<std::uint32_t> first{0};
    snn::learning::learn(rule, *synapses, std::span(first).first(synapses->sources > 0 ? 1 : 0),
                         std::span(first).first(synapses->targets > 0 ? 1 : 0));
  }
  if (rule.modulated) snn::learning::reward(rule, *synapses, -32768);
  SYN_ASSERT(std::ranges::all_of(synapses->weights, [&](int w) { return w >= rule.least && w <= rule.greatest; }));
}

void learner(ByteView input) {
  using namespace snn::learning;
  Bytes bytes(input.begin(), input.end());
  const auto hash = Sha256::of(input);
  bytes.insert(bytes.end(), hash.begin(), hash.end());
  auto restored = restore(bytes);
  if (!accepted(restored)) return;
  SYN_ASSERT(to_bytes(*restored) == bytes);
  Presentation buffers;
  const std::vector<Count> all(restored->spec.sources, kMostIntensity);
  for (std::uint32_t n = 0; n < 3; ++n) teach(*restored, all, n % restored->spec.classes, buffers);
  SYN_ASSERT(accepted(restore(to_bytes(*restored))));
}

void settings(ByteView input) {
  const auto spec = snn::learning::read_spec(input);
  if (accepted(spec)) SYN_ASSERT(std::ranges::equal(snn::learning::to_bytes(*spec), input));
}

}  // namespace

snn::real::Engine small_float_engine() {
  using namespace snn::real;
  Model model{.name = "small", .dt = 1e-3};
  const Firing firing{.order = Order::update_reset_fire, .refractory = 2};
  model.populations = {
      {"in", {2}, Input{}},
      {"hidden", {3}, CubaLif{.synapse = {.tau = {0.01}}, .membrane = {.tau = {0.02}}, .firing = firing}}};
  model.projections = {{0, 1, 2, Dense{{1, 2, 3, 4, 5, 6}, {}}}, {1, 1, 3, Delays{{0, 1, 2}}}};
  model.inputs = {{"x", 0}};
  model.outputs = {{"y", 1}};
  auto engine = Engine::make(std::move(model));
  SYN_ASSERT(engine.has_value(), engine.error().what);
  return std::move(*engine);
}

void state(ByteView input) {
  const std::uint8_t choice = take_byte(input);
  if (choice < 2) return plastic({.least = -100, .greatest = 100, .modulated = choice == 1, .seed = 1}, input);
  if (choice == 3) return learner(input);
  if (choice == 4) return settings(input);
  static snn::real::Engine engine = small_float_engine();
  auto restored = engine.restore(input);
  if (!accepted(restored)) return;
  SYN_ASSERT(std::ranges::equal(snn::real::Engine::to_bytes(*restored), input));
  const std::vector<float> in(8, 1.0f);
  snn::real::Window window{.steps = 4, .in = {in}};
  (void)accepted(engine.run(*restored, window));  // numbers near the end of the range may leave it
}

}  // namespace syn::fuzz
