// Every vector kernel against its plain twin, on random and on extreme values, for every instruction set of this
// machine.
#include "snn/kernels/kernels.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <string>
#include <tuple>

#include "core/random.hpp"
#include "random_firing.hpp"
#include "snn/kernels/reference.hpp"
#include "snn/linear.hpp"

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
    // Words of half a vector, of any table, are taken together.
    const std::size_t pixels = 1 + random.below(9),
                      words = round % 2 == 0 ? 2u << random.below(3) : 1 + random.below(40), n = pixels * words;
    const auto density = random.below(101);
    std::vector<std::vector<std::uint32_t>> sources(random.below(5));
    std::vector<SourceRow> rows;
    for (auto& row : sources) {
      row.resize(n + kSlack);
      for (auto& word : row)
        if (random.below(100) < density) word = static_cast<std::uint32_t>(random.u64());
      rows.push_back({row.data(), static_cast<std::uint32_t>(random.below(1000000))});
    }
    std::vector<std::uint32_t> source(n);
    for (auto& word : source)
      if (random.below(100) < density) word = static_cast<std::uint32_t>(random.u64());
    const auto stride = static_cast<std::uint32_t>(random.below(100000));
    each_table([&](const Table& table) {
      CHECK(table.count_narrow(source.data(), n) == reference::count_some<std::uint8_t>(source.data(), n));
      CHECK(table.count_wide(source.data(), n) == reference::count_some<std::uint16_t>(source.data(), n));
    });
    const auto run = [&](const Table& table) {
      std::vector<std::uint32_t> values(rows.size() * n + kSlack), offsets(values.size()), starts(pixels + 1);
      table.list_events(rows, pixels, words, stride, values.data(), offsets.data(), starts.data());
      values.resize(starts.back());
      offsets.resize(starts.back());
      return std::tuple(values, offsets, starts);
    };
    const auto expected = run(reference::kTable);
    each_table([&](const Table& table) { CHECK(run(table) == expected); });
  }
}

TEST_CASE("counts become bytes as in the plain twin") {
  SeededRandom random(7);
  for (int round = 0; round < 100; ++round) {
    const auto counts = some_counts(random, random.below(200), 255);
    std::vector<std::uint8_t> expected(counts.size() + 1, 0xa5);
    const Some some = reference::narrow(counts.data(), counts.size(), expected.data());
    each_table([&](const Table& table) {
      std::vector<std::uint8_t> bytes(counts.size() + 1, 0xa5);
      CHECK(table.narrow(counts.data(), counts.size(), bytes.data()) == some);
      CHECK(bytes == expected);
    });
  }
}

namespace {

// A random band with its memory. `extreme`: weights and counts as far out as the sums may be.
template <class Part>
struct RandomBand {
  LineVector<std::uint32_t> packed;
  std::vector<std::uint32_t> values, offsets, starts;
  std::vector<std::byte> bytes;
  std::vector<Stretch> stretches;
  Band band{};
  std::vector<std::int32_t> sums;
  std::uint64_t greatest = 0;

  LineVector<std::uint32_t> tails;

