// The kernels in vectors, compiled once per instruction set by Highway's foreach_target.h and chosen by our own
// question to the processor: the library's dispatcher would tie the daemon to one version of libhwy, and asks ARM
// machines for AES, which the Raspberry Pi lacks. On arm64 the baseline (NEON) is the only target.
#if defined(__aarch64__)
#define HWY_COMPILE_ONLY_STATIC
#endif
#if defined(SYN_FEW_TARGETS)
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3)
#else
#define HWY_DISABLED_TARGETS HWY_SSSE3
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "snn/kernels/kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <array>
#include <utility>

#include "snn/kernels/kernels.hpp"
#include "snn/kernels/neon_dot.hpp"
#include "snn/kernels/reference.hpp"
#include "snn/kernels/vbmi2.hpp"
#include "snn/kernels/vnni.hpp"

#if HWY_ARCH_X86 || HWY_ARCH_ARM_A64
#define SYN_VECTORS (HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)
#else
#define SYN_VECTORS 0  // which lanes a pairwise product lands in is known for these two only
#endif

#if SYN_VECTORS && !defined(SYN_ORDERS)
#define SYN_ORDERS
namespace syn::snn::kernels {
namespace {

// The lanes whose bit is set, first: of eight lanes by their numbers, of four by the bytes of each.
template <std::size_t kBytes>
struct alignas(kBytes) Order : std::array<std::uint8_t, kBytes> {};
constexpr std::array<Order<8>, 256> kOrderOf8 = [] {
  std::array<Order<8>, 256> orders{};
  for (unsigned bits = 0; bits < orders.size(); ++bits)
    for (unsigned lane = 0, n = 0; lane < 8; ++lane)
      if ((bits >> lane & 1) != 0) orders[bits][n++] = static_cast<std::uint8_t>(lane);
  return orders;
}();
constexpr std::array<Order<16>, 16> kOrderOf4 = [] {
  std::array<Order<16>, 16> orders{};
  for (unsigned bits = 0; bits < orders.size(); ++bits)
    for (unsigned lane = 0, n = 0; lane < 4; ++lane)
      if ((bits >> lane & 1) != 0)
        for (unsigned byte = 0; byte < 4; ++byte) orders[bits][n++] = static_cast<std::uint8_t>(4 * lane + byte);
  return orders;
}();

}  // namespace
}  // namespace syn::snn::kernels
#endif

#if SYN_VECTORS
HWY_BEFORE_NAMESPACE();
namespace syn::snn::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using I32 = hn::ScalableTag<std::int32_t>;
using U32 = hn::ScalableTag<std::uint32_t>;
using U64 = hn::ScalableTag<std::uint64_t>;
using I16 = hn::Repartition<std::int16_t, I32>;
using U16 = hn::Repartition<std::uint16_t, I32>;
using HalfU16 = hn::Rebind<std::uint16_t, I32>;  // as many lanes as I32 has

#include "snn/kernels/listing-inl.hpp"

#include "snn/kernels/blocks-inl.hpp"

#include "snn/kernels/firing-inl.hpp"

