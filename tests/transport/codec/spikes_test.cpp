#include "transport/codec/spikes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/random.hpp"
#include "core/text.hpp"

using namespace syn;
using codec::pack;
using codec::pack_as;
using codec::unpack;

namespace {

constexpr Encoding kEncodings[] = {Encoding::raw16, Encoding::bitmap, Encoding::gaps, Encoding::packed,
                                   Encoding::sparse_packed};
constexpr std::size_t kSizes[] = {0, 1, 2, 7, 8, 9, 63, 64, 65, 127, 128, 1000, 3136, 4097};
constexpr std::uint32_t kGreatest[] = {1, 2, 3, 4, 7, 8, 15, 16, 32, 127, 128, 255, 256, 1000, kGreatestCount};

bool applies(Encoding e, std::uint32_t greatest) {
  return e == Encoding::bitmap ? greatest == 1 : e != Encoding::sparse_packed || greatest >= 2;
}

// Small counts are likelier than large ones, as in real windows; `flat` makes them uniform.
std::vector<Count> window(Random& random, std::size_t neurons, std::uint32_t greatest, double density, bool flat) {
  std::vector<Count> counts(neurons);
  for (Count& c : counts) {
    if (!random.chance(density)) continue;
    const std::uint64_t bound = flat ? greatest : 1 + random.below(greatest);
    c = static_cast<Count>(1 + random.below(bound));
  }
  return counts;
}

}  // namespace

TEST_CASE("every encoding gives back every window") {
  SeededRandom random(1);
  for (const std::size_t neurons : kSizes) {
    for (const std::uint32_t greatest : kGreatest) {
      for (const double density : {0.0, 0.002, 0.05, 0.3, 0.6, 1.0}) {
        const auto counts = window(random, neurons, greatest, density, random.chance(0.5));
        for (const Encoding e : kEncodings) {
          if (!applies(e, greatest)) continue;
          const Bytes bytes = pack_as(e, counts, greatest);
          std::vector<Count> back(neurons, 77);
          const auto done = unpack(e, bytes, greatest, back);
          REQUIRE_MESSAGE(done.has_value(), text::cat(e, " neurons ", neurons, " greatest ", greatest));
          REQUIRE(back == counts);
        }
      }
    }
  }
}

TEST_CASE("the smallest allowed encoding is chosen, the lowest number on a tie") {
  SeededRandom random(2);
  for (int round = 0; round < 600; ++round) {
    const std::size_t neurons = random.below(700);
    const std::uint32_t greatest = kGreatest[random.below(std::size(kGreatest))];
    const auto counts =
        window(random, neurons, greatest, static_cast<double>(random.below(101)) / 100, random.chance(0.5));
    const auto allowed = static_cast<std::uint32_t>(random.below(kAllEncodings + 1));
    Encoding best = Encoding::raw16;
    Bytes expected = pack_as(best, counts, greatest);
    for (const Encoding e : kEncodings) {
      if (!(allowed >> static_cast<unsigned>(e) & 1) || !applies(e, greatest)) continue;
      Bytes other = pack_as(e, counts, greatest);
      if (other.size() < expected.size()) best = e, expected = std::move(other);
    }
    const auto packed = pack(counts, greatest, allowed);
    REQUIRE_MESSAGE(packed.encoding == best, text::cat("round ", round, ": ", packed.encoding, " not ", best));
    REQUIRE(packed.bytes == expected);
  }
}

TEST_CASE("an encoding that the receiver did not list is never used") {
  const std::vector<Count> silent(1000, 0);
  CHECK(pack(silent, 1, 0).encoding == Encoding::raw16);
  CHECK(pack(silent, 1, 1u << static_cast<unsigned>(Encoding::packed)).encoding == Encoding::packed);
  CHECK(pack(silent, 1, 0xffffffff).encoding == Encoding::gaps);
}

TEST_CASE("a silent window costs three bytes, a sparse one little more than its entropy") {
  SeededRandom random(3);
  CHECK(pack(std::vector<Count>(10000), 8, kAllEncodings).bytes.size() == 3);
  const auto sparse = window(random, 1000, 1, 0.05, true);
  const auto packed = pack(sparse, 1, kAllEncodings);
  CHECK(packed.encoding == Encoding::gaps);
  CHECK(packed.bytes.size() < 50);  // entropy 36, 16-bit indices 100, bitmap 125
  const auto dense = window(random, 1000, 1, 0.5, true);
  CHECK(pack(dense, 1, kAllEncodings).bytes.size() == 125);
}