  RandomBand(Random& random, bool extreme, bool with_tail = false) {
    constexpr std::size_t kParts = 4 / sizeof(Part);
    band.stretch_count = 1 + random.below(4);
    band.positions = (with_tail ? 2 : 1) + random.below(30);
    band.outputs = kTile * (1 + random.below(12));
    band.row = band.outputs + kTile * (with_tail + random.below(3));
    band.pitch = band.outputs - (random.below(2) == 0 ? 0 : random.below(kTile));
    if (with_tail) band.pitch = band.outputs += kTail;
    band.stride = 1 + random.below(2);
    band.pixels = 1 + random.below(4);
    const std::size_t pixel_words = 1 + random.below(6),
                      source_pixels = (band.positions - 1) * band.stride + band.pixels;
    band.words = band.pixels * pixel_words;
    band.pixel_weights = pixel_words * band.row;
    band.stride_bytes = band.stride * pixel_words * 4;
    const std::size_t all_words = band.stretch_count * band.words;
    // Bytes: run * 2 * greatest * most must stay in 16 bits. Two shorts: all of it in 32.
    greatest = kParts == 2 ? 32767 : 1 + random.below(random.below(2) == 0 ? 127 : 255);
    band.run = 1 + random.below(8);
    band.chunk = 1 + random.below(band.words);
    const auto longest = std::max(band.run, band.chunk);
    const auto most = kParts == 4 ? std::min<std::uint64_t>(127, 32767 / (2 * longest * greatest))
                                  : std::min<std::uint64_t>(127, 2147480000ull / (2ull * all_words * greatest));
    packed.resize(all_words * band.row);
    const bool negative = random.below(2) == 0;
    for (std::size_t i = 0; i < packed.size(); ++i) {
      if (i % band.row >= band.pitch) continue;  // outputs are filled up with zeros
      for (std::size_t part = 0; part < kParts; ++part) {
        const int w = extreme ? static_cast<int>(most) * (negative ? -1 : 1)
                              : static_cast<int>(random.below(2 * most + 1)) - static_cast<int>(most);
        packed[i] |= std::uint32_t{static_cast<Part>(w)} << (8 * sizeof(Part) * part);
      }
    }
    const std::size_t row_words = source_pixels * pixel_words, density = extreme ? 100 : random.below(101);
    bytes.resize(band.stretch_count * row_words * 4 + 256);
    for (std::size_t i = 0; i < band.stretch_count * row_words * kParts; ++i) {
      const auto count = static_cast<Part>(extreme ? greatest : random.below(greatest + 1));
      if (random.below(100) < density) std::memcpy(bytes.data() + i * sizeof(Part), &count, sizeof(Part));
    }
    starts.resize(band.stretch_count * (source_pixels + 1));
    values.resize(band.stretch_count * row_words + kSlack);
    offsets.resize(values.size());
    std::size_t n = 0;
    for (std::size_t s = 0; s < band.stretch_count; ++s) {
      std::vector<std::uint32_t> words(row_words);
      std::memcpy(words.data(), bytes.data() + s * row_words * 4, row_words * 4);
      const SourceRow row{words.data(), 0};
      const auto own = std::span(starts).subspan(s * (source_pixels + 1), source_pixels + 1);
      reference::list_events({&row, 1}, source_pixels, pixel_words, static_cast<std::uint32_t>(band.row),
                             values.data() + n, offsets.data() + n, own.data());
      const std::size_t listed = n;
      n += own.back();
      for (auto& start : own) start += static_cast<std::uint32_t>(listed);
    }
    const std::size_t tail_words = (band.words + 1) / 2 * kTile;
    for (std::size_t s = 0; s < band.stretch_count; ++s) {
      const auto weights = static_cast<std::int64_t>(s * band.words * band.row);
      stretches.push_back({bytes.data() + s * row_words * 4, starts.data() + s * (source_pixels + 1), weights, weights,
                           static_cast<std::int64_t>(s * tail_words)});
    }
    if (with_tail) {
      tails.resize(band.stretch_count * tail_words);
      for (std::size_t w = 0; w < all_words; ++w)
        for (std::size_t out = 0; out < kTail; ++out)
          tails[w / band.words * tail_words + w % band.words / 2 * kTile + 2 * out + w % band.words % 2] =
              packed[w * band.row + band.outputs - kTail + out];
      band.tail = tails.data();
    }
    band.stretches = stretches.data();
    band.packed = packed.data();
    band.values = values.data();
    band.offsets = offsets.data();
    sums.resize(band.positions * band.pitch + kSlack);
    for (auto& sum : sums) sum = extreme ? 0 : static_cast<std::int32_t>(random.below(2000)) - 1000;
  }
};

template <class Part>
void check_bands(std::uint64_t seed, void (*Table::*events)(const Band&, std::int32_t*),
                 void (*Table::*dense)(const Band&, std::int32_t*)) {
  SeededRandom random(seed);
  for (int round = 0; round < 200; ++round) {
    const RandomBand<Part> random_band(random, round % 4 == 0);
    auto expected = random_band.sums;
    reference::add_dense<Part>(random_band.band, expected.data());
    auto by_events = random_band.sums;
    reference::add_events<Part>(random_band.band, by_events.data());
    REQUIRE(by_events == expected);
    each_table([&](const Table& table) {
      if (sizeof(Part) == 1 && random_band.greatest > table.narrow_greatest) return;
      for (const auto add : {table.*events, table.*dense}) {
        auto sums = random_band.sums;
        add(random_band.band, sums.data());
        CHECK(sums == expected);
        Band apart = random_band.band;
        if (apart.pitch != apart.outputs) continue;
        apart.from = random_band.sums.data();
        std::fill_n(sums.begin(), apart.positions * apart.pitch, 12345);
        add(apart, sums.data());
        CHECK(sums == expected);
        const RandomFiring fires(random, apart.outputs, apart.positions * apart.pitch, round % 3 != 0);
        std::vector<Count> counts = fires.out;
        const Firing firing = fires.at(counts.data());
        apart.firing = &firing;
        add(apart, sums.data());
        CHECK(counts == fires.counts_of(expected));
      }
    });
  }
}

}  // namespace

