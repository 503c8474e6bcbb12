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
#include "snn/kernels/neon_dot.hpp"
#include "snn/kernels/reference.hpp"
#include "snn/kernels/vnni.hpp"

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

void narrow(const Count* counts, std::size_t n, std::uint8_t* bytes) {
  const I16 d;
  const hn::Rebind<std::uint8_t, I16> d8;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::DemoteTo(d8, hn::BitCast(d, hn::LoadU(U16(), counts + i))), d8, bytes + i);
  reference::narrow(counts + i, n - i, bytes + i);
}

std::size_t count_words(const std::uint32_t* words, std::size_t n) {
  const U32 d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t some = 0, i = 0;
  for (; i + lanes <= n; i += lanes) some += hn::CountTrue(d, hn::Ne(hn::LoadU(d, words + i), hn::Zero(d)));
  return some + reference::count_words(words + i, n - i);
}

std::size_t list_events(const std::uint32_t* source, std::size_t pixels, std::size_t words, std::uint32_t stride,
                        std::uint32_t* values, std::uint32_t* offsets, std::uint32_t* starts, std::uint32_t listed) {
  const U32 d;
  const std::size_t lanes = hn::Lanes(d);
  const auto step = hn::Mul(hn::Iota(d, 0), hn::Set(d, stride));
  std::size_t n = 0, first = 0;
  for (std::size_t pixel = 0; pixel < pixels; ++pixel, first += words) {
    starts[pixel] = listed + static_cast<std::uint32_t>(n);
    for (std::size_t i = 0; i < words; i += lanes) {
      const auto value = hn::LoadU(d, source + first + i);
      auto some = hn::Ne(value, hn::Zero(d));
      if (i + lanes > words) some = hn::And(some, hn::FirstN(d, words - i));
      const auto offset = hn::Add(step, hn::Set(d, stride * static_cast<std::uint32_t>(first + i)));
      // Compressed in a register and stored whole: a compressing store is microcode on some machines.
      hn::StoreU(hn::Compress(value, some), d, values + n);
      hn::StoreU(hn::Compress(offset, some), d, offsets + n);
      n += hn::CountTrue(d, some);
    }
  }
  starts[pixels] = listed + static_cast<std::uint32_t>(n);
  return n;
}

// Two counts of 16 bits a word, summed in 32 bits.
struct Wide {
  static constexpr bool kBounded = false;
  static constexpr std::size_t kChains = 1;
  static constexpr std::size_t kRegisters = HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM ? 24 : 10;
  static constexpr std::size_t kSumRegisters = HWY_ARCH_ARM ? 2 : 1;
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
  static HWY_INLINE void store(const Sum& from, std::int32_t* sums) {
    const I32 d;
#if HWY_ARCH_ARM
    // Products of one output lie side by side, the lower outputs' in `sum`, the upper ones' in `rest`.
    const auto total = hn::Add(hn::ConcatEven(d, from.rest, from.sum), hn::ConcatOdd(d, from.rest, from.sum));
#else
    const auto total = from.sum;  // the pairwise multiply-add leaves one lane an output, and `rest` alone
#endif
    hn::StoreU(hn::Add(hn::LoadU(d, sums), total), d, sums);
  }
};

#if HWY_ARCH_X86
// Four counts of 8 bits a word: the products of two, which Band::run and chunk keep inside 16 bits, are added up there
// and settled into 32 bits now and then. The instruction saturates, but never has to.
struct Narrow {
  static constexpr bool kBounded = true;
  static constexpr std::size_t kChains = 1;
  static constexpr std::size_t kRegisters = HWY_TARGET == HWY_AVX3 ? 24 : 12;
  static constexpr std::size_t kSumRegisters = 2;
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
#if HWY_TARGET == HWY_AVX3
    const Word products{_mm512_maddubs_epi16(counts.raw, weights.raw)};
#elif HWY_TARGET == HWY_AVX2
    const Word products{_mm256_maddubs_epi16(counts.raw, weights.raw)};
#else
    const Word products{_mm_maddubs_epi16(counts.raw, weights.raw)};
#endif
    to.pairs = hn::Add(to.pairs, products);
  }
  static HWY_INLINE void settle(Sum& of) {
    hn::Vec<I32> unused = hn::Zero(I32());
    of.sum = hn::ReorderWidenMulAccumulate(I32(), of.pairs, hn::Set(I16(), 1), of.sum, unused);
    of.pairs = hn::Zero(I16());
  }
  static HWY_INLINE void join(Sum&, const Sum&) {}
  static HWY_INLINE void store(const Sum& from, std::int32_t* sums) {
    hn::StoreU(hn::Add(hn::LoadU(I32(), sums), from.sum), I32(), sums);
  }
};
#endif

