// What packing and unpacking one window costs, and how many bytes it makes, for the kinds of windows that real nets
// send: 4,000 and 20,000 counts, sparse to dense, binary and graded. items/s are counts.
#include <benchmark/benchmark.h>

#include "core/random.hpp"
#include "transport/codec/spikes.hpp"

namespace {

using namespace syn;

std::vector<Count> window(std::size_t neurons, int percent, std::uint32_t greatest) {
  SeededRandom random(7);
  std::vector<Count> counts(neurons);
  for (Count& c : counts) {
    // Small counts are likelier, as in rectified and pooled layers.
    if (random.below(100) < static_cast<std::uint64_t>(percent)) {
      c = static_cast<Count>(1 + random.below(1 + random.below(greatest)));
    }
  }
  return counts;
}

void arguments(benchmark::internal::Benchmark* b) {
  for (const int neurons : {4000, 20000}) {
    for (const int percent : {5, 20, 60}) {
      for (const int greatest : {1, 8, 64}) b->Args({neurons, percent, greatest});
    }
  }
}

void pack_best(benchmark::State& state) {
  const auto greatest = static_cast<std::uint32_t>(state.range(2));
  const auto counts = window(static_cast<std::size_t>(state.range(0)), static_cast<int>(state.range(1)), greatest);
  Codec::Packed packed{};
  for (auto _ : state) {
    packed = codec::pack(counts, greatest, kAllEncodings);
    benchmark::DoNotOptimize(packed.bytes.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * counts.size()));
  state.counters["bytes"] = static_cast<double>(packed.bytes.size());
  state.counters["encoding"] = static_cast<double>(packed.encoding);
}
BENCHMARK(pack_best)->Apply(arguments);

void unpack_best(benchmark::State& state) {
  const auto greatest = static_cast<std::uint32_t>(state.range(2));
  auto counts = window(static_cast<std::size_t>(state.range(0)), static_cast<int>(state.range(1)), greatest);
  const auto packed = codec::pack(counts, greatest, kAllEncodings);
  for (auto _ : state) {
    const bool ok = codec::unpack(packed.encoding, packed.bytes, greatest, counts).has_value();
    benchmark::DoNotOptimize(ok);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * counts.size()));
}
BENCHMARK(unpack_best)->Apply(arguments);

// Each encoding by itself at one density, to see what choosing the smallest costs.
void one_encoding(benchmark::State& state) {
  const auto encoding = static_cast<Encoding>(state.range(0));
  const auto greatest = static_cast<std::uint32_t>(state.range(1));
  auto counts = window(20000, 20, greatest);
  const Bytes bytes = codec::pack_as(encoding, counts, greatest);
  for (auto _ : state) {
    const bool ok = codec::unpack(encoding, bytes, greatest, counts).has_value();
    benchmark::DoNotOptimize(ok);
  }
  state.counters["bytes"] = static_cast<double>(bytes.size());
}
BENCHMARK(one_encoding)->ArgsProduct({{0, 2, 3, 4}, {8}})->ArgsProduct({{0, 1, 2, 3}, {1}});

}  // namespace