TEST_CASE("a band's sums of 16-bit counts equal their plain twin, by events and dense, up to 32767 times 127") {
  check_bands<std::uint16_t>(2, &Table::wide_events, &Table::wide_dense);
}

TEST_CASE("a band's sums of bytes equal their plain twin, by events and dense, as far as 16 bits go") {
  check_bands<std::uint8_t>(3, &Table::narrow_events, &Table::narrow_dense);
}

TEST_CASE("half a tile of outputs that is left over takes two words at a time, to the same sums and counts") {
  SeededRandom random(4);
  for (int round = 0; round < 200; ++round) {
    const RandomBand<std::uint8_t> random_band(random, round % 4 == 0, true);
    auto expected = random_band.sums;
    reference::add_dense<std::uint8_t>(random_band.band, expected.data());
    each_table([&](const Table& table) {
      if (!table.narrow_has_tails) return;
      auto sums = random_band.sums;
      table.narrow_dense(random_band.band, sums.data());
      CHECK(sums == expected);
      Band fires_at_once = random_band.band;
      fires_at_once.from = random_band.sums.data();
      const RandomFiring fires(random, fires_at_once.outputs, fires_at_once.positions * fires_at_once.pitch,
                               round % 3 != 0);
      std::vector<Count> counts = fires.out;
      const Firing firing = fires.at(counts.data());
      fires_at_once.firing = &firing;
      table.narrow_dense(fires_at_once, sums.data());
      CHECK(counts == fires.counts_of(expected));
    });
  }
}

TEST_CASE("products add up as in the plain twin, at any length and number of taps, up to 2^31 - 1") {
  SeededRandom random(6);
  for (int round = 0; round < 300; ++round) {
    const std::size_t n = random.below(140), taps = random.below(30);
    const bool extreme = round % 4 == 0;  // one product next to the top: the overflow rule lets no sum beyond it
    const std::int32_t most = extreme ? 65536 : 1 << 10;
    std::vector<std::vector<Count>> counts;
    std::vector<std::vector<std::int32_t>> weights;
    std::vector<Tap> list;
    for (std::size_t t = 0; t < (extreme ? 1 : taps); ++t) {
      counts.push_back(extreme ? std::vector<Count>(n, 32767) : some_counts(random, n, 32767));
      weights.emplace_back(n);
      for (auto& w : weights.back())
        w = extreme ? (random.below(2) == 0 ? most : -most) : static_cast<std::int32_t>(random.below(2 * most)) - most;
    }
    for (std::size_t t = 0; t < counts.size(); ++t) list.push_back({counts[t].data(), weights[t].data()});
    std::vector<std::int32_t> start(n + 1);
    for (auto& s : start) s = extreme ? 0 : static_cast<std::int32_t>(random.below(2000)) - 1000;
    auto expected = start;
    for (std::size_t i = 0; i < n; ++i) {
      std::int64_t sum = start[i];
      for (const Tap& tap : list) sum += std::int64_t{tap.counts[i]} * tap.weights[i];
      expected[i] = static_cast<std::int32_t>(sum);
    }
    each_table([&](const Table& table) {
      auto sums = start;
      table.add_products(list, n, sums.data(), sums.data());
      CHECK(sums == expected);  // the one behind the end included
      std::fill_n(sums.begin(), n, 12345);
      table.add_products(list, n, start.data(), sums.data());
      CHECK(sums == expected);
    });
  }
}

