#include "bench/kernels/small.hpp"

#include <algorithm>
#include <array>

#include "core/random.hpp"
#include "core/text.hpp"
#include "snn/linear.hpp"
#include "snn/metrics.hpp"

namespace syn::bench {
namespace {

using namespace snn::kernels;

constexpr std::size_t kBand = 14 * 64, kNeurons = 14 * kBand, kChannels = 64, kPixels = 16, kWords = 8;
constexpr std::size_t kKernelRows = 3, kWordsOfRow = kPixels * kWords;
constexpr std::size_t kPool = 64;  // rows of words

template <class T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

}  // namespace

struct SmallTimer::Impl {
  Impl(const Table& t, const CacheSizes& c) : table(t), caches(c) {
    SeededRandom random(3);
    for (auto& s : sums) s = static_cast<std::int32_t>(random.below(4000)) - 2000;
    for (auto& c2 : counts) c2 = random.below(100) < 30 ? static_cast<Count>(1 + random.below(8)) : Count{0};
    for (auto& k : key_low) k = static_cast<std::uint32_t>(random.u64());
    for (auto& k : key_high) k = static_cast<std::uint32_t>(random.u64());
    for (auto& w : pair_weights) w = static_cast<std::int8_t>(static_cast<int>(random.below(41)) - 20);
    for (auto& b : bytes) b = static_cast<std::uint8_t>(random.below(9));
    for (auto& w : weights) w = static_cast<std::int32_t>(random.below(255)) - 127;
    firing();
    leaky();
    accounting();
    pooling();
    depthwise();
    copying();
    for (const unsigned percent : {1u, 10u, 30u, 60u}) listing(percent);
    add("count_narrow", text::cat(kWordsOfRow, " words"), "words", kWordsOfRow, 4 * kWordsOfRow, 0,
        [this](std::size_t) { keep(table.count_narrow(listed.front().data(), kWordsOfRow)); });
  }
  Impl(const Impl&) = delete;

  template <class F>
  void add(std::string kernel, std::string over, std::string unit, std::size_t elements, double read, double written,
           F call) {
    const auto level = level_of(static_cast<std::size_t>(read + written), caches);
    lines.push_back({std::move(kernel),
                     std::move(over),
                     std::move(unit),
                     static_cast<double>(elements),
                     {.read = read, .written = written, .level = level},
                     {}});
    timed.push_back({[call](std::size_t calls) {
      for (std::size_t n = 0; n < calls; ++n) call(n);
    }});
  }

  void firing() {
    const std::string over = text::cat(kBand, " neurons");
    add("fire_small_volley", over, "neurons", kBand, 4 * kBand, 2 * kBand, [this](std::size_t) {
      table.fire_small_volley({reciprocal.data(), half.data(), 8.5f, kChannels}, sums.data(), kBand, out.data());
    });
    add("fire_volley", over, "neurons", kBand, 16 * kBand, 2 * kBand, [this](std::size_t) {
      table.fire_volley({threshold.data(), limit.data(), reciprocal.data()}, sums.data(), kBand, out.data());
    });
    add("fire_step", over, "neurons", kBand, 12 * kBand, 6 * kBand, [this](std::size_t) {
      keep(table.fire_step({threshold.data(), -(1 << 20), 1 << 20}, sums.data(), kBand, potentials.data(), out.data()));
    });
  }

  // With a leak and a bias, as neurons of files have them; subtracting, at most one spike.
  void leaky() {
    const LeakyStep step{.keep = leaks.data(),
                         .current_keep = nullptr,
                         .bias = potentials.data(),
                         .threshold = threshold.data(),
                         .reset = zeros.data(),
                         .adaptation_keep = nullptr,
                         .jump = nullptr,
                         .fraction = 0,
                         .potential_limit = 1 << 24,
                         .current_limit = 1 << 24,
                         .adaptation_limit = 1 << 24,
                         .refractory = 0,
                         .most = 1,
                         .reads_previous = false,
                         .subtracts = true};
    add("step_leaky", text::cat(kBand, " neurons"), "neurons", kBand, 24 * kBand, 6 * kBand, [this, step](std::size_t) {
      keep(table.step_leaky(step, sums.data(), kBand, {leaky_potentials.data(), nullptr, nullptr, nullptr}, out.data())
               .fired);
    });
  }

