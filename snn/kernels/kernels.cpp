// The kernels in vectors, compiled once per instruction set by Highway's foreach_target.h and chosen by our own
// question to the processor: the library's dispatcher would tie the daemon to one version of libhwy, and asks ARM
// machines for AES, which the Raspberry Pi lacks. On arm64 the baseline (NEON) is the only target.
#if defined(__aarch64__)
#define HWY_COMPILE_ONLY_STATIC
#endif
#define HWY_DISABLED_TARGETS HWY_SSSE3

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "snn/kernels/kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "snn/kernels/kernels.hpp"
#include "snn/kernels/reference.hpp"

#if HWY_ARCH_X86 || HWY_ARCH_ARM_A64
#define SYN_VECTORS (HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)
#else
#define SYN_VECTORS 0  // which lanes a pairwise product lands in is known for these two only
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

std::size_t list_events(const Count* counts, std::size_t pairs, std::uint32_t first_offset, std::uint32_t stride,
                        std::uint32_t* values, std::uint32_t* offsets) {
  const U32 d;
  const std::size_t lanes = hn::Lanes(d);
  auto offset = hn::Add(hn::Mul(hn::Iota(d, 0), hn::Set(d, stride)), hn::Set(d, first_offset));
  const auto step = hn::Set(d, stride * static_cast<std::uint32_t>(lanes));
  std::size_t n = 0;
  for (std::size_t i = 0; i < pairs; i += lanes) {
    const auto value = hn::BitCast(d, hn::LoadU(U16(), counts + 2 * i));
    auto some = hn::Ne(value, hn::Zero(d));
    if (i + lanes > pairs) some = hn::And(some, hn::FirstN(d, pairs - i));
    // Compressed in a register and stored whole: a compressing store is microcode on some machines.
    hn::StoreU(hn::Compress(value, some), d, values + n);
    hn::StoreU(hn::Compress(offset, some), d, offsets + n);
    n += hn::CountTrue(d, some);
    offset = hn::Add(offset, step);
  }
  return n;
}

// kVectors x lanes outputs, held in registers over all events.
template <std::size_t kVectors>
HWY_INLINE void gather_tile(const std::uint32_t* values, const std::uint32_t* offsets, const Segment* segments,
                            std::size_t segment_count, const std::int16_t* packed, std::int32_t* sums) {
  const I32 d;
  const I16 d16;
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<I32> sum[kVectors], rest[kVectors];
  for (std::size_t v = 0; v < kVectors; ++v) sum[v] = rest[v] = hn::Zero(d);
  for (std::size_t s = 0; s < segment_count; ++s) {
    const std::int64_t base = segments[s].base;
    const std::uint32_t end = segments[s].end;
    for (std::uint32_t e = segments[s].begin; e < end; ++e) {
      const std::int16_t* HWY_RESTRICT row = packed + (base + offsets[e]);
      const auto value = hn::BitCast(d16, hn::Set(d, static_cast<std::int32_t>(values[e])));
      for (std::size_t v = 0; v < kVectors; ++v)
        sum[v] = hn::ReorderWidenMulAccumulate(d, value, hn::LoadU(d16, row + 2 * v * lanes), sum[v], rest[v]);
    }
  }
  for (std::size_t v = 0; v < kVectors; ++v) {
#if HWY_ARCH_ARM
    // Products of one output lie side by side, the lower outputs' in `sum`, the upper ones' in `rest`.
    const auto total = hn::Add(hn::ConcatEven(d, rest[v], sum[v]), hn::ConcatOdd(d, rest[v], sum[v]));
#else
    const auto total = sum[v];  // the pairwise multiply-add leaves one lane an output, and `rest` alone
#endif
    hn::StoreU(hn::Add(hn::LoadU(d, sums + v * lanes), total), d, sums + v * lanes);
  }
}