TEST_CASE("channels' products in 16 bits add up as in 64, at any length, period and number of taps, up to 32767") {
  SeededRandom random(7);
  for (int round = 0; round < 600; ++round) {
    // Runs of several periods, some of them whole vectors; or one a position, wherever they lie.
    const std::size_t period = round % 3 == 2 ? 32 : 1 + random.below(round % 2 == 0 ? 100 : 5);
    const bool one_run = random.below(2) == 0;
    const std::size_t n = one_run ? period * (1 + random.below(9)) : period, runs = one_run ? 1 : 1 + random.below(9);
    const std::size_t step = n + random.below(50), pitch = n + (random.below(2) == 0 ? 0 : random.below(9));
    const std::size_t pairs = 1 + random.below(9), pair = 2 * (period + kPairSlack);
    const bool extreme = round % 4 == 0;  // all of the room in two products, of either sign
    const std::uint64_t greatest = extreme ? 129 : 1 + random.below(255);
    const std::uint64_t most = extreme ? 127 : std::min<std::uint64_t>(127, 32767 / (2 * pairs * greatest));
    std::vector<std::vector<std::uint8_t>> counts;
    std::vector<const std::uint8_t*> taps;
    std::vector<std::int8_t> weights(pairs * pair);
    for (std::size_t tap = 0; tap < 2 * pairs; ++tap) {
      auto& own = counts.emplace_back((runs - 1) * step + n + kSlack);
      for (auto& c : own)
        c = static_cast<std::uint8_t>(!extreme ? random.below(greatest + 1) : tap < 2 ? greatest : random.below(256));
      for (std::size_t i = 0; i < period + kPairSlack; ++i) {
        const int free = static_cast<int>(random.below(2 * most + 1)) - static_cast<int>(most);
        const int w = !extreme ? free : tap >= 2 ? 0 : i % period % 2 == 0 ? 127 : -127;
        weights[tap / 2 * pair + 2 * i + tap % 2] =
            i < period ? static_cast<std::int8_t>(w) : weights[tap / 2 * pair + 2 * (i - period) + tap % 2];
      }
    }
    for (const auto& own : counts) taps.push_back(own.data());
    const ChannelRow row{taps.data(), weights.data(), pairs, period, n, runs, step, pitch};
    std::vector<std::int32_t> start((runs - 1) * pitch + n + 1);
    for (auto& s : start) s = static_cast<std::int32_t>(random.below(2'000'000)) - 1'000'000;
    auto expected = start;
    for (std::size_t i = 0; i < runs * n; ++i)
      for (std::size_t tap = 0; tap < 2 * pairs; ++tap)
        expected[i / n * pitch + i % n] +=
            std::int32_t{counts[tap][i / n * step + i % n]} * weights[tap / 2 * pair + 2 * (i % n % period) + tap % 2];
    each_table([&](const Table& table) {
      auto sums = start, from = start;
      table.add_channels(row, sums.data(), sums.data(), nullptr);
      CHECK(sums == expected);  // the one behind the end included
      for (std::size_t i = 0; i < runs * n; ++i) sums[i / n * pitch + i % n] = 12345;
      table.add_channels(row, from.data(), sums.data(), nullptr);
      CHECK(sums == expected);
      if (pitch != n || pairs > kPairsAtOnce) return;
      for (std::size_t i = 0; i < runs * n; ++i) sums[i] = expected[i] - start[i];
      // A run's channels begin anew.
      const RandomFiring fires(random, period, runs * n);
      std::vector<Count> wanted = fires.out, fired = fires.out;
      const Firing firing = fires.with_start(fired.data());
      for (std::size_t i = 0; i < runs * n; ++i) {
        const std::size_t channel = i % n % period;
        wanted[i] = reference::short_count(firing.in_short, sums[i] + fires.start[channel], channel);
      }
      table.add_channels(row, nullptr, nullptr, &firing);
      CHECK(fired == wanted);
    });
  }
}