  void accounting() {
    const std::string over = text::cat(kNeurons, " neurons");
    // Counts at 2 bytes, fan-outs at 2; the digits of keys stay in the first cache.
    add("tally_small", over, "neurons", kNeurons, 4 * kNeurons, 0, [this](std::size_t) {
      const PlaceKeys keys{snn::kPlaceFactors.digit.data(), snn::kPlaceFactors.lane.data(), blocks.data(), 0};
      keep(table.tally_small(counts.data(), keys, fan_out.data(), Spikes::counts, kNeurons).checksum);
    });
    add("tally", over, "neurons", kNeurons, 10 * kNeurons, 0,
        [this](std::size_t) { keep(table.tally(counts.data(), key_low.data(), key_high.data(), kNeurons).checksum); });
    add("sum_where_small", over, "neurons", kNeurons, 4 * kNeurons, 0,
        [this](std::size_t) { keep(table.sum_where_small(counts.data(), fan_out.data(), kNeurons).reached); });
    add("set_bits", over, "neurons", kNeurons, 2 * kNeurons, 0,
        [this](std::size_t) { keep(table.set_bits(counts.data(), kNeurons)); });
    add("greatest", over, "neurons", kNeurons, 2 * kNeurons, 0,
        [this](std::size_t) { keep(table.greatest(counts.data(), kNeurons)); });
  }

  void pooling() {
    constexpr std::size_t kPositions = 7;
    const PoolWindow window{.height = 2, .width = 2, .pitch = kBand, .stride = 2 * kChannels, .channels = kChannels};
    const std::string over = text::cat(kPositions, " windows of ", kChannels, " channels");
    constexpr std::size_t kRead = 4 * kPositions * kChannels, kMade = kPositions * kChannels;
    add("sum_windows 2x2", over, "counts", kRead, 2 * kRead, 2 * kMade,
        [this, window](std::size_t) { table.sum_windows(window, counts.data(), kPositions, out.data()); });
    add("greatest_of_windows 2x2", over, "counts", kRead, 2 * kRead, 2 * kMade,
        [this, window](std::size_t) { table.greatest_of_windows(window, counts.data(), kPositions, out.data()); });
  }

  // Three rows of a 3 x 3 kernel over 14 positions: each tap reads its own counts; weights could stay in registers.
  void depthwise() {
    for (std::size_t tap = 0; tap < 9; ++tap) {
      const std::size_t at = tap / 3 * kBand + tap % 3 * kChannels;
      taps[tap] = {counts.data() + at, weights.data()};
      byte_taps[tap] = bytes.data() + at;
    }
    byte_taps[9] = byte_taps[8];
    const ChannelRow row{byte_taps.data(), pair_weights.data(), 5, kChannels, kBand, 1, 0, kBand};
    const std::string over = text::cat("9 taps x ", kBand, " channels");
    add("add_channels", over, "products", 9 * kBand, 9 * kBand + 4 * kBand, 4 * kBand,
        [this, row](std::size_t) { table.add_channels(row, potentials.data(), potentials.data(), nullptr); });
    add("add_products", over, "products", 9 * kBand, 9 * 2 * kBand + 4 * kBand, 4 * kBand,
        [this](std::size_t) { table.add_products(taps, kBand, potentials.data(), potentials.data()); });
  }

  void copying() {
    add("narrow", text::cat(kBand, " counts"), "counts", kBand, 2 * kBand, kBand,
        [this](std::size_t) { table.narrow(counts.data(), kBand, bytes.data()); });
  }

