// Leaky neurons of the integer profile: what a step costs that is silent, that touches every neuron, and that pays for
// silent ones; and a random recurrent network, a simulated second of 0.1 ms steps.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "core/random.hpp"
#include "core/text.hpp"
#include "snn/engine.hpp"

namespace {

using namespace syn;
using namespace syn::snn;

constexpr std::uint32_t kSteps = 32767;

void add(Model& model, std::string name, Shape shape, Kind kind) {
  model.populations.push_back({.name = std::move(name), .shape = shape, .code = Code::step, .kind = std::move(kind)});
}
std::vector<std::int8_t> weights(Random& random, std::size_t n, std::uint64_t percent) {
  std::vector<std::int8_t> out(n);
  for (auto& w : out)
    if (random.below(100) < percent) w = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
  return out;
}
Leaky lif(std::uint32_t channels, std::int32_t threshold, std::int32_t bias) {
  return {.membrane = {.keep = std::vector<std::int32_t>(channels, 32440), .fraction = 4, .potential_limit = 1 << 28},
          .bias = std::vector<std::int32_t>(channels, bias),
          .threshold = std::vector<std::int32_t>(channels, threshold),
          .reset = std::vector<std::int32_t>(channels)};
}

// 100,000 neurons over a source of 1,600; every `every`-th step has one spike, the others none (0: all have none).
void shard(benchmark::State& bench, std::string_view kernels) {
  const auto every = static_cast<std::uint64_t>(bench.range(0));
  SeededRandom random(1);
  Model model{.name = "shard", .code = Code::step, .steps = kSteps};
  add(model, "in", {10, 10, 16}, Source{});
  add(model, "lif", {10, 10, 1000}, lif(1000, 1 << 20, 0));
  add(model, "out", {1, 1, 2}, Readout{.bias = {0, 0}});
  model.projections.push_back({0, 1,
                               Conv{.kernel_height = 3,
                                    .kernel_width = 3,
                                    .pad_top = 1,
                                    .pad_left = 1,
                                    .weights = weights(random, 9 * 16 * 1000, 100)}});
  model.projections.push_back({1, 2, Dense{std::vector<std::int8_t>(200'000)}});
  model.outputs = {"out"};
  const auto engine = Engine::make(model, kernels).value();
  State state;
  Window window;
  window.in = {std::vector<Count>(1600)};
  std::uint64_t step = 0, updates = 0;
  for (auto _ : bench) {
    if (state.next_row == kSteps) state.next_row = 0;
    window.in[0][800] = state.next_row == 0 || (every > 0 && step % every == 0);
    updates += engine.run(state, window).neuron_updates;
    ++step;
  }
  bench.counters["updates/step"] = static_cast<double>(updates) / static_cast<double>(step);
}

// 1,000 neurons, 100 synapses each, spiking by their bias some 16 times a simulated second.
void recurrent(benchmark::State& bench, std::string_view kernels) {
  SeededRandom random(2);
  Model model{.name = "recurrent", .code = Code::step, .steps = 10'000};
  add(model, "in", {1, 1, 1}, Source{});
  Leaky neurons = lif(1000, 1 << 16, 0);
  std::ranges::fill(neurons.membrane.keep, 32604);  // 20 ms
  for (auto& bias : neurons.bias) bias = 280 + static_cast<std::int32_t>(random.below(80));
  neurons.refractory = 20;
  add(model, "lif", {1, 1, 1000}, neurons);
  add(model, "out", {1, 1, 2}, Readout{.bias = {0, 0}});
  model.projections.push_back({0, 1, Dense{std::vector<std::int8_t>(1000)}});
  model.projections.push_back({1, 1, Dense{weights(random, 1'000'000, 10)}, 1});
  model.projections.push_back({1, 2, Dense{std::vector<std::int8_t>(2000, 1)}});
  model.outputs = {"out"};
  const auto engine = Engine::make(model, kernels).value();
  State state;
  Window window;
  window.rows = 10'000;
  window.in = {std::vector<Count>(10'000)};
  for (auto _ : bench) {
    state.next_row = 0;
    engine.run(state, window);
    benchmark::DoNotOptimize(window.potentials.data());
  }
  bench.counters["spikes/s"] = static_cast<double>(window.spikes) / 1000;
}

const int kRegistered = [] {
  for (const std::string_view kernels : Engine::kernel_names()) {
    auto* of_shard = benchmark::RegisterBenchmark(text::cat("shard/", kernels).c_str(),
                                                  [kernels](benchmark::State& s) { shard(s, kernels); });
    of_shard->Arg(0)->Arg(1)->Arg(10)->Arg(100)->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(text::cat("recurrent/", kernels).c_str(), [kernels](benchmark::State& s) {
      recurrent(s, kernels);
    })->Unit(benchmark::kMillisecond);
  }
  return 0;
}();

}  // namespace