TEST_CASE("the quotient of a short volley is the exact floor for every threshold and sum") {
  for (std::uint32_t theta = 1; 2 * theta <= kShortVolley; ++theta) {
    const ShortDivisor divisor = short_divisor(theta);
    const auto ceiling = static_cast<Count>(kShortVolley / theta - 1);
    const ShortVolley volley{nullptr, &divisor.multiplier, &divisor.power, ceiling};
    bool same = true;
    for (std::int32_t x = -1; x <= 66000; x += x < kShortVolley ? 1 : 777)
      same &= reference::short_count(volley, x + divisor.more, 0) ==
              std::min<std::uint32_t>(x < 0 ? 0 : static_cast<std::uint32_t>(x) / theta, ceiling);
    CHECK(same);
  }
}

TEST_CASE("a volley's count is the exact floor for thresholds from 1 to the greatest legal one") {
  SeededRandom random(3);
  int small_ones = 0;
  for (int round = 0; round < 800; ++round) {
    // Small ones, those of every phase, the greatest.
    const std::int64_t ceiling = round % 5 == 0   ? 32767
                                 : round % 5 == 1 ? (1 << (1 + random.below(8))) - 1
                                                  : 1 + static_cast<std::int64_t>(random.below(64));
    // Some periods are whole vectors, whose constants may stay in registers.
    const std::size_t period = random.below(2) == 0 ? 1 + random.below(70) : 16 * (1 + random.below(12));
    const std::size_t n = period * (1 + random.below(4));
    std::vector<std::int32_t> threshold(n), limit(n), sums(n);
    std::vector<float> reciprocal(n);
    std::vector<Count> expected(n);
    for (std::size_t i = 0; i < n; ++i) {
      // (C + 1) theta < 2^31
      const std::int64_t most = std::max<std::int64_t>(1, (round % 2 == 0 ? kTop : kSmallVolley) / (ceiling + 1));
      std::int64_t theta = 1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most)));
      if (random.below(4) == 0) theta = most;
      if (random.below(4) == 0) theta = 1 + static_cast<std::int64_t>(random.below(8));
      if (i >= period) theta = threshold[i - period];
      const std::int64_t bound = kTop - theta;
      std::int64_t sum = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(2 * bound + 1))) - bound;
      // Next to a multiple of the threshold, where an estimate errs.
      if (random.below(2) == 0)
        sum = theta * static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(ceiling + 2))) +
              static_cast<std::int64_t>(random.below(3)) - 1;
      if (random.below(16) == 0) sum = random.below(2) == 0 ? bound : -bound;
      sum = std::clamp(sum, -bound, bound);
      threshold[i] = static_cast<std::int32_t>(theta);
      limit[i] = static_cast<std::int32_t>(theta * ceiling);
      reciprocal[i] = 1.0f / static_cast<float>(threshold[i]);
      sums[i] = static_cast<std::int32_t>(sum);
      expected[i] = static_cast<Count>(sum < 0 ? 0 : std::min(sum / theta, ceiling));
    }
    const bool small =
        std::ranges::all_of(threshold, [&](auto theta) { return (ceiling + 1) * theta <= kSmallVolley; });
    small_ones += small;
    std::vector<float> half(n);
    for (std::size_t i = 0; i < n; ++i) half[i] = 0.5f / static_cast<float>(threshold[i]);
    each_table([&](const Table& table) {
      std::vector<Count> out(n);
      if (small) {
        table.fire_small_volley({reciprocal.data(), half.data(), static_cast<float>(ceiling) + 0.5f, period},
                                sums.data(), n, out.data());
        CHECK(out == expected);
      }
      table.fire_volley({threshold.data(), limit.data(), reciprocal.data()}, sums.data(), n, out.data());
      CHECK(out == expected);
    });
  }
  CHECK(small_ones > 200);
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
    const bool rest = reference::fire_step(step, sums.data(), n, expected_v.data(), expected.data());
    each_table([&](const Table& table) {
      auto potentials = v;
      std::vector<Count> out(n);
      CHECK(table.fire_step(step, sums.data(), n, potentials.data(), out.data()) == rest);
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
      CHECK(table.set_bits(counts.data(), n) == reference::set_bits(counts.data(), n));
      CHECK(table.greatest(counts.data(), n) == reference::greatest(counts.data(), n));
    });
  }
}