#include "snn/kernels/bands-inl.hpp"

// What `lanes` sums from `at` on are with all taps added.
HWY_INLINE hn::Vec<I32> with_products(std::span<const Tap> taps, std::size_t at, const std::int32_t* sums) {
  const I32 d;
  const HalfU16 d16;
  auto sum = hn::LoadU(d, sums + at);
  for (const Tap& tap : taps)
    sum = hn::Add(sum, hn::Mul(hn::PromoteTo(d, hn::LoadU(d16, tap.counts + at)), hn::LoadU(d, tap.weights + at)));
  return sum;
}

void add_products(std::span<const Tap> taps, std::size_t n, std::int32_t* sums) {
  const I32 d;
  const std::size_t lanes = hn::Lanes(d);
  if (n < lanes) return reference::add_products(taps, n, sums);
  // The last vector may overlap the one before: it is taken from the sums as they were, so both store the same there.
  const auto last = with_products(taps, n - lanes, sums);
  for (std::size_t i = 0; i + lanes < n; i += lanes) hn::StoreU(with_products(taps, i, sums), d, sums + i);
  hn::StoreU(last, d, sums + n - lanes);
}

template <class D>
HWY_INLINE void add_lanes(D, hn::Vec<D> sum, std::int32_t* sums) {
  const hn::RepartitionToWide<D> d32;
  const hn::Half<D> dh;
  const std::size_t half = hn::Lanes(d32);
  hn::StoreU(hn::Add(hn::LoadU(d32, sums), hn::PromoteTo(d32, hn::LowerHalf(dh, sum))), d32, sums);
  hn::StoreU(hn::Add(hn::LoadU(d32, sums + half), hn::PromoteTo(d32, hn::UpperHalf(dh, sum))), d32, sums + half);
}

// As many times kVectors vectors from `i` on as there are left; what is left then.
template <std::size_t kVectors, class D>
HWY_INLINE std::size_t add_short_vectors(D d, std::size_t i, std::span<const ShortTap> taps, std::size_t n,
                                         std::size_t period, std::int32_t* sums) {
  const hn::RebindToUnsigned<D> du;
  const std::size_t lanes = hn::Lanes(d);
  for (; i + kVectors * lanes <= n; i += kVectors * lanes) {
    hn::Vec<D> sum[kVectors];
    std::size_t offset[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) {
      sum[v] = hn::Zero(d);
      offset[v] = (i + v * lanes) % period;
    }
    for (const ShortTap& tap : taps) {
      for (std::size_t v = 0; v < kVectors; ++v) {
        const auto counts = hn::BitCast(d, hn::LoadU(du, tap.counts + i + v * lanes));
        sum[v] = hn::Add(sum[v], hn::Mul(counts, hn::LoadU(d, tap.weights + offset[v])));
      }
    }
    for (std::size_t v = 0; v < kVectors; ++v) add_lanes(d, sum[v], sums + i + v * lanes);
  }
  return i;
}