// Two counts of 16 bits a word, summed in 32 bits.
struct Wide {
  static constexpr bool kHasTails = false;
  static constexpr bool kBounded = false;
  static constexpr std::size_t kChains = 1;
  static constexpr std::size_t kRegisters = HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM ? 24 : 10;
  static constexpr std::size_t kMostEvents = kRegisters == 24 ? 8 : 6;
  static constexpr std::size_t kScattered = HWY_TARGET == HWY_AVX3 ? 60 : HWY_ARCH_ARM ? 0 : 250;
  static constexpr std::size_t kSumRegisters = HWY_ARCH_ARM ? 2 : 1;
  using Fires = Neurons;
  using Word = hn::Vec<I16>;
  struct Sum {  // its constructors are written out: implicit ones would not be compiled for the instruction set
    HWY_INLINE Sum() {}
    HWY_INLINE Sum(hn::Vec<I32> s, hn::Vec<I32> r) : sum(s), rest(r) {}
    hn::Vec<I32> sum, rest;
  };
  static std::size_t lanes() { return hn::Lanes(I32()); }
  static HWY_INLINE Sum zero() { return {hn::Zero(I32()), hn::Zero(I32())}; }
  static HWY_INLINE Word all(std::uint32_t word) { return hn::BitCast(I16(), hn::Set(U32(), word)); }
  static HWY_INLINE Word load(const std::uint32_t* weights) { return hn::BitCast(I16(), hn::LoadU(U32(), weights)); }
  static HWY_INLINE void add(Sum& to, Word counts, Word weights) {
    to.sum = hn::ReorderWidenMulAccumulate(I32(), counts, weights, to.sum, to.rest);
  }
  static HWY_INLINE void settle(Sum&) {}
  static HWY_INLINE void join(Sum& to, const Sum& from) {
    to.sum = hn::Add(to.sum, from.sum);
    to.rest = hn::Add(to.rest, from.rest);
  }
#if HWY_ARCH_ARM
  static HWY_INLINE Sum start(const std::int32_t*) { return zero(); }
  static HWY_INLINE hn::Vec<I32> total(const Sum& sum, const std::int32_t* from) {
    const I32 d;
    // Products of one output lie side by side, the lower outputs' in `sum`, the upper ones' in `rest`.
    const auto added = hn::Add(hn::ConcatEven(d, sum.rest, sum.sum), hn::ConcatOdd(d, sum.rest, sum.sum));
    return hn::Add(hn::LoadU(d, from), added);
  }
#else
  // The pairwise multiply-add leaves one lane an output, and `rest` alone.
  static HWY_INLINE Sum start(const std::int32_t* from) { return {hn::LoadU(I32(), from), hn::Zero(I32())}; }
  static HWY_INLINE hn::Vec<I32> total(const Sum& sum, const std::int32_t*) { return sum.sum; }
#endif
};

#if HWY_ARCH_X86
// Four counts of 8 bits a word: the products of two, which Band::run and chunk keep inside 16 bits, are added up there
// and settled into 32 bits now and then. The instruction saturates, but never has to.
struct Narrow {
  static constexpr bool kHasTails = false;
  static constexpr bool kBounded = true;
  static constexpr std::size_t kChains = 1;
  static constexpr std::size_t kRegisters = HWY_TARGET == HWY_AVX3 ? 24 : 12;
  static constexpr std::size_t kMostEvents = HWY_TARGET == HWY_AVX3 ? 8 : HWY_TARGET == HWY_AVX2 ? 6 : 4;
  static constexpr std::size_t kScattered = HWY_TARGET == HWY_AVX3 ? 60 : 250;
  static constexpr std::size_t kSumRegisters = 2;
  using Fires = Neurons;
  using Word = hn::Vec<I16>;
  struct Sum {
    HWY_INLINE Sum() {}
    HWY_INLINE Sum(hn::Vec<I16> p, hn::Vec<I32> s) : pairs(p), sum(s) {}
    hn::Vec<I16> pairs;
    hn::Vec<I32> sum;
  };
  static std::size_t lanes() { return hn::Lanes(I32()); }
  static HWY_INLINE Sum zero() { return {hn::Zero(I16()), hn::Zero(I32())}; }
  static HWY_INLINE Word all(std::uint32_t word) { return hn::BitCast(I16(), hn::Set(U32(), word)); }
  static HWY_INLINE Word load(const std::uint32_t* weights) { return hn::BitCast(I16(), hn::LoadU(U32(), weights)); }
  static HWY_INLINE void add(Sum& to, Word counts, Word weights) {
    const hn::Repartition<std::uint8_t, I32> d8;
    const Word products = pairs(hn::BitCast(d8, counts), hn::BitCast(hn::RebindToSigned<decltype(d8)>(), weights));
    to.pairs = hn::Add(to.pairs, products);
  }
  static HWY_INLINE void settle(Sum& of) {
    hn::Vec<I32> unused = hn::Zero(I32());
    of.sum = hn::ReorderWidenMulAccumulate(I32(), of.pairs, hn::Set(I16(), 1), of.sum, unused);
    of.pairs = hn::Zero(I16());
  }
  static HWY_INLINE void join(Sum&, const Sum&) {}
  static HWY_INLINE Sum start(const std::int32_t* from) { return {hn::Zero(I16()), hn::LoadU(I32(), from)}; }
  static HWY_INLINE hn::Vec<I32> total(const Sum& sum, const std::int32_t*) { return sum.sum; }
};
#endif

