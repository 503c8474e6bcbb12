// The float profile on one core. `recurrent`: a simulated second of 1,000 LIF neurons with 100,000 random synapses at
// about 16 spikes/s, in steps of 0.1 ms (Brian2's C++ standalone takes about 17 ms). `nmnist`: 300 steps of 1 ms of a
// CNN of the shape of NIR's published N-MNIST net, 5,000 random events. Run: bench_real --benchmark_filter=avx2
#include <benchmark/benchmark.h>

#include <cmath>

#include "core/random.hpp"
#include "core/text.hpp"
#include "snn/real/engine.hpp"

namespace {

using namespace syn;
using namespace syn::snn::real;

double uniform(Random& random, double low, double high) {
  return low + (high - low) * static_cast<double>(random.u64() >> 11) * 0x1p-53;
}
std::vector<float> weights(Random& random, std::size_t n, double size, double shift = 0) {
  std::vector<float> w(n);
  for (float& x : w) x = static_cast<float>(uniform(random, -size, size) + shift);
  return w;
}

// Neurons fire by a constant drive just above the threshold; synapses are balanced.
Model recurrent() {
  SeededRandom random(1);
  constexpr std::uint32_t kNeurons = 1000, kFanIn = 100;
  Model model{.name = "recurrent", .dt = 1e-4};
  Lif lif{.membrane = {.tau = {20e-3}, .integration = Integration::exponential_euler}, .firing = {.threshold = {1}}};
  lif.v0.clear();
  for (std::uint32_t i = 0; i < kNeurons; ++i) lif.v0.push_back(uniform(random, 0, 1));
  model.populations = {{"lif", {kNeurons}, lif}};
  Sparse synapses{.row = {0}, .bias = std::vector<float>(kNeurons, 1.047f)};
  for (std::uint32_t i = 0; i < kNeurons; ++i) {
    for (std::uint32_t source = 0; source < kNeurons; ++source)
      if (random.below(kNeurons) < kFanIn) synapses.source.push_back(source);
    synapses.row.push_back(static_cast<std::uint32_t>(synapses.source.size()));
  }
  synapses.weights = weights(random, synapses.source.size(), 0.2);
  model.projections = {{0, 0, 15, synapses}};
  // No outputs: writing 10,000 x 1,000 numbers would be most of the time.
  return model;
}

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

const int kRegistered = [] {
  for (const auto loops : Engine::loop_names()) {
    benchmark::RegisterBenchmark(text::cat("recurrent/", loops).c_str(), [loops](benchmark::State& state) {
      seconds_of(state, recurrent(), loops, 10'000, 0);
    })->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(text::cat("nmnist/", loops).c_str(), [loops](benchmark::State& state) {
      seconds_of(state, nmnist(), loops, 300, 5'000);
    })->Unit(benchmark::kMillisecond);
  }
  return 0;
}();

}  // namespace