void add_short_products(std::span<const ShortTap> taps, std::size_t n, std::size_t period, std::int32_t* sums) {
  const hn::CappedTag<std::int16_t, kTapSlack> d;
  std::size_t i = add_short_vectors<4>(d, 0, taps, n, period, sums);
  i = add_short_vectors<1>(d, i, taps, n, period, sums);
  i = add_short_vectors<1>(hn::CappedTag<std::int16_t, 16>(), i, taps, n, period, sums);
  i = add_short_vectors<1>(hn::CappedTag<std::int16_t, 8>(), i, taps, n, period, sums);
  reference::add_short_products_from(i, taps, n, period, sums);
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

// floor(x / theta) = floor((x + 1/2) / theta) for whole x, and (x + 1/2) / theta is at least 1 / (2 theta) away from a
// whole number. The estimate rounds five times (four where multiply and add are one), each by at most 2^-24 of a value
// below C + 1: together less than 1 / (2 theta) while (C + 1) theta < 2^24 / 10, and kSmallVolley is below that. Beyond C
// it is clamped, below 0 by the saturation to unsigned 16 bits.
// Toward zero, for values whose magnitude is below 2^31. (Highway's own conversion mends what lies beyond.)
HWY_INLINE hn::Vec<I32> truncated(hn::Vec<hn::Rebind<float, I32>> x) {
#if HWY_TARGET == HWY_AVX3
  return hn::Vec<I32>{_mm512_cvttps_epi32(x.raw)};
#elif HWY_TARGET == HWY_AVX2
  return hn::Vec<I32>{_mm256_cvttps_epi32(x.raw)};
#elif HWY_TARGET == HWY_SSE4
  return hn::Vec<I32>{_mm_cvttps_epi32(x.raw)};
#else
  return hn::ConvertTo(I32(), x);
#endif
}

// Two vectors of neurons; what is negative becomes 0.
HWY_INLINE void store_counts(hn::Vec<I32> a, hn::Vec<I32> b, Count* out) {
#if HWY_TARGET == HWY_AVX3
  const __m512i order = _mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0);
  _mm512_storeu_si512(out, _mm512_permutexvar_epi64(order, _mm512_packus_epi32(a.raw, b.raw)));
#elif HWY_TARGET == HWY_AVX2
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(a.raw, b.raw), 0xd8);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), packed);
#else
  const HalfU16 d16;
  hn::StoreU(hn::DemoteTo(d16, a), d16, out);
  hn::StoreU(hn::DemoteTo(d16, b), d16, out + hn::Lanes(I32()));
#endif
}

HWY_INLINE hn::Vec<I32> small_count(const std::int32_t* sums, hn::Vec<hn::Rebind<float, I32>> reciprocal,
                                    hn::Vec<hn::Rebind<float, I32>> half, hn::Vec<hn::Rebind<float, I32>> ceiling) {
  const hn::Rebind<float, I32> df;
  return truncated(hn::Min(hn::MulAdd(hn::ConvertTo(df, hn::LoadU(I32(), sums)), reciprocal, half), ceiling));
}

// kPairs pairs of vectors of channels, at every position: their constants stay in registers.
template <std::size_t kPairs>
HWY_INLINE void fire_small_channels(const SmallVolley& volley, const std::int32_t* sums, std::size_t n, std::size_t at,
                                    Count* out) {
  const hn::Rebind<float, I32> df;
  const std::size_t lanes = hn::Lanes(df);
  const auto ceiling = hn::Set(df, volley.ceiling);
  hn::Vec<hn::Rebind<float, I32>> reciprocal[2 * kPairs], half[2 * kPairs];
  for (std::size_t v = 0; v < 2 * kPairs; ++v) {
    reciprocal[v] = hn::LoadU(df, volley.reciprocal + at + v * lanes);
    half[v] = hn::LoadU(df, volley.half + at + v * lanes);
  }
  for (std::size_t i = at; i < n; i += volley.period)
    for (std::size_t v = 0; v < 2 * kPairs; v += 2)
      store_counts(small_count(sums + i + v * lanes, reciprocal[v], half[v], ceiling),
                   small_count(sums + i + (v + 1) * lanes, reciprocal[v + 1], half[v + 1], ceiling),
                   out + i + v * lanes);
}