// Counts of code phase: large ones, and where a layer is clipped many of the greatest. Half of a bell curve, as what a
// ReLU lets through; the bound is the entropy of one neuron's count, measured on the window itself.
TEST_CASE("windows of counts up to 255 cost little more than their entropy, dense or sparse") {
  SeededRandom random(5);
  for (const std::uint32_t greatest : {7u, 15u, 63u, 255u}) {
    for (const double density : {0.02, 0.1, 0.3, 0.6, 0.9}) {
      std::vector<Count> counts(40000);  // few would make the measured entropy too small
      std::vector<double> seen(greatest + 1);
      for (Count& c : counts) {
        if (random.chance(density)) {
          double bell = -6;
          for (int i = 0; i < 12; ++i) bell += static_cast<double>(random.below(1 << 20)) / (1 << 20);
          c = static_cast<Count>(std::min<double>(greatest, 1 + std::floor(std::abs(bell) * greatest / 2.5)));
        }
        ++seen[c];
      }
      double bits = 0;
      for (const double n : seen)
        if (n > 0) bits -= n * std::log2(n / static_cast<double>(counts.size()));
      const auto packed = pack(counts, greatest, kAllEncodings);
      const double over = static_cast<double>(packed.bytes.size()) * 8 / bits;
      CHECK_MESSAGE(over < 1.12,
                    text::cat("greatest ", greatest, " density ", density, " ", packed.encoding, " ", over));
    }
  }
}

TEST_CASE("the bytes are what they were") {
  const std::vector<Count> counts{0, 1, 0, 3, 2, 0, 0, 0, 3};
  CHECK(pack_as(Encoding::raw16, counts, 3) == Bytes{0, 0, 1, 0, 0, 0, 3, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0});
  CHECK(pack_as(Encoding::packed, counts, 3) == Bytes{0b11000100, 0b00000010, 0b11});
  CHECK(pack_as(Encoding::sparse_packed, counts, 3) == Bytes{0b00011010, 1, 0b10011000});
  // Both parameters 0, so all is unary, bits in order of sending: gap 1 "10", value 0 "0"; gap 1 "10", value 2 "11"
  // (2 is the largest: no end mark); gap 0 "0", value 1 "10"; gap 3 "1110", value 2 "11"; no silent end.
  CHECK(pack_as(Encoding::gaps, counts, 3) == Bytes{0, 0b01101001, 0b11011101});
  const std::vector<Count> bits{1, 0, 0, 1, 0, 0, 0, 0, 0, 1};
  CHECK(pack_as(Encoding::bitmap, bits, 1) == Bytes{0b00001001, 0b10});
}

TEST_CASE("every other spelling is refused") {
  std::vector<Count> out(10);
  const auto refused = [&](Encoding e, const Bytes& bytes, std::uint32_t greatest) {
    return !unpack(e, bytes, greatest, out).has_value();
  };
  const std::vector<Count> counts{1, 0, 0, 2, 0, 0, 0, 0, 0, 3};
  for (const Encoding e : {Encoding::raw16, Encoding::gaps, Encoding::packed, Encoding::sparse_packed}) {
    CAPTURE(static_cast<int>(e));
    const Bytes good = pack_as(e, counts, 3);
    REQUIRE_FALSE(refused(e, good, 3));
    Bytes longer = good;
    longer.push_back(0);
    CHECK(refused(e, longer, 3));
    CHECK(refused(e, Bytes(good.begin(), good.end() - 1), 3));
    CHECK(refused(e, {}, 3));
  }
  CHECK(refused(Encoding::bitmap, {0, 0b100}, 1));  // padding
  CHECK(refused(Encoding::bitmap, {0, 0}, 2));      // wrong kind of edge
  CHECK(refused(Encoding::sparse_packed, {0, 0}, 1));
  CHECK(refused(Encoding::packed, {0, 0, 0b10000}, 3));   // padding
  CHECK(refused(Encoding::packed, {0b11, 0, 0}, 2));      // a count above the greatest
  CHECK(refused(Encoding::sparse_packed, {1, 0, 3}, 3));  // 4 of 3
  CHECK(refused(Encoding::raw16, Bytes(20, 1), 3));
  CHECK(refused(Encoding{9}, {0, 0}, 3));
}

// Whatever is accepted is what pack_as would have written: one window, one spelling.
TEST_CASE("a hundred thousand mutations never crash, and what is accepted is canonical") {
  SeededRandom random(4);
  std::uint64_t accepted = 0;
  for (int round = 0; round < 100000; ++round) {
    const std::size_t neurons = random.below(200);
    const std::uint32_t greatest = kGreatest[random.below(std::size(kGreatest))];
    Encoding e = kEncodings[random.below(5)];
    if (!applies(e, greatest)) e = Encoding::gaps;
    Bytes bytes = pack_as(e, window(random, neurons, greatest, 0.2, false), greatest);
    for (std::uint64_t i = random.below(3) + 1; i > 0; --i) {
      switch (random.below(4)) {
        case 0:
          if (!bytes.empty()) bytes[random.below(bytes.size())] ^= static_cast<std::uint8_t>(1 << random.below(8));
          break;
        case 1:
          if (!bytes.empty()) bytes.resize(random.below(bytes.size()));
          break;
        case 2:
          bytes.push_back(static_cast<std::uint8_t>(random.u64()));
          break;
        default:
          for (auto& b : bytes)
            if (random.chance(0.1)) b = static_cast<std::uint8_t>(random.u64());
          break;
      }
    }
    std::vector<Count> out(neurons);
    if (!unpack(e, bytes, greatest, out)) continue;
    ++accepted;
    REQUIRE(std::all_of(out.begin(), out.end(), [&](Count c) { return c <= greatest; }));
    REQUIRE(pack_as(e, out, greatest) == bytes);
  }
  CHECK(accepted > 1000);
  CHECK(accepted < 99000);
}