#include "snn/kernels/bands-inl.hpp"

#include "snn/kernels/singles-inl.hpp"

#include "snn/kernels/scatter-inl.hpp"

#include "snn/kernels/products-inl.hpp"

#include "snn/kernels/counting-inl.hpp"

}  // namespace

// leaky.cpp, compiled for the same instruction sets.
LeakyStepped step_leaky(const LeakyStep& step, const std::int32_t* sums, std::size_t n, const LeakyState& state, Count* out);
std::uint64_t leak_often(const std::int32_t* keep, std::uint32_t times, const std::int32_t* held, std::size_t n,
                         std::int32_t* x);

#if HWY_TARGET == HWY_AVX3
#define SYN_TABLE_NAME "avx512"
#elif HWY_TARGET == HWY_AVX2
#define SYN_TABLE_NAME "avx2"
#elif HWY_TARGET == HWY_SSE4
#define SYN_TABLE_NAME "sse4"
#elif HWY_TARGET == HWY_NEON
#define SYN_TABLE_NAME "neon"
#endif
extern const Table kTable;
const Table kTable{.name = SYN_TABLE_NAME,
                   .lanes = HWY_LANES(std::int32_t),
                   .narrow = narrow,
                   .count_narrow = count_some<std::uint8_t>,
                   .count_wide = count_some<std::uint16_t>,
                   .list_events = list_events,
                   .wide_events = add_events<Wide>,
                   .wide_dense = add_dense<Wide>,
#if HWY_ARCH_X86
                   .narrow_greatest = 255,
                   .narrow_events = add_events<Narrow>,
                   .narrow_dense = add_dense<Narrow>,
#else
                   .narrow_greatest = 0,
                   .narrow_events = nullptr,
                   .narrow_dense = nullptr,
#endif
                   .narrow_is_bounded = true,
                   .narrow_has_tails = false,
                   .dense_percent = HWY_TARGET == HWY_AVX2 ? 70 : HWY_TARGET == HWY_SSE4 ? 95 : 60,
                   .wide_dense_percent = HWY_TARGET == HWY_AVX2   ? 70
                                         : HWY_TARGET == HWY_SSE4 ? 65
                                         : HWY_TARGET == HWY_AVX3 ? 45
                                                                  : 55,
                   .list_narrow_singles = list_singles<std::uint8_t>,
                   .list_wide_singles = list_singles<std::uint16_t>,
                   .add_singles = add_singles,
                   .scatter_singles = scatter_singles,
                   .fire_scattered = fire_scattered,
                   .singles_cost = HWY_TARGET == HWY_AVX3   ? SinglesCost{30, 36, 350, 36, 60, 450, 300, 146, 120, 200}
                                   : HWY_TARGET == HWY_AVX2 ? SinglesCost{40, 42, 300, 28, 28, 400, 250, 95, 80, 200}
                                   : HWY_TARGET == HWY_SSE4 ? SinglesCost{32, 36, 200, 12, 12, 200, 200, 50, 45, 200}
                                                            : SinglesCost{35, 60, 200, 15, 15, 200, 200, 90, 90, 200},
                   .add_products = add_products,
                   .add_channels = add_channels,
                   .fire_volley = fire_volley,
                   .fire_small_volley = fire_small_volley,
                   .fire_step = fire_step,
                   .step_leaky = step_leaky,
                   .leak_often = leak_often,
                   .tally = tally,
                   .tally_small = tally_small,
                   .set_bits = set_bits,
                   .sum_where = sum_where,
                   .sum_where_small = sum_where_small,
                   .sum_windows = sum_windows,
                   .greatest_of_windows = greatest_of_windows,
                   .greatest = greatest};