void fire_small_volley(const SmallVolley& volley, const std::int32_t* sums, std::size_t n, Count* out) {
  const hn::Rebind<float, I32> df;
  const std::size_t lanes = hn::Lanes(df);
  if (volley.period % (2 * lanes) == 0) {
    std::size_t at = 0;
    for (; at + 4 * lanes <= volley.period; at += 4 * lanes) fire_small_channels<2>(volley, sums, n, at, out);
    for (; at < volley.period; at += 2 * lanes) fire_small_channels<1>(volley, sums, n, at, out);
    return;
  }
  const auto ceiling = hn::Set(df, volley.ceiling);
  const auto count = [&](std::size_t i) HWY_ATTR {
    return small_count(sums + i, hn::LoadU(df, volley.reciprocal + i), hn::LoadU(df, volley.half + i), ceiling);
  };
  std::size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) store_counts(count(i), count(i + lanes), out + i);
  reference::fire_small_volley({volley.reciprocal + i, volley.half + i, volley.ceiling, n - i}, sums + i, n - i, out + i);
}

bool fire_step(const Step& step, const std::int32_t* sums, std::size_t n, std::int32_t* v, Count* out) {
  const I32 d;
  const HalfU16 d16;
  const auto low = hn::Set(d, step.v_min), high = hn::Set(d, step.v_max), one = hn::Set(d, 1);
  const std::size_t lanes = hn::Lanes(d);
  auto most = hn::Set(d, -1);  // 1 where a potential still reaches its threshold
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto theta = hn::LoadU(d, step.threshold + i);
    const auto potential = hn::Add(hn::LoadU(d, v + i), hn::LoadU(d, sums + i));
    const auto silent = hn::Lt(potential, theta);
    const auto after = hn::Sub(potential, hn::IfThenZeroElse(silent, theta));
    const auto clamped = hn::Min(hn::Max(after, low), high);
    most = hn::IfThenElse(hn::Lt(clamped, theta), most, one);
    hn::StoreU(clamped, d, v + i);
    hn::StoreU(hn::DemoteTo(d16, hn::IfThenZeroElse(silent, one)), d16, out + i);
  }
  const bool rest =
      reference::fire_step({step.threshold + i, step.v_min, step.v_max}, sums + i, n - i, v + i, out + i);
  return hn::AllTrue(d, hn::Lt(most, hn::Zero(d))) && rest;
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

// Pairs of products of 16 bits, in 32.
template <class V>
HWY_INLINE hn::Vec<I32> paired(V a, V b) {
  auto rest = hn::Zero(I32());
  const auto sum = hn::ReorderWidenMulAccumulate(I32(), a, b, hn::Zero(I32()), rest);
  return hn::Add(sum, rest);
}
// Sums of the signed 32-bit lanes of v, in 64 bits.
template <class V>
HWY_INLINE hn::Vec<U64> widened_signed(V v) {
  const hn::Repartition<std::int64_t, I32> d;
  const auto both = hn::BitCast(d, v);
  return hn::BitCast(U64(), hn::Add(hn::ShiftRight<32>(both), hn::ShiftRight<32>(hn::ShiftLeft<32>(both))));
}
// A lane of 32 bits takes in so many pairs of products of kSmallCount and 2^15.
constexpr std::size_t kPairsOfCounts = 127;

Tally tally_small(const Count* counts, const Limbs& limbs, const std::uint16_t* fan_out, std::size_t n) {
  const I16 d;
  const auto one = hn::Set(d, 1);
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<U64> total_of[4];
  for (auto& t : total_of) t = hn::Zero(U64());
  auto spikes = hn::Zero(U64()), events = spikes, reached = spikes;
  std::size_t i = 0;
  while (i + lanes <= n) {
    const std::size_t end = n - i < kPairsOfCounts * lanes ? n : i + kPairsOfCounts * lanes;
    auto sum0 = hn::Zero(I32()), sum1 = sum0, sum2 = sum0, sum3 = sum0, sum_of_counts = sum0, some = sum0, reach = sum0;
    for (; i + lanes <= end; i += lanes) {
      const auto count = hn::BitCast(d, hn::LoadU(U16(), counts + i));
      const std::int16_t* limb = limbs.limbs + i;
      sum0 = hn::Add(sum0, paired(count, hn::LoadU(d, limb)));
      sum1 = hn::Add(sum1, paired(count, hn::LoadU(d, limb + limbs.stride)));
      sum2 = hn::Add(sum2, paired(count, hn::LoadU(d, limb + 2 * limbs.stride)));
      sum3 = hn::Add(sum3, paired(count, hn::LoadU(d, limb + 3 * limbs.stride)));
      sum_of_counts = hn::Add(sum_of_counts, paired(count, one));
      const auto fires = hn::Min(count, one);
      some = hn::Add(some, paired(fires, one));
      reach = hn::Add(reach, paired(fires, hn::BitCast(d, hn::LoadU(U16(), fan_out + i))));
    }
    total_of[0] = hn::Add(total_of[0], widened_signed(sum0));
    total_of[1] = hn::Add(total_of[1], widened_signed(sum1));
    total_of[2] = hn::Add(total_of[2], widened_signed(sum2));
    total_of[3] = hn::Add(total_of[3], widened_signed(sum3));
    spikes = hn::Add(spikes, widened_signed(sum_of_counts));
    events = hn::Add(events, widened_signed(some));
    reached = hn::Add(reached, widened_signed(reach));
  }
  Tally tally = reference::tally_small(counts + i, {limbs.limbs + i, limbs.stride}, fan_out + i, n - i);
  for (unsigned j = 0; j < 4; ++j) tally.checksum += total(total_of[j]) << (16 * j);
  tally.spikes += total(spikes);
  tally.events += total(events);
  tally.reached += total(reached);
  return tally;
}