  // Three rows of words from new places each time (layers.cpp says why).
  void listing(unsigned percent) {
    SeededRandom random(percent);
    auto& words = listed.emplace_back(kPool * kWordsOfRow + kSlack);
    for (std::size_t i = 0; i < kPool * kWordsOfRow; ++i) words[i] = random.below(100) < percent;
    constexpr std::size_t kAll = kKernelRows * kWordsOfRow;
    const double written = 8.0 * kAll * percent / 100 + 4 * (kPixels + 1);
    add(text::cat("list_events ", percent, " %"),
        text::cat(kKernelRows, " x ", kPixels, " pixels of ", kWords, " words"), "words", kAll, 4 * kAll, written,
        [this, at = words.data()](std::size_t) {
          std::array<SourceRow, kKernelRows> rows;
          for (SourceRow& row : rows) row = {at + places.below((kPool - 1) * kWordsOfRow), 0};
          table.list_events(rows, kPixels, kWords, kChannels, values.data(), offsets.data(), starts.data());
          keep(starts);
        });
  }

  const Table& table;
  CacheSizes caches;
  SeededRandom places{9};
  LineVector<std::int32_t> sums = LineVector<std::int32_t>(kBand + kSlack), potentials = sums;
  LineVector<std::int32_t> threshold = LineVector<std::int32_t>(kBand + kSlack, 300),
                           limit = LineVector<std::int32_t>(kBand + kSlack, 2400);
  LineVector<float> reciprocal = LineVector<float>(kBand + kSlack, 1 / 300.f),
                    half = LineVector<float>(kBand + kSlack, 0.5f / 300);
  LineVector<Count> counts = LineVector<Count>(kNeurons + kSlack), out = LineVector<Count>(kBand + kSlack);
  std::vector<std::uint64_t> blocks = std::vector<std::uint64_t>(kNeurons / snn::kKeyBlock + 1, 0x9e3779b97f4a7c15);
  LineVector<std::int8_t> pair_weights = LineVector<std::int8_t>(5 * 2 * (kChannels + kPairSlack));
  LineVector<std::uint32_t> key_low = LineVector<std::uint32_t>(kNeurons), key_high = key_low;
  LineVector<std::uint16_t> fan_out = LineVector<std::uint16_t>(kNeurons, 576);
  LineVector<std::int32_t> weights = LineVector<std::int32_t>(kBand + kSlack);
  LineVector<std::int32_t> leaks = LineVector<std::int32_t>(kBand + kSlack, 30000),
                           zeros = LineVector<std::int32_t>(kBand + kSlack), leaky_potentials = zeros;
  std::array<Tap, 9> taps;
  std::array<const std::uint8_t*, 10> byte_taps;
  LineVector<std::uint8_t> bytes = LineVector<std::uint8_t>(4 * kBand + kSlack);
  std::vector<LineVector<std::uint32_t>> listed;
  LineVector<std::uint32_t> values = LineVector<std::uint32_t>(kKernelRows * kWordsOfRow + kSlack), offsets = values,
                            starts = values;
  std::vector<SmallLine> lines;
  std::vector<Timed> timed;
};

SmallTimer::SmallTimer(const Table& table, const CacheSizes& caches) : impl_(std::make_unique<Impl>(table, caches)) {}
SmallTimer::SmallTimer(SmallTimer&&) noexcept = default;
SmallTimer::~SmallTimer() = default;

std::vector<Timed*> SmallTimer::timed() {
  std::vector<Timed*> out;
  for (Timed& t : impl_->timed) out.push_back(&t);
  return out;
}

std::vector<SmallLine> SmallTimer::lines() const {
  std::vector<SmallLine> out = impl_->lines;
  for (std::size_t i = 0; i < out.size(); ++i) out[i].ns = impl_->timed[i].ns;
  return out;
}

}  // namespace syn::bench
