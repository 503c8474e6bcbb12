// Every vector kernel against its plain twin, on random and on extreme values, for every instruction set of this
// machine.
#include "snn/kernels/kernels.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "core/random.hpp"
#include "snn/kernels/reference.hpp"
#include "snn/layers.hpp"

namespace syn::snn::kernels {
namespace {

constexpr std::int64_t kTop = std::numeric_limits<std::int32_t>::max();

std::vector<Count> some_counts(Random& random, std::size_t n, std::uint64_t greatest) {
  std::vector<Count> counts(n);
  const auto density = random.below(101);
  for (Count& c : counts)
    if (random.below(100) < density)
      c = static_cast<Count>(random.below(8) == 0 ? greatest : random.below(greatest + 1));
  return counts;
}

template <class Fn>
void each_table(Fn&& fn) {
  for (const Table* table : available()) {
    CAPTURE(std::string(table->name));
    fn(*table);
  }
}

}  // namespace

TEST_CASE("listing events equals its plain twin at any length and density") {
  SeededRandom random(1);
  for (int round = 0; round < 300; ++round) {
    const std::size_t pairs = random.below(90);
    auto counts = some_counts(random, 2 * (pairs + kReadAhead), 32767);
    const auto first = static_cast<std::uint32_t>(random.u64()),
               stride = static_cast<std::uint32_t>(random.below(100000));
    std::vector<std::uint32_t> values(pairs + kSlack), offsets(pairs + kSlack);
    const std::size_t n = reference::list_events(counts.data(), pairs, first, stride, values.data(), offsets.data());
    each_table([&](const Table& table) {
      std::vector<std::uint32_t> v(pairs + kSlack), o(pairs + kSlack);
      REQUIRE(table.list_events(counts.data(), pairs, first, stride, v.data(), o.data()) == n);
      CHECK(std::equal(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(n), values.begin()));
      CHECK(std::equal(o.begin(), o.begin() + static_cast<std::ptrdiff_t>(n), offsets.begin()));
    });
  }
}

TEST_CASE("gathering equals its plain twin, and counts of 32767 on weights of 127 do not saturate") {
  SeededRandom random(2);
  for (int round = 0; round < 200; ++round) {
    const std::size_t outputs = kTile * (1 + random.below(12)), rows = 1 + random.below(40);
    const bool extreme = round % 4 == 0;
    std::vector<std::int16_t, LineAllocator<std::int16_t>> packed(rows * outputs * 2);
    const std::int16_t sign = round % 8 == 0 ? 127 : -127;
    for (auto& w : packed) w = extreme ? sign : static_cast<std::int16_t>(static_cast<int>(random.below(255)) - 127);
    const std::size_t events = extreme ? 250 : random.below(300);  // 250 x 2 x 32767 x 127 is just below 2^31
    std::vector<std::uint32_t> values(events), offsets(events);
    for (std::size_t e = 0; e < events; ++e) {
      const auto low = extreme ? 32767 : random.below(256), high = extreme ? 32767 : random.below(256);
      values[e] = static_cast<std::uint32_t>(low | high << 16);
      offsets[e] = static_cast<std::uint32_t>(random.below(rows) * outputs * 2);
    }
    std::vector<Segment> segments;
    for (std::uint32_t begin = 0; begin < events;) {
      const auto end = begin + 1 + static_cast<std::uint32_t>(random.below(events - begin));
      segments.push_back({begin, end, 0});
      begin = end;
    }
    std::vector<std::int32_t> start(outputs);
    for (auto& s : start) s = extreme ? 0 : static_cast<std::int32_t>(random.below(2000)) - 1000;
    auto expected = start;
    reference::gather(values.data(), offsets.data(), segments, packed.data(), outputs, expected.data());
    each_table([&](const Table& table) {
      auto sums = start;
      table.gather(values.data(), offsets.data(), segments, packed.data(), outputs, sums.data());
      CHECK(sums == expected);
    });
  }
}

TEST_CASE("a volley's count is the exact floor for thresholds from 1 to the greatest legal one") {
  SeededRandom random(3);
  for (int round = 0; round < 400; ++round) {
    const std::int64_t ceiling = round % 5 == 0 ? 32767 : 1 + static_cast<std::int64_t>(random.below(64));
    const std::size_t n = 1 + random.below(70);
    std::vector<std::int32_t> threshold(n), limit(n), sums(n);
    std::vector<float> reciprocal(n);
    std::vector<Count> expected(n);
    for (std::size_t i = 0; i < n; ++i) {
      const std::int64_t most = kTop / (ceiling + 1);  // (C + 1) theta < 2^31
      std::int64_t theta = 1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most)));
      if (random.below(4) == 0) theta = most;
      if (random.below(4) == 0) theta = 1 + static_cast<std::int64_t>(random.below(8));
      const std::int64_t bound = kTop - theta;  // |S| + theta < 2^31
      std::int64_t sum = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(2 * bound + 1))) - bound;
      // Next to a multiple of the threshold, where an estimate errs.
      if (random.below(2) == 0)
        sum = theta * static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(ceiling + 2))) - (theta >> 1) +
              static_cast<std::int64_t>(random.below(3)) - 1;
      if (random.below(16) == 0) sum = random.below(2) == 0 ? bound : -bound;
      sum = std::clamp(sum, -bound, bound);
      threshold[i] = static_cast<std::int32_t>(theta);
      limit[i] = static_cast<std::int32_t>(theta * ceiling);
      reciprocal[i] = 1.0f / static_cast<float>(threshold[i]);
      sums[i] = static_cast<std::int32_t>(sum);
      const std::int64_t shifted = sum + (theta >> 1);
      expected[i] = static_cast<Count>(shifted < 0 ? 0 : std::min(shifted / theta, ceiling));
    }
    each_table([&](const Table& table) {
      std::vector<Count> out(n);
      table.fire_volley({threshold.data(), limit.data(), reciprocal.data()}, sums.data(), n, out.data());
      CHECK(out == expected);
    });
  }
}

