// Single counts: their kernels against the plain twins, and models that are forced to take them.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <tuple>

#include "core/team.hpp"
#include "interpreter.hpp"
#include "random_firing.hpp"
#include "random_models.hpp"
#include "snn/kernels/reference.hpp"
#include "snn/run.hpp"

namespace syn::snn {
namespace {

using kernels::Table;

template <class Fn>
void each_table(Fn&& fn) {
  for (const Table* table : kernels::available()) {
    CAPTURE(std::string(table->name));
    fn(*table);
  }
}

template <class Part>
void check_lists(std::uint64_t seed, decltype(&Table::list_narrow_singles) list) {
  SeededRandom random(seed);
  for (int round = 0; round < 300; ++round) {
    const bool in_runs = round % 3 == 0;  // whole runs of 32, whose numbers fit bytes: some list 64 at a time
    const std::size_t channels = in_runs ? 32 * (1 + random.below(4)) : 4 * (1 + random.below(round % 2 == 0 ? 4 : 30));
    const kernels::CountPixels pixels{1 + random.below(9), channels};
    const auto density = random.below(101);
    const auto greatest = 1 + random.below(kernels::kSingleGreatest);
    std::vector<std::vector<Part>> sources(random.below(5));
    std::vector<kernels::CountRow> rows;
    for (auto& row : sources) {
      row.assign(pixels.count * channels + kernels::kSlack, 1);
      for (std::size_t i = 0; i < pixels.count * channels; ++i)
        row[i] = random.below(100) < density ? static_cast<Part>(1 + random.below(greatest)) : Part{0};
      rows.push_back({reinterpret_cast<const std::byte*>(row.data()),
                      static_cast<std::uint32_t>(random.below(in_runs ? 257 - channels : 60000))});
    }
    for (const bool valued : {false, true}) {
      const auto run = [&](auto* by) {
        const std::size_t most = rows.size() * pixels.count * channels + kernels::kSlack;
        std::vector<std::uint16_t> events(most);
        std::vector<std::uint8_t> values(most);
        std::vector<std::uint32_t> starts(pixels.count + 1), totals(pixels.count + 1);
        by(rows, pixels, {events.data(), valued ? values.data() : nullptr, starts.data(), totals.data()});
        events.resize(starts.back());
        values.resize(valued ? starts.back() : 0);
        return std::tuple(events, values, starts, totals);
      };
      const auto expected = run(&kernels::reference::list_singles<Part>);
      each_table([&](const Table& table) { CHECK(run(table.*list) == expected); });
    }
  }
}

// A random list with its weights. `extreme`: sums of `run` events lie as near to 2^15 as weights go, all of one sign.
struct RandomSingles {
  kernels::Singles singles{};
  LineVector<std::int8_t> weights;
  std::vector<std::uint16_t> events;
  std::vector<std::uint8_t> values;
  std::vector<std::uint32_t> starts, totals;
  std::vector<std::int32_t> sums;

