// What it costs to teach a layer that learns one image, and to ask it about one: 784 sources, a fifth of them on, as in
// MNIST. The layer has seen 2,000 images before, so that its thresholds have found their level.
#include <benchmark/benchmark.h>

#include "core/random.hpp"
#include "snn/learning/learner.hpp"

namespace {

using namespace syn;
using namespace syn::snn::learning;

constexpr std::uint64_t kImages = 256;

// A bar at one of ten angles' worth of places, with a ragged edge: neighbours in a class share most of their pixels.
std::vector<std::vector<Count>> images() {
  std::vector<std::vector<Count>> out;
  for (std::uint64_t n = 0; n < kImages; ++n) {
    std::vector<Count> x(784);
    const std::uint64_t class_ = n % 10;
    for (std::uint64_t i = 0; i < 784; ++i) {
      const std::uint64_t place = (i / 28 * class_ + i % 28 * (9 - class_)) / 9 % 28;
      const std::uint64_t drawn = hash64(n * 784 + i);
      if (place >= 11 && place < 17 && drawn % 8 != 0) x[i] = static_cast<Count>(120 + drawn % 136);
    }
    out.push_back(std::move(x));
  }
  return out;
}

void present(benchmark::State& bench, bool teaches, bool modulated) {
  LearnerSpec spec{.neurons = static_cast<std::uint32_t>(bench.range(0))};
  spec.rule.modulated = modulated;
  auto learner = make_learner(spec);
  const auto all = images();
  Presentation buffers;
  std::uint64_t n = 0;
  for (; n < 2000; ++n) teach(*learner, all[n % kImages], n % kImages % 10, buffers);
  buffers.work = {};
  for (auto _ : bench) {
    const auto& x = all[n % kImages];
    const std::uint32_t label = n % kImages % 10;
    benchmark::DoNotOptimize(teaches ? teach(*learner, x, label, buffers) : ask(*learner, x, n, buffers));
    ++n;
  }
  bench.SetItemsProcessed(static_cast<std::int64_t>(bench.iterations()));
  bench.counters["synops/s"] =
      benchmark::Counter(static_cast<double>(buffers.work.synaptic_operations), benchmark::Counter::kIsRate);
}

BENCHMARK_CAPTURE(present, teach, true, false)->Arg(100)->Arg(400)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(present, teach_by_outcome, true, true)->Arg(100)->Arg(400)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(present, ask, false, false)->Arg(100)->Arg(400)->Unit(benchmark::kMicrosecond);

}  // namespace
