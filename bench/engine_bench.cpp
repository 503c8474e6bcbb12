// How long one inference takes on one core: a synthetic network of the student's shape (conv 1-24 on 28 x 28, pool,
// 24-48 and 48-48 on 14 x 14, pool, 48-64 on 7 x 7, dense 10; 6.9 M multiply-adds), with random weights and thresholds
// set so that about `density` percent of the neurons fire. Kernels by themselves: bench_kernels. Run:
// bench_engine --benchmark_filter=volley/avx512
#include <benchmark/benchmark.h>

#include <algorithm>

#include "core/random.hpp"
#include "core/text.hpp"
#include "snn/engine.hpp"

namespace {

using namespace syn;
using namespace syn::snn;

std::vector<std::int8_t> weights(Random& random, std::size_t n) {
  std::vector<std::int8_t> w(n);
  for (auto& x : w) x = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
  return w;
}

class Student {
 public:
  Student(Code code, std::uint32_t steps, std::uint32_t density) : random_(7), density_(density) {
    model_.name = "bench";
    model_.code = code;
    model_.steps = steps;
    Source pixels{.scale = {255}, .zero = {0}, .padding = {}};
    add("input", {28, 28, 1}, pixels, 255);
    for (Count& c : pixels_) c = random_.below(100) < 50 ? static_cast<Count>(random_.below(256)) : Count{0};
    conv({28, 28, 24});
    pool({14, 14, 24});
    conv({14, 14, 48});
    conv({14, 14, 48});
    pool({7, 7, 48});
    conv({7, 7, 64});
    const Readout readout{.bias = std::vector<std::int32_t>(10), .scale = 1};
    add("readout", {1, 1, 10}, readout, 1);
    join(Dense{weights(random_, 7 * 7 * 64 * 10)});
    model_.outputs = {"readout"};
  }
  const Model& model() const { return model_; }
  const std::vector<Count>& pixels() const { return pixels_; }

 private:
  void add(std::string name, Shape shape, Kind kind, std::uint32_t greatest) {
    Population p;
    p.name = std::move(name);
    p.shape = shape;
    p.code = model_.code;
    p.kind = std::move(kind);
    p.greatest = greatest;
    model_.populations.push_back(std::move(p));
  }
  void join(Connection connection) {
    const auto to = static_cast<std::uint32_t>(model_.populations.size() - 1);
    model_.projections.push_back({to - 1, to, std::move(connection)});
  }
  std::uint32_t ceiling() const { return model_.levels(); }
  void pool(Shape shape) {
    const auto greatest = model_.populations.back().greatest * 4;
    add(text::cat("pool", model_.populations.size()), shape, Pooled{}, greatest);
    join(SumPool{.kernel_height = 2, .kernel_width = 2, .stride_y = 2, .stride_x = 2, .multiplier = {}});
  }
  // The bias is the sum that `density` percent of the neurons stay above, found by running the network so far.
  void conv(Shape shape) {
    const Shape from = model_.populations.back().shape;
    IntegrateAndFire fire{.threshold = std::vector<std::int32_t>(shape.channels, 1 << 20),
                          .bias = std::vector<std::int32_t>(shape.channels),
                          .v_min = -(1 << 26),
                          .v_max = 1 << 26};
    add(text::cat("conv", model_.populations.size()), shape, fire, ceiling());
    join(Conv{.kernel_height = 3,
              .kernel_width = 3,
              .pad_top = 1,
              .pad_left = 1,
              .weights = weights(random_, std::size_t{9} * from.channels * shape.channels)});
    Model volley = model_;
    volley.code = Code::volley;
    volley.steps = ceiling();
    for (Population& p : volley.populations) {
      p.code = Code::volley;
      if (std::holds_alternative<IntegrateAndFire>(p.kind)) p.greatest = volley.steps;
    }
    const auto last = static_cast<std::uint32_t>(volley.populations.size() - 1);
    volley.outputs = {volley.populations[last].name};
    if (last > 1) volley.outputs.push_back(volley.populations[last - 1].name);
    const auto engine = Engine::make(volley).value();
    State state;
    Window window;
    window.in = {pixels_};
    engine.run(state, window);
    std::vector<std::span<const Count>> counts(last + 1);
    counts[last - 1] = last > 1 ? window.out[1] : pixels_;
    std::vector<std::int32_t> sums(shape.neurons());
    engine.sum_inputs(last, counts, sums);
    std::ranges::sort(sums);
    const std::int32_t at = sums[sums.size() * (100 - density_) / 100], top = sums[sums.size() * 999 / 1000];
    const std::int32_t threshold = std::max(1, (top - at) / static_cast<std::int32_t>(ceiling()));
    auto& neurons = std::get<IntegrateAndFire>(model_.populations.back().kind);
    std::ranges::fill(neurons.threshold, threshold);
    std::ranges::fill(neurons.bias, (model_.code == Code::step ? 0 : -at + threshold / 2));
  }

  SeededRandom random_;
  std::uint32_t density_;
  Model model_;
  std::vector<Count> pixels_ = std::vector<Count>(28 * 28);
};

void infer(benchmark::State& bench, Code code, std::string_view kernels) {
  const auto steps = static_cast<std::uint32_t>(bench.range(0)), density = static_cast<std::uint32_t>(bench.range(1));
  const Student student(code, steps, density);
  const auto engine = Engine::make(student.model(), kernels).value();
  Window window;
  window.rows = student.model().rows();
  window.in = {student.pixels()};
  Work work;
  State state;
  for (auto _ : bench) {
    state.next_row = 0;
    work = engine.run(state, window);
    benchmark::DoNotOptimize(window.potentials.data());
  }
  std::uint64_t neurons = 0;
  for (const Population& p : student.model().populations)
    if (std::holds_alternative<IntegrateAndFire>(p.kind)) neurons += p.shape.neurons();
  bench.counters["density_%"] = 100.0 * static_cast<double>(window.events) / static_cast<double>(neurons * window.rows);
  bench.counters["synops_M"] = static_cast<double>(work.synaptic_operations) * 1e-6;
  bench.counters["synops/s"] =
      benchmark::Counter(static_cast<double>(work.synaptic_operations), benchmark::Counter::kIsIterationInvariantRate);
}

const int kRegistered = [] {
  for (const std::string_view kernels : Engine::kernel_names()) {
    auto* volley = benchmark::RegisterBenchmark(text::cat("volley/", kernels).c_str(),
                                                [kernels](benchmark::State& s) { infer(s, Code::volley, kernels); });
    for (const int density : {5, 20, 40, 60}) volley->Args({8, density});
    volley->Unit(benchmark::kMicrosecond);
    auto* phase = benchmark::RegisterBenchmark(text::cat("phase/", kernels).c_str(),
                                               [kernels](benchmark::State& s) { infer(s, Code::phase, kernels); });
    phase->Args({4, 40})->Args({8, 40})->Unit(benchmark::kMicrosecond);
    auto* step = benchmark::RegisterBenchmark(text::cat("step/", kernels).c_str(),
                                              [kernels](benchmark::State& s) { infer(s, Code::step, kernels); });
    step->Args({8, 40})->Args({32, 40})->Unit(benchmark::kMicrosecond);
  }
  return 0;
}();

}  // namespace
