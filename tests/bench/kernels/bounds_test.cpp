#include "bench/kernels/bounds.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "bench/kernels/measure.hpp"
#include "bench/kernels/probes_plain.hpp"
#include "core/random.hpp"

namespace syn::bench {

TEST_CASE("the least time is that of the slower of reading and writing, at the rates of where the memory lies") {
  Bounds bounds;
  bounds.l1 = {.load = 100, .store = 50};
  bounds.l2 = {.load = 10, .store = 5};
  CHECK(least_seconds({.read = 200, .written = 50, .level = Level::l1}, bounds) == doctest::Approx(2));
  CHECK(least_seconds({.read = 200, .written = 200, .level = Level::l1}, bounds) == doctest::Approx(4));
  CHECK(least_seconds({.read = 200, .written = 50, .level = Level::l2}, bounds) == doctest::Approx(20));
  CHECK(least_seconds({.read = 200}, Bounds{}) == 0);
}

TEST_CASE("a layer is held against the cache that its weights lie in, bytes and 16 bits each against their own") {
  Bounds bounds;
  bounds.l1 = {.add = 10, .narrow = 100, .wide = 50};
  bounds.l2 = {.add = 5, .narrow = 20, .wide = 10};
  bounds.narrow_peak = 200;
  const CacheSizes caches{.l1 = 1000, .l2 = 10000};
  LayerLine line{.layer = "made", .input = {}, .synops = 30, .dense_macs = 400, .word_macs = 100};
  line.narrow = true;
  line.weight_bytes = 900;
  CHECK(events_bound(line, bounds, caches).seconds == doctest::Approx(1));
  CHECK(dense_bound(line, bounds).seconds == doctest::Approx(2));
  CHECK(scatter_bound(line, bounds).seconds == doctest::Approx(3));
  line.weight_bytes = 1100;
  CHECK(events_bound(line, bounds, caches).seconds == doctest::Approx(5));
  line.narrow = false;
  CHECK(events_bound(line, bounds, caches).seconds == doctest::Approx(10));
  CHECK(dense_bound(line, bounds).seconds == 0);  // no such probe
}

TEST_CASE("every table that this machine has is given rates that are more than nothing") {
  for (const auto* table : snn::kernels::available()) {
    CAPTURE(table->name);
    BoundTimer timer(probes_of(table->name), {.l1 = 8 << 10, .l2 = 16 << 10});
    time_all(timer.timed(), {.rounds = 1, .us = 5});
    const Bounds bounds = timer.bounds();
    for (const Bounds::Memory* memory : {&bounds.l1, &bounds.l2}) {
      CHECK(memory->load > 0);
      CHECK(memory->store > 0);
      CHECK(memory->add > 0);
    }
    if (std::string_view(table->name) == "reference") continue;
    CHECK(bounds.wide_peak > 0);
    CHECK(bounds.l2.wide > 0);
    CHECK((bounds.narrow_peak > 0) == (table->narrow_greatest > 0));
  }
}

TEST_CASE("the naive scatter gives every table the same sums") {
  SeededRandom random(1);
  std::vector<std::int16_t> weights(9 * 4 * 32);
  for (auto& w : weights) w = static_cast<std::int16_t>(static_cast<int>(random.below(255)) - 127);
  std::vector<std::uint16_t> counts(5 * 6 * 4);
  for (auto& c : counts) c = static_cast<std::uint16_t>(random.below(4));  // nothing, one, several
  const Scatter layer{.height = 5, .width = 6, .channels = 4, .outputs = 32, .weights = weights.data()};
  std::vector<std::int32_t> expected(5 * 6 * 32);
  plain::scatter(layer, counts.data(), expected.data());
  CHECK(std::ranges::count(expected, 0) < 100);
  for (const auto* table : snn::kernels::available()) {
    CAPTURE(table->name);
    std::vector<std::int32_t> sums(expected.size());
    scatter_of(table->name)(layer, counts.data(), sums.data());
    CHECK(sums == expected);
  }
}

}  // namespace syn::bench