TEST_CASE("sums of pooling windows equal their plain twin") {
  SeededRandom random(9);
  for (int round = 0; round < 100; ++round) {
    const std::size_t channels = 1 + random.below(90), width = 1 + random.below(3), stride = 1 + random.below(3),
                      positions = 1 + random.below(6), height = 1 + random.below(3);
    const std::size_t pitch = ((positions - 1) * stride + width) * channels, n = positions * channels;
    const auto counts = some_counts(random, height * pitch + kSlack, 2047);
    const PoolWindow window{height, width, pitch, stride * channels, channels};
    std::vector<Count> sums(n), greatest(n);
    reference::sum_windows(window, counts.data(), positions, sums.data());
    reference::greatest_of_windows(window, counts.data(), positions, greatest.data());
    each_table([&](const Table& table) {
      std::vector<Count> pooled(n + kSlack);
      table.sum_windows(window, counts.data(), positions, pooled.data());
      CHECK(std::equal(sums.begin(), sums.end(), pooled.begin()));
      table.greatest_of_windows(window, counts.data(), positions, pooled.data());
      CHECK(std::equal(greatest.begin(), greatest.end(), pooled.begin()));
    });
  }
}

TEST_CASE("tallies of small counts by the factors of keys are the tallies by whole keys, up to the extremes") {
  SeededRandom random(8);
  for (int round = 0; round < 100; ++round) {
    const bool extreme = round % 3 == 0;
    // Counts begin on any place, and end before it is one of vectors, in the same block, or many blocks later.
    const std::size_t n = random.below(extreme ? 20000 : round % 3 == 1 ? 80 : 3000), first = random.below(2500);
    std::vector<std::uint64_t> block_keys((first + n) / kTallied + 1), lane_keys(kTallyLanes);
    for (auto& key : block_keys) key = random.u64();
    for (auto& key : lane_keys) key = random.u64();
    std::vector<std::int16_t> digits(kTallied);
    for (auto& digit : digits) digit = extreme ? std::int16_t{32767} : static_cast<std::int16_t>(random.below(32768));
    const auto counts = extreme ? std::vector<Count>(n, kSmallCount) : some_counts(random, n, kSmallCount);
    std::vector<std::uint32_t> low(n), high(n), fan_out(n);
    std::vector<std::uint16_t> small_fan_out(n);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t at = first + i;
      const std::uint64_t key =
          block_keys[at / kTallied] * lane_keys[at % 32 / 2] * static_cast<std::uint64_t>(digits[at % kTallied]);
      low[i] = static_cast<std::uint32_t>(key);
      high[i] = static_cast<std::uint32_t>(key >> 32);
      fan_out[i] = small_fan_out[i] = extreme ? 32767 : static_cast<std::uint16_t>(random.below(32768));
    }
    Tally expected = reference::tally(counts.data(), low.data(), high.data(), n);
    expected.reached = reference::sum_where(counts.data(), fan_out.data(), n);
    const PlaceKeys keys{digits.data(), lane_keys.data(), block_keys.data(), first};
    each_table([&](const Table& table) {
      CHECK(table.tally_small(counts.data(), keys, small_fan_out.data(), Spikes::counts, n) == expected);
      Tally in_phase = expected;
      in_phase.spikes = reference::set_bits(counts.data(), n);
      CHECK(table.tally_small(counts.data(), keys, small_fan_out.data(), Spikes::digits, n) == in_phase);
      in_phase.reached = 0;
      CHECK(table.tally_small(counts.data(), keys, nullptr, Spikes::digits, n) == in_phase);
      std::vector<Count> few = counts;
      for (Count& count : few) count &= 15;
      const std::uint16_t* const nowhere = nullptr;
      CHECK(table.tally_small(few.data(), keys, nowhere, Spikes::digits_of_four, n) ==
            table.tally_small(few.data(), keys, nowhere, Spikes::digits, n));
      const Reach reach{expected.reached, reference::greatest(counts.data(), n)};
      CHECK(table.sum_where_small(counts.data(), small_fan_out.data(), n) == reach);
    });
  }
}

}  // namespace syn::snn::kernels
