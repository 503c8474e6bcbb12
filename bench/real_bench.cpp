// The float profile on one core. `recurrent`: a simulated second of 1,000 LIF neurons with 100,000 random synapses at
// about 16 spikes/s, in steps of 0.1 ms. `nmnist`: 300 steps of 1 ms of a CNN of the shape of NIR's published N-MNIST
// net, 5,000 random events. `cost`: a step of one layer at an event rate in percent of its inputs; `all` steps every
// neuron and has no events. bench/spiking_peers sets the first two beside others and looks at how cost follows events.
// Run: bench_real --benchmark_filter=avx2
#include <benchmark/benchmark.h>

#include <cmath>

#include "bench/recurrent.hpp"
#include "core/random.hpp"
#include "core/text.hpp"
#include "snn/real/engine.hpp"

namespace {

using namespace syn;
using namespace syn::snn::real;

using bench::recurrent, bench::weights;

Model nmnist() {
  SeededRandom random(2);
  Model model{.name = "nmnist", .dt = 1e-3};
  const auto add = [&](const char* name, Shape shape, Neurons neurons, Connection connection) {
    const auto from = static_cast<std::uint32_t>(model.populations.size() - 1);
    model.populations.push_back({name, std::move(shape), std::move(neurons)});
    model.projections.push_back({from, from + 1, 0, std::move(connection)});
  };
  const auto conv = [&](std::uint32_t in, std::uint32_t out, std::uint32_t kernel, std::uint32_t stride,
                        std::uint32_t pad) {
    const double size = 3 / std::sqrt(static_cast<double>(in * kernel * kernel));
    return Conv{.kernel = {kernel, kernel},
                .stride = {stride, stride},
                .pad_begin = {pad, pad},
                .pad_end = {pad, pad},
                .weights = weights(random, std::size_t{in} * out * kernel * kernel, size)};
  };
  const If fire{.gain = {1}, .firing = {.threshold = {1}, .reset = Reset::subtract, .most = kManySpikes}};
  model.populations.push_back({"input", {2, 34, 34}, Input{}});
  add("conv1", {16, 16, 16}, fire, conv(2, 16, 5, 2, 1));
  add("conv2", {16, 16, 16}, fire, conv(16, 16, 3, 1, 1));
  add("pool1", {16, 8, 8}, Relay{}, Pool{.kernel = {2, 2}, .stride = {2, 2}});
  add("conv3", {8, 8, 8}, fire, conv(16, 8, 3, 1, 1));
  add("pool2", {8, 4, 4}, Relay{}, Pool{.kernel = {2, 2}, .stride = {2, 2}});
  add("dense1", {256}, fire, Dense{weights(random, 256 * 128, 0.2), {}});
  add("dense2", {10}, fire, Dense{weights(random, 10 * 256, 0.2), {}});
  model.inputs = {{"events", 0}};
  model.outputs = {{"classes", 8 - 1}};
  return model;
}

void seconds_of(benchmark::State& state, const Model& model, std::string_view loops, std::uint32_t steps,
                std::size_t events) {
  auto engine = Engine::make(model, loops);
  if (!engine) return state.SkipWithError(engine.error().what.c_str());
  std::vector<float> input;
  Window window{.steps = steps};
  if (!model.inputs.empty()) {
    SeededRandom random(3);
    input.resize(steps * neurons_of(model.populations[model.inputs[0].population].shape));
    for (std::size_t i = 0; i < events; ++i) input[random.below(input.size())] += 1;
    window.in = {input};
  }
  State sample;
  Work work;
  for (auto _ : state) {
    engine->start(sample);
    const auto ran = engine->run(sample, window);
    if (!ran) return state.SkipWithError(ran.error().what.c_str());
    work = *ran;
  }
  state.counters["synops"] = static_cast<double>(work.synaptic_operations);
}

// Leaky neurons behind 100 random synapses an input.
Model lif_layer() {
  SeededRandom random(4);
  constexpr std::uint32_t kNeurons = 1000, kFan = 100;
  Model model{.name = "lif"};
  Sparse synapses{.row = {0}};
  for (std::uint32_t i = 0; i < kNeurons; ++i) {
    for (std::uint32_t source = 0; source < kNeurons; ++source)
      if (random.below(kNeurons) < kFan) synapses.source.push_back(source);
    synapses.row.push_back(static_cast<std::uint32_t>(synapses.source.size()));
  }
  synapses.weights = weights(random, synapses.source.size(), 0.2);
  model.populations = {{"in", {kNeurons}, Input{}}, {"lif", {kNeurons}, Lif{.membrane = {.tau = {20e-3}}}}};
  model.projections = {{0, 1, 0, synapses}};
  model.inputs = {{"in", 0}};
  return model;
}

// IF neurons behind a convolution; with a bias every one of them is stepped.
Model conv_layer(bool bias) {
  SeededRandom random(5);
  Model model{.name = "conv"};
  Conv conv{.kernel = {3, 3}, .pad_begin = {1, 1}, .pad_end = {1, 1}, .weights = weights(random, 64 * 32 * 9, 0.2)};
  if (bias) conv.bias.assign(64, 1e-6f);
  model.populations = {{"in", {32, 14, 14}, Input{}},
                       {"if", {64, 14, 14}, If{.gain = {1}, .firing = {.threshold = {1}, .reset = Reset::subtract}}}};
  model.projections = {{0, 1, 0, conv}};
  model.inputs = {{"in", 0}};
  return model;
}

void cost(benchmark::State& state, const Model& model, std::string_view loops, double percent) {
  constexpr std::uint32_t kSteps = 50;
  auto engine = Engine::make(model, loops);
  if (!engine) return state.SkipWithError(engine.error().what.c_str());
  SeededRandom random(6);
  const std::size_t inputs = neurons_of(model.populations[0].shape);
  std::vector<float> in(kSteps * inputs);
  double events = 0;
  for (float& x : in) events += x = random.chance(percent / 100) ? 1.0f : 0.0f;
  Window window{.steps = kSteps, .in = {in}};
  State sample = engine->start();
  for (auto _ : state) {
    if (const auto ran = engine->run(sample, window); !ran) return state.SkipWithError(ran.error().what.c_str());
  }
  state.counters["events"] = events / kSteps;
  state.counters["steps"] = kSteps;
}

const int kRegistered = [] {
  for (const auto loops : Engine::loop_names()) {
    benchmark::RegisterBenchmark(text::cat("recurrent/", loops).c_str(), [loops](benchmark::State& state) {
      seconds_of(state, recurrent(), loops, 10'000, 0);
    })->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(text::cat("nmnist/", loops).c_str(), [loops](benchmark::State& state) {
      seconds_of(state, nmnist(), loops, 300, 5'000);
    })->Unit(benchmark::kMillisecond);
    const auto costs = [loops](const char* layer, const Model& model, std::initializer_list<double> rates) {
      for (const double percent : rates)
        benchmark::RegisterBenchmark(text::cat("cost/", layer, "/", percent, "/", loops).c_str(),
                                     [=](benchmark::State& state) { cost(state, model, loops, percent); })
            ->Unit(benchmark::kMicrosecond);
    };
    costs("lif", lif_layer(), {0, 0.1, 0.3, 1, 3, 10, 30});
    costs("conv", conv_layer(false), {0, 0.1, 0.3, 1, 3, 10, 30});
    costs("conv-all", conv_layer(true), {0});
  }
  return 0;
}();

}  // namespace