void gather(const std::uint32_t* values, const std::uint32_t* offsets, std::span<const Segment> segments,
            const std::int16_t* packed, std::size_t outputs, std::int32_t* sums) {
  const std::size_t lanes = hn::Lanes(I32());
  const Segment* first = segments.data();
  const std::size_t count = segments.size();
  for (std::size_t left = outputs / lanes; left > 0;) {  // lanes divides kTile, which divides outputs
    const std::size_t now = left < 8 ? left : 8;
    switch (now) {
      case 1:
        gather_tile<1>(values, offsets, first, count, packed, sums);
        break;
      case 2:
        gather_tile<2>(values, offsets, first, count, packed, sums);
        break;
      case 3:
        gather_tile<3>(values, offsets, first, count, packed, sums);
        break;
      case 4:
        gather_tile<4>(values, offsets, first, count, packed, sums);
        break;
      case 5:
        gather_tile<5>(values, offsets, first, count, packed, sums);
        break;
      case 6:
        gather_tile<6>(values, offsets, first, count, packed, sums);
        break;
      case 7:
        gather_tile<7>(values, offsets, first, count, packed, sums);
        break;
      default:
        gather_tile<8>(values, offsets, first, count, packed, sums);
        break;
    }
    left -= now;
    packed += now * lanes * 2;
    sums += now * lanes;
  }
}

// q = floor(x / theta) for 0 <= x <= C * theta by an estimate that is at most 1 off, then put right with integers.
// The estimate x' * r' rounds four times (x to float, theta to float, the reciprocal, the product), each by at most
// 2^-24 of the value, which is at most C <= 32767: off by less than 32767 * 4.01 * 2^-24 < 0.01, so its truncation is q
// or, within 0.01 of a whole number, q - 1 or q + 1. x - (q + 1) theta does not overflow: (C + 1) theta < 2^31.
void fire_volley(const Volley& volley, const std::int32_t* sums, std::size_t n, Count* out) {
  const I32 d;
  const hn::Rebind<float, I32> df;
  const HalfU16 d16;
  const auto zero = hn::Zero(d), one = hn::Set(d, 1);
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto theta = hn::LoadU(d, volley.threshold + i);
    auto x = hn::Add(hn::LoadU(d, sums + i), hn::ShiftRight<1>(theta));
    x = hn::Min(hn::Max(x, zero), hn::LoadU(d, volley.limit + i));
    auto q = hn::ConvertTo(d, hn::Mul(hn::ConvertTo(df, x), hn::LoadU(df, volley.reciprocal + i)));
    const auto remainder = hn::Sub(x, hn::Mul(q, theta));
    q = hn::IfThenElse(hn::Lt(remainder, theta), q, hn::Add(q, one));
    q = hn::IfThenElse(hn::Lt(remainder, zero), hn::Sub(q, one), q);
    hn::StoreU(hn::DemoteTo(d16, q), d16, out + i);
  }
  reference::fire_volley({volley.threshold + i, volley.limit + i, volley.reciprocal + i}, sums + i, n - i, out + i);
}

void fire_step(const Step& step, const std::int32_t* sums, std::size_t n, std::int32_t* v, Count* out) {
  const I32 d;
  const HalfU16 d16;
  const auto low = hn::Set(d, step.v_min), high = hn::Set(d, step.v_max), one = hn::Set(d, 1);
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto theta = hn::LoadU(d, step.threshold + i);
    const auto potential = hn::Add(hn::LoadU(d, v + i), hn::LoadU(d, sums + i));
    const auto silent = hn::Lt(potential, theta);
    const auto after = hn::Sub(potential, hn::IfThenZeroElse(silent, theta));
    hn::StoreU(hn::Min(hn::Max(after, low), high), d, v + i);
    hn::StoreU(hn::DemoteTo(d16, hn::IfThenZeroElse(silent, one)), d16, out + i);
  }
  reference::fire_step({step.threshold + i, step.v_min, step.v_max}, sums + i, n - i, v + i, out + i);
}