  RandomSingles(Random& random, bool extreme) {
    const std::size_t inputs = 1 + random.below(60);
    const bool usual = random.below(2) == 0, valued = random.below(2) == 0;
    singles.columns = usual ? 3 : 1 + random.below(5);
    singles.stride = usual ? 1 : 1 + random.below(3);
    singles.dilation = usual ? 1 : 1 + random.below(2);
    singles.positions = 1 + random.below(12);
    singles.outputs = kernels::kTile * (1 + random.below(20));
    singles.row = singles.outputs + kernels::kTile * random.below(3);
    singles.pitch = singles.outputs - (random.below(2) == 0 ? 0 : random.below(kernels::kTile));
    singles.column = inputs * singles.row;
    const auto greatest = valued ? 1 + random.below(kernels::kSingleGreatest) : 1;
    singles.run = extreme ? 32767 / (127 * greatest) : 1 + random.below(2) * random.below(300);
    const auto most = std::min<std::uint64_t>(127, 32767 / (greatest * singles.run));
    const bool negative = random.below(2) == 0;
    singles.most = singles.run * greatest;
    weights.resize(singles.columns * singles.column + kernels::kSlack);
    for (std::size_t i = 0; i < singles.columns * singles.column; ++i) {
      const std::size_t o = i % singles.row;
      int w = 0;
      if (o < singles.pitch)  // outputs are filled up with zeros
        w = extreme ? static_cast<int>(most) * (negative ? -1 : 1)
                    : static_cast<int>(random.below(2 * most + 1)) - static_cast<int>(most);
      const bool biased = !valued && o % kernels::kTile < kernels::kTile / 2;
      weights[i / singles.row * singles.row + (valued ? o : kernels::single_at(o))] =
          static_cast<std::int8_t>(w + (biased ? kernels::kSingleBias : 0));
    }
    const std::size_t pixels = (singles.positions - 1) * singles.stride + (singles.columns - 1) * singles.dilation + 1;
    const auto density = extreme ? 100 : random.below(101);
    std::uint32_t total = 0;
    for (std::size_t p = 0; p < pixels; ++p) {
      starts.push_back(static_cast<std::uint32_t>(events.size()));
      totals.push_back(total);
      for (std::size_t i = 0; i < inputs; ++i) {
        if (random.below(100) >= density) continue;
        events.push_back(static_cast<std::uint16_t>(i));
        values.push_back(static_cast<std::uint8_t>(extreme ? greatest : 1 + random.below(greatest)));
        total += values.back();
      }
    }
    starts.push_back(static_cast<std::uint32_t>(events.size()));
    totals.push_back(total);
    sums.resize(singles.positions * singles.pitch + kernels::kSlack);
    for (auto& sum : sums) sum = static_cast<std::int32_t>(random.below(2'000'000)) - 1'000'000;
    singles.events = events.data();
    singles.values = valued ? values.data() : nullptr;
    singles.starts = starts.data();
    singles.totals = totals.data();
    singles.weights = weights.data();
  }
};

// What a model runs on where it must take single counts whenever it can, and how often it did.
const Table* counted = nullptr;
std::uint64_t bands = 0, long_lists = 0;
Table only_singles(const Table& table) {
  Table forced = table;
  counted = &table;
  forced.take_singles = Table::TakeSingles::always;
  forced.add_singles = [](const kernels::Singles& singles, std::int32_t* sums) {
    ++bands;
    long_lists += singles.starts[singles.columns] - singles.starts[0] > singles.run;
    counted->add_singles(singles, sums);
  };
  return forced;
}

// The same where rows are scattered whenever they can be.
Table only_scattered(const Table& table) {
  Table forced = table;
  counted = &table;
  forced.take_singles = Table::TakeSingles::scattered;
  forced.fire_scattered = [](const kernels::Scattered& row) {
    ++bands;
    counted->fire_scattered(row);
  };
  return forced;
}

// A convolution of few events whose neurons fire in 16 bits, with or without another projection beside it.
Model random_sparse(Random& random) {
  const auto pick = [&](std::uint32_t low, std::uint32_t high) { return testing::pick(random, low, high); };
  const std::uint32_t kernel_height = pick(1, 4), kernel_width = random.below(2) == 0 ? 3 : pick(1, 5);
  const Shape from{pick(kernel_height, 9), pick(kernel_width, 9), pick(8, 40)};
  Conv conv{.kernel_height = kernel_height, .kernel_width = kernel_width, .stride_y = pick(1, 3)};
  conv.pad_top = static_cast<std::int32_t>(pick(0, kernel_height - 1));
  conv.pad_left = static_cast<std::int32_t>(pick(0, kernel_width - 1));
  const auto across = [&](std::uint32_t source, std::uint32_t pad, std::uint32_t kernel, std::uint32_t stride) {
    return (source + 2 * pad - kernel) / stride + 1;
  };
  const Shape to{across(from.height, static_cast<std::uint32_t>(conv.pad_top), kernel_height, conv.stride_y),
                 across(from.width, static_cast<std::uint32_t>(conv.pad_left), kernel_width, 1), 16 * pick(1, 9)};
  conv.weights.resize(std::size_t{kernel_height} * kernel_width * from.channels * to.channels);
  for (auto& weight : conv.weights) weight = static_cast<std::int8_t>(static_cast<int>(random.below(81)) - 40);
  const std::uint32_t greatest = random.below(2) == 0 ? 1 : pick(2, 12);
  Model model{.name = "sparse", .code = Code::volley, .steps = greatest};
  Population in{.name = "in", .shape = from, .kind = Source{}, .greatest = greatest};
  Population out{.name = "out", .shape = to, .greatest = greatest};
  IntegrateAndFire neurons;
  const bool of_neurons = random.below(3) == 0;
  for (std::size_t i = 0; i < to.channels; ++i) neurons.threshold.push_back(static_cast<std::int32_t>(pick(1, 300)));
  for (std::size_t i = 0; i < (of_neurons ? to.neurons() : to.channels); ++i)
    neurons.bias.push_back(static_cast<std::int32_t>(pick(0, 400)) - 200);
  out.kind = neurons;
  model.populations = {in, out};
  model.projections = {{0, 1, conv}};
  if (random.below(3) == 0) {
    for (auto& weight : conv.weights) weight = static_cast<std::int8_t>(static_cast<int>(random.below(81)) - 40);
    model.projections.push_back({0, 1, conv});
  }
  model.outputs = {"out"};
  return model;
}

Window run_on(const Model& model, const Table& table, const std::vector<Count>& input) {
  const Compiled compiled(model, table);
  State state;
  Window window;
  window.rows = 1;
  window.in = {input};
  run(compiled, table, state, window, nullptr);
  return window;
}

}  // namespace

TEST_CASE("listing single counts equals its plain twin, of bytes and of 16 bits, at any density") {
  check_lists<std::uint8_t>(41, &Table::list_narrow_singles);
  check_lists<std::uint16_t>(42, &Table::list_wide_singles);
}

TEST_CASE("sums of single counts equal their plain twin, as far as 16 bits go and beyond") {
  SeededRandom random(43);
  for (int round = 0; round < 400; ++round) {
    CAPTURE(round);
    const RandomSingles some(random, round % 4 == 0);
    kernels::Singles singles = some.singles;
    auto expected = some.sums;
    singles.from = expected.data();
    kernels::reference::add_singles(singles, expected.data());
    each_table([&](const Table& table) {
      auto sums = some.sums;
      singles.from = sums.data();
      table.add_singles(singles, sums.data());
      CHECK(sums == expected);
      if (singles.pitch != singles.outputs) return;
      singles.from = some.sums.data();
      std::fill_n(sums.begin(), singles.positions * singles.pitch, 12345);
      table.add_singles(singles, sums.data());
      CHECK(sums == expected);
      const kernels::RandomFiring fires(random, singles.outputs, singles.positions * singles.pitch);
      std::vector<Count> counts = fires.out;
      const kernels::Firing firing = fires.at(counts.data());
      kernels::Singles at_once = singles;
      at_once.firing = &firing;
      table.add_singles(at_once, sums.data());
      CHECK(counts == fires.counts_of(expected));
      const kernels::Firing alike = fires.with_start(counts.data());
      at_once.firing = &alike;
      std::vector<std::int32_t> begin(some.sums), ends(expected);
      for (std::size_t i = 0; i < fires.neurons; ++i) {
        begin[i] = fires.start[i % fires.channels];
        ends[i] += begin[i] - some.sums[i];
      }
      at_once.from = begin.data();
      counts = fires.out;
      table.add_singles(at_once, sums.data());
      CHECK(counts == fires.counts_of(ends));
    });
  }
}

TEST_CASE("models that take single counts wherever they can equal the interpreter") {
  SeededRandom random(44);
  bands = 0;
  for (int round = 0; round < 120; ++round) {
    CAPTURE(round);
    testing::RandomOptions options;
    options.code = static_cast<Code>(round % 3);
    options.steps = options.code == Code::phase ? testing::pick(random, 1, 7) : testing::pick(random, 1, 12);
    const Model model = testing::random_model(random, options);
    std::vector<std::vector<std::vector<Count>>> inputs(model.rows());
    for (auto& row : inputs)
      row = {testing::random_counts(random, model.populations[0].shape.neurons(), 255,
                                    static_cast<std::uint32_t>(random.below(101)))};
    const testing::Interpreted expected = testing::interpret(model, inputs);
    each_table([&](const Table& table) {
      const Table forced = only_singles(table);
      const Compiled compiled(model, forced);
      State state;
      Window window;
      window.rows = model.rows();
      window.in.resize(1);
      for (const auto& row : inputs) window.in[0].insert(window.in[0].end(), row[0].begin(), row[0].end());
      run(compiled, forced, state, window, nullptr);
      CHECK(window.potentials == expected.potentials);
      CHECK(window.checksum == expected.checksum);
    });
  }
  CHECK(bands > 1000);
}

TEST_CASE("single counts scattered to sums in memory equal their plain twin, and leave zeros behind") {
  SeededRandom random(45);
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    const bool valued = random.below(2) == 0;
    kernels::Scatter scatter{.channels = 8 + random.below(40),
                             .columns = random.below(2) == 0 ? 3 : 1 + random.below(5)};
    scatter.row = std::array<std::size_t, 6>{16, 32, 64, 128, 192, 256}[random.below(6)];
    const std::size_t outputs = scatter.row <= 32 ? scatter.row : scatter.row - 16 * random.below(4);
    const std::size_t kernel_rows = 1 + random.below(4), pixels = 1 + random.below(9);
    scatter.column = kernel_rows * scatter.channels * scatter.row;
    LineVector<std::int8_t> weights(scatter.columns * scatter.column + kernels::kSlack);
    for (auto& weight : weights) weight = static_cast<std::int8_t>(random.below(256));
    std::vector<std::uint16_t> events;
    std::vector<std::uint8_t> values;
    const auto rate = random.below(30);
    for (std::size_t i = 0; i < pixels * scatter.channels && events.size() < 200; ++i) {
      if (random.below(100) >= rate) continue;
      events.push_back(static_cast<std::uint16_t>(i));
      values.push_back(static_cast<std::uint8_t>(1 + random.below(kernels::kSingleGreatest)));
    }
    scatter.count = events.size();
    events.resize(events.size() +
                  kernels::kSlack);  // which is no event of any pixel behind them, but may look like one
    values.resize(events.size());
    scatter.events = events.data();
    scatter.values = valued ? values.data() : nullptr;
    const std::size_t border = scatter.columns - 1, positions = pixels + border;
    const std::size_t pitch = (positions + border) * scatter.row;
    const kernels::RandomFiring fires(random, outputs, positions * outputs);
    std::vector<std::int32_t> from(positions * outputs + kernels::kSlack);
    for (auto& sum : from) sum = static_cast<std::int32_t>(random.below(200'000)) - 100'000;
    const bool starts = random.below(2) == 0;
    for (std::size_t i = 0; starts && i < positions * outputs; ++i) from[i] = fires.start[i % outputs];
    const auto run = [&](const Table& table) {
      LineVector<std::int16_t> sums(kernel_rows * pitch);
      std::vector<kernels::ScatterTarget> targets;
      for (std::size_t row = 0; row < kernel_rows; ++row)
        targets.push_back(
            {sums.data() + row * pitch + border * scatter.row, weights.data() + row * scatter.channels * scatter.row});
      kernels::Scatter all = scatter;
      all.targets = targets;
      table.scatter_singles(all);
      std::vector<std::vector<Count>> counts;
      for (std::size_t row = 0; row < kernel_rows; ++row) {
        counts.push_back(fires.out);
        const kernels::Firing firing = starts ? fires.with_start(counts.back().data()) : fires.at(counts.back().data());
        std::int16_t* const first = sums.data() + row * pitch;
        table.fire_scattered({.sums = first,
                              .row = scatter.row,
                              .valued = valued,
                              .positions = positions,
                              .outputs = outputs,
                              .pitch = outputs,
                              .from = from.data(),
                              .firing = &firing});
        for (std::size_t x = 0; x < positions; ++x)
          CHECK(std::ranges::all_of(std::span(first + x * scatter.row, outputs), [](auto sum) { return sum == 0; }));
      }
      return counts;
    };
    const auto expected = run(kernels::reference::kTable);
    each_table([&](const Table& table) { CHECK(run(table) == expected); });
  }
}

TEST_CASE("models whose few counts are scattered equal those that take words") {
  SeededRandom random(46);
  bands = 0;
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    const Model model = random_sparse(random);
    std::vector<Count> input(model.populations[0].shape.neurons());
    const std::uint64_t rate = random.below(2) == 0 ? 2 : random.below(12);
    for (Count& count : input)
      if (random.below(100) < rate) count = static_cast<Count>(1 + random.below(model.steps));
    const testing::Interpreted expected = testing::interpret(model, {{input}});
    each_table([&](const Table& table) {
      const Window window = run_on(model, only_scattered(table), input);
      CHECK(window.out == run_on(model, kernels::reference::kTable, input).out);
      CHECK(window.checksum == expected.checksum);
      CHECK(window.spikes == expected.spikes);
    });
  }
  CHECK(bands > 1000);
}

TEST_CASE("scattered rows that are dealt out to a team's parts have the bits of one") {
  struct OneByOne final : Team {
    explicit OneByOne(unsigned n) : parts(n) {}
    unsigned size() const override { return parts; }
    void run(unsigned count, void (*part)(void* context, unsigned index), void* context) override {
      for (unsigned i = count; i-- > 0;) part(context, i);
    }
    unsigned parts;
  };
  SeededRandom random(47);
  const Shape shape{14, 14, 32}, to{14, 14, 64};
  Model model{.name = "large", .code = Code::volley, .steps = 1};
  Population in{.name = "in", .shape = shape, .kind = Source{}, .greatest = 1};
  Population out{.name = "out", .shape = to, .greatest = 1};
  out.kind = IntegrateAndFire{std::vector<std::int32_t>(to.channels, 70), std::vector<std::int32_t>(to.channels, 9)};
  Conv conv{.kernel_height = 3, .kernel_width = 3, .pad_top = 1, .pad_left = 1};
  conv.weights = testing::random_weights(random, std::size_t{9} * shape.channels * to.channels);
  model.populations = {in, out};
  model.projections = {{0, 1, conv}};
  model.outputs = {"out"};
  const Table& best = *kernels::available().front();
  const Table forced = only_scattered(best);
  const Compiled compiled(model, forced);
  const auto input = testing::random_counts(random, shape.neurons(), 1, 2);
  const Window expected = run_on(model, kernels::reference::kTable, input);
  for (const unsigned parts : {1u, 2u, 3u, 5u, 14u}) {
    CAPTURE(parts);
    bands = 0;
    OneByOne team(parts);
    State state;
    Window window;
    window.rows = 1;
    window.in = {input};
    run(compiled, forced, state, window, &team);
    CHECK(window.out == expected.out);
    CHECK(window.checksum == expected.checksum);
    CHECK(bands >= 10);
  }
}

TEST_CASE("all counts and weights at their greatest: sums of single counts pass 2^15 and stay exact") {
  for (const std::int32_t greatest : {1, 12}) {
    for (const int weight : {127, -128}) {
      CAPTURE(greatest);
      CAPTURE(weight);
      const Shape shape{3, 5, 200}, to{3, 5, 40};
      Model model{.name = "limit", .code = Code::volley, .steps = static_cast<std::uint32_t>(greatest)};
      Population in{.name = "in", .shape = shape, .kind = Source{}, .greatest = static_cast<std::uint32_t>(greatest)};
      Population out{.name = "out", .shape = to, .greatest = static_cast<std::uint32_t>(greatest)};
      out.kind =
          IntegrateAndFire{.threshold = std::vector<std::int32_t>(to.channels, 9 * 200 * 127),
                           .bias = std::vector<std::int32_t>(to.channels, weight < 0 ? 9 * 200 * 128 * greatest : 0)};
      model.populations = {in, out};
      const auto w = static_cast<std::int8_t>(weight);
      model.projections = {{0, 1,
                            Conv{.kernel_height = 3,
                                 .kernel_width = 3,
                                 .pad_top = 1,
                                 .pad_left = 1,
                                 .weights = std::vector<std::int8_t>(9 * 200 * 40, w)}}};
      model.outputs = {"out"};
      const std::vector<Count> input(shape.neurons(), static_cast<Count>(greatest));
      const Window expected = run_on(model, kernels::reference::kTable, input);
      each_table([&](const Table& table) {
        long_lists = 0;
        const Window window = run_on(model, only_singles(table), input);
        CHECK(window.out == expected.out);
        CHECK(window.checksum == expected.checksum);
        CHECK(long_lists == 3);
      });
    }
  }
}

}  // namespace syn::snn