std::uint64_t sum_where_small(const Count* counts, const std::uint16_t* fan_out, std::size_t n) {
  const I16 d;
  const auto one = hn::Set(d, 1);
  const std::size_t lanes = hn::Lanes(d);
  auto sum = hn::Zero(U64());
  std::size_t i = 0;
  while (i + lanes <= n) {
    const std::size_t end = n - i < kPairsOfCounts * lanes ? n : i + kPairsOfCounts * lanes;
    auto part = hn::Zero(I32());
    for (; i + lanes <= end; i += lanes) {
      const auto some = hn::Ne(hn::BitCast(d, hn::LoadU(U16(), counts + i)), hn::Zero(d));
      part = hn::Add(part, paired(hn::IfThenElseZero(some, hn::BitCast(d, hn::LoadU(U16(), fan_out + i))), one));
    }
    sum = hn::Add(sum, widened_signed(part));
  }
  return total(sum) + reference::sum_where_small(counts + i, fan_out + i, n - i);
}

void sum_windows(const PoolWindow& window, const Count* from, std::size_t positions, Count* to) {
  const U16 d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t p = 0; p < positions; ++p, from += window.stride, to += window.channels) {
    for (std::size_t c = 0; c < window.channels; c += lanes) {
      auto sum = hn::Zero(d);
      for (std::size_t y = 0; y < window.height; ++y)
        for (std::size_t x = 0; x < window.width; ++x)
          sum = hn::Add(sum, hn::LoadU(d, from + y * window.pitch + x * window.channels + c));
      hn::StoreU(sum, d, to + c);  // what lies beyond the last channel is written again by the next position
    }
  }
}

std::uint64_t set_bits(const Count* counts, std::size_t n) {
  const U32 d;
  const U16 d16;
  auto sum = hn::Zero(U64());
  const std::size_t lanes = hn::Lanes(d16);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto digits = hn::BitCast(d, hn::PopulationCount(hn::LoadU(d16, counts + i)));
    sum = hn::Add(sum, widened(hn::Add(hn::And(digits, hn::Set(d, 0xffff)), hn::ShiftRight<16>(digits))));
  }
  return total(sum) + reference::set_bits(counts + i, n - i);
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
                   .narrow = narrow,
                   .count_words = count_words,
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
                   .dense_percent = 60,
                   .add_products = add_products,
                   .add_short_products = add_short_products,
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
                   .greatest = greatest};
#undef SYN_TABLE_NAME

}  // namespace syn::snn::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // SYN_VECTORS

#if HWY_ONCE
#include <array>

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
    table.narrow_is_bounded = false;
    table.dense_percent = 45;
    table.tally_small = vnni::tally_small;
    return table;
  }();
  return kTable;
}
#elif HWY_ARCH_ARM_A64
const Table& dot_products_of(const Table& plain) {
  static const Table kTable = [&] {
    Table table = plain;
    table.name = "neon-dot";
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
  const bool avx3 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
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