#undef SYN_TABLE_NAME

}  // namespace syn::snn::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // SYN_VECTORS

#if HWY_ONCE
namespace syn::snn::kernels {
namespace {

struct Available {
  std::array<const Table*, 5> tables{};
  std::size_t count = 0;
  void add(const Table& table) { tables[count++] = &table; }
};

// The same table with the instruction that multiplies four bytes and adds them up in 32 bits.
#if HWY_ARCH_X86 && (HWY_TARGETS & HWY_AVX3)
const Table& dot_products_of(const Table& plain) {
  static const Table kTable = [&] {
    Table table = plain;
    table.name = "avx512vnni";
    table.narrow_events = vnni::add_events;
    table.narrow_dense = vnni::add_dense;
    table.tally_small = [](const Count* counts, const PlaceKeys& keys, const std::uint16_t* fan_out, Spikes spikes,
                           std::size_t n) {
      const auto of_turns = [spikes](const Count* c, const PlaceKeys& k, const std::uint16_t* f, std::size_t m,
                                     Tally& tally) { vnni::tally_turns(c, k, f, spikes, m, tally); };
      return reference::tally_by_turns(counts, keys, fan_out, spikes, n, of_turns);
    };
    table.narrow_is_bounded = false;
    table.narrow_has_tails = true;
    table.dense_percent = 45;
    table.singles_cost = {38, 44, 400, 25, 55, 600, 400, 190, 120, 200};
    if (__builtin_cpu_supports("avx512vbmi2")) table.list_narrow_singles = vbmi2::list_singles;
    return table;
  }();
  return kTable;
}
#elif HWY_ARCH_ARM_A64
const Table& dot_products_of(const Table& plain) {
  static const Table kTable = [&] {
    Table table = plain;
    table.name = "neon-dot";
    table.singles_cost = {60, 120, 300, 30, 30, 400, 300, 120, 120, 250};
    table.narrow_greatest = 127;  // both sides are signed
    table.narrow_events = neon_dot::add_events;
    table.narrow_dense = neon_dot::add_dense;
    table.narrow_is_bounded = false;
    return table;
  }();
  return kTable;
}
#endif

Available ask_processor() {
  Available available;
#if HWY_ARCH_X86
  const bool sse4 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3");
  const bool avx2 = sse4 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c");
  [[maybe_unused]] const bool avx3 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
#if HWY_TARGETS & HWY_AVX3
  if (avx3 && __builtin_cpu_supports("avx512vnni")) available.add(dot_products_of(N_AVX3::kTable));
  if (avx3) available.add(N_AVX3::kTable);
#endif
#if HWY_TARGETS & HWY_AVX2
  if (avx2) available.add(N_AVX2::kTable);
#endif
#if HWY_TARGETS & HWY_SSE4
  if (sse4) available.add(N_SSE4::kTable);
#endif
#elif HWY_ARCH_ARM_A64
  if (neon_dot::is_here()) available.add(dot_products_of(N_NEON::kTable));
  available.add(N_NEON::kTable);
#endif
  available.add(reference::kTable);
  return available;
}

}  // namespace

std::span<const Table* const> available() {
  static const Available kAvailable = ask_processor();
  return {kAvailable.tables.data(), kAvailable.count};
}

}  // namespace syn::snn::kernels
#endif  // HWY_ONCE