// Sums of the 32-bit lanes of v, in 64 bits.
template <class V>
HWY_INLINE hn::Vec<U64> widened(V v) {
  const auto both = hn::BitCast(U64(), v);
  return hn::Add(hn::And(both, hn::Set(U64(), 0xffffffff)), hn::ShiftRight<32>(both));
}
// Sums of the products of 32-bit lanes, in 64 bits.
template <class V>
HWY_INLINE hn::Vec<U64> products(V a, V b) {
  const U32 d;
  const auto odd_a = hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(U64(), a)));
  const auto odd_b = hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(U64(), b)));
  return hn::Add(hn::MulEven(a, b), hn::MulEven(odd_a, odd_b));
}
HWY_INLINE std::uint64_t total(hn::Vec<U64> v) {
  return hn::GetLane(hn::SumOfLanes(U64(), v));
}

Tally tally(const Count* counts, const std::uint32_t* key_low, const std::uint32_t* key_high, std::size_t n) {
  const U32 d;
  const HalfU16 d16;
  auto low = hn::Zero(U64()), high = low, spikes = low;
  auto silent = hn::Zero(d);  // at most 2^26 neurons: 32 bits hold it
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto count = hn::PromoteTo(d, hn::LoadU(d16, counts + i));
    low = hn::Add(low, products(count, hn::LoadU(d, key_low + i)));
    high = hn::Add(high, products(count, hn::LoadU(d, key_high + i)));
    spikes = hn::Add(spikes, widened(count));
    silent = hn::Add(silent, hn::IfThenElseZero(hn::Eq(count, hn::Zero(d)), hn::Set(d, 1)));
  }
  Tally rest = reference::tally(counts + i, key_low + i, key_high + i, n - i);
  rest.checksum += total(low) + (total(high) << 32);
  rest.spikes += total(spikes);
  rest.events += i - total(widened(silent));
  return rest;
}

std::uint64_t sum_where(const Count* counts, const std::uint32_t* fan_out, std::size_t n) {
  const U32 d;
  const HalfU16 d16;
  auto sum = hn::Zero(U64());
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto some = hn::Ne(hn::PromoteTo(d, hn::LoadU(d16, counts + i)), hn::Zero(d));
    sum = hn::Add(sum, widened(hn::IfThenElseZero(some, hn::LoadU(d, fan_out + i))));
  }
  return total(sum) + reference::sum_where(counts + i, fan_out + i, n - i);
}

Count greatest(const Count* counts, std::size_t n) {
  const U16 d;
  const std::size_t lanes = hn::Lanes(d);
  auto most = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) most = hn::Max(most, hn::LoadU(d, counts + i));
  HWY_ALIGN Count lane[HWY_MAX_BYTES / sizeof(Count)];
  hn::Store(most, d, lane);
  const Count a = reference::greatest(lane, lanes), b = reference::greatest(counts + i, n - i);
  return a > b ? a : b;
}

}  // namespace

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
const Table kTable{SYN_TABLE_NAME, list_events, gather, fire_volley, fire_step, tally, sum_where, greatest};
#undef SYN_TABLE_NAME

}  // namespace syn::snn::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // SYN_VECTORS

#if HWY_ONCE
#include <array>

namespace syn::snn::kernels {
namespace {

struct Available {
  std::array<const Table*, 4> tables{};
  std::size_t count = 0;
  void add(const Table& table) { tables[count++] = &table; }
};

Available ask_processor() {
  Available available;
#if HWY_ARCH_X86
  const bool sse4 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3");
  const bool avx2 = sse4 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c");
  const bool avx3 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
#if HWY_TARGETS & HWY_AVX3
  if (avx3) available.add(N_AVX3::kTable);
#endif
#if HWY_TARGETS & HWY_AVX2
  if (avx2) available.add(N_AVX2::kTable);
#endif
#if HWY_TARGETS & HWY_SSE4
  if (sse4) available.add(N_SSE4::kTable);
#endif
#elif HWY_ARCH_ARM_A64
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