TEST_CASE("a step's spikes and potentials equal the plain twin's up to the clamps") {
  SeededRandom random(4);
  for (int round = 0; round < 300; ++round) {
    const std::size_t n = 1 + random.below(70);
    const auto range = 1 + random.below(round % 3 == 0 ? 500'000'000 : 1000);
    const Step step_of{nullptr, -static_cast<std::int32_t>(random.below(range)),
                       static_cast<std::int32_t>(random.below(range))};
    std::vector<std::int32_t> threshold(n), sums(n), v(n);
    for (std::size_t i = 0; i < n; ++i) {
      threshold[i] = 1 + static_cast<std::int32_t>(random.below(range));
      sums[i] = static_cast<std::int32_t>(random.below(2 * range)) - static_cast<std::int32_t>(range);
      v[i] = random.below(8) == 0 ? step_of.v_max
                                  : step_of.v_min + static_cast<std::int32_t>(random.below(
                                                        static_cast<std::uint64_t>(step_of.v_max - step_of.v_min) + 1));
    }
    const Step step{threshold.data(), step_of.v_min, step_of.v_max};
    auto expected_v = v;
    std::vector<Count> expected(n);
    reference::fire_step(step, sums.data(), n, expected_v.data(), expected.data());
    each_table([&](const Table& table) {
      auto potentials = v;
      std::vector<Count> out(n);
      table.fire_step(step, sums.data(), n, potentials.data(), out.data());
      CHECK(out == expected);
      CHECK(potentials == expected_v);
    });
  }
}

TEST_CASE("tallies, fan-out sums and maxima equal their plain twins") {
  SeededRandom random(5);
  for (int round = 0; round < 200; ++round) {
    const std::size_t n = random.below(300);
    const auto counts = some_counts(random, n, round % 2 == 0 ? 32767 : 8);
    std::vector<std::uint32_t> low(n), high(n), fan_out(n);
    for (std::size_t i = 0; i < n; ++i) {
      low[i] = static_cast<std::uint32_t>(random.u64());
      high[i] = static_cast<std::uint32_t>(random.u64());
      fan_out[i] = random.below(4) == 0 ? 0xffffffff : static_cast<std::uint32_t>(random.below(1000));
    }
    const Tally expected = reference::tally(counts.data(), low.data(), high.data(), n);
    each_table([&](const Table& table) {
      const Tally tally = table.tally(counts.data(), low.data(), high.data(), n);
      CHECK(tally.checksum == expected.checksum);
      CHECK(tally.spikes == expected.spikes);
      CHECK(tally.events == expected.events);
      CHECK(table.sum_where(counts.data(), fan_out.data(), n) ==
            reference::sum_where(counts.data(), fan_out.data(), n));
      CHECK(table.greatest(counts.data(), n) == reference::greatest(counts.data(), n));
    });
  }
}

}  // namespace syn::snn::kernels
