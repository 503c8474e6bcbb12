#include "snn/kernels/vnni.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <hwy/base.h>

#include "snn/kernels/reference.hpp"

// Only what stands between push and pop is compiled for the instruction set: nothing inline of other headers, which
// the linker might hand to a machine without it.
HWY_PUSH_ATTRIBUTES("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
namespace syn::snn::kernels::vnni {
namespace {

struct Dot {
  static constexpr bool kBounded = false;
  static constexpr std::size_t kChains = 4;  // the instruction takes 4 to 5 cycles, and two can start in each
  static constexpr std::size_t kRegisters = 24, kMostEvents = 8, kScattered = 0;
  static constexpr std::size_t kSumRegisters = 1;
  using Word = __m512i;
  using Sum = __m512i;
  static HWY_INLINE std::size_t lanes() { return 16; }
  static HWY_INLINE Sum zero() { return _mm512_setzero_si512(); }
  static HWY_INLINE Word all(std::uint32_t word) { return _mm512_set1_epi32(static_cast<int>(word)); }
  static HWY_INLINE Word load(const std::uint32_t* weights) { return _mm512_loadu_si512(weights); }
  static HWY_INLINE void add(Sum& to, Word counts, Word weights) { to = _mm512_dpbusd_epi32(to, counts, weights); }
  static HWY_INLINE void settle(Sum&) {}
  static HWY_INLINE void join(Sum& to, const Sum& from) { to = _mm512_add_epi32(to, from); }
  static HWY_INLINE Sum start(const std::int32_t* from) { return _mm512_loadu_si512(from); }
  static HWY_INLINE void finish(const Sum& sum, const std::int32_t*, std::int32_t* sums) {
    _mm512_storeu_si512(sums, sum);
  }
};

#include "snn/kernels/bands-inl.hpp"

// (Zeroing forms: GCC 12 warns of its own header's others.)
template <int kHalf>
HWY_INLINE __m512i half_of(__m512i x) {  // its 32-bit lanes in 64 bits
  return _mm512_maskz_cvtepu32_epi64(0xff, _mm512_maskz_extracti64x4_epi64(0xf, x, kHalf));
}
// Of the 32-bit lanes, pairs of them added in 64 bits.
HWY_INLINE __m512i widened(__m512i x) {
  return _mm512_add_epi64(_mm512_maskz_srli_epi64(0xff, x, 32), _mm512_and_si512(x, _mm512_set1_epi64(0xffffffff)));
}
HWY_INLINE std::uint64_t total(__m512i sum) {
  alignas(64) std::uint64_t lanes[8];
  _mm512_store_si512(lanes, sum);
  std::uint64_t all = 0;
  for (const std::uint64_t lane : lanes) all += lane;
  return all;
}

// What a block's counts have summed up to: spikes and events in lanes of 16 bits.
struct Counted {
  __m512i spikes, events;
};
struct Multiplied {
  __m512i key, reached;
};
HWY_INLINE void count_in(Counted& to, Multiplied& sums, __m512i count, __m512i digit, __m512i fan_out) {
  const __m512i fires = _mm512_min_epu16(count, _mm512_set1_epi16(1));
  sums.key = _mm512_dpwssd_epi32(sums.key, count, digit);
  sums.reached = _mm512_dpwssd_epi32(sums.reached, fires, fan_out);
  to.spikes = _mm512_add_epi16(to.spikes, count);
  to.events = _mm512_add_epi16(to.events, fires);
}

}  // namespace

Tally tally_small(const Count* counts, const PlaceKeys& keys, const std::uint16_t* fan_out, std::size_t n) {
  const std::size_t to_turn = (kTallyTurn - keys.first % kTallyTurn) % kTallyTurn, lead = to_turn < n ? to_turn : n;
  const __m512i none = _mm512_setzero_si512(), one = _mm512_set1_epi16(1);
  __m512i lower = none, upper = none, spikes = none, events = none, reached = none;
  for (std::size_t i = lead; i < n;) {
    const std::size_t at = keys.first + i, room = kTallied - at % kTallied, end = n - i < room ? n : i + room;
    const std::int16_t* digit = keys.digit + at % kTallied;
    Counted counted{none, none};
    Multiplied a{none, none}, b = a;  // in turn: a multiply-add waits 4 cycles for the one before
    for (; i + 2 * kTallyTurn <= end; i += 2 * kTallyTurn, digit += 2 * kTallyTurn) {
      count_in(counted, a, _mm512_loadu_si512(counts + i), _mm512_loadu_si512(digit), _mm512_loadu_si512(fan_out + i));
      count_in(counted, b, _mm512_loadu_si512(counts + i + kTallyTurn), _mm512_loadu_si512(digit + kTallyTurn),
               _mm512_loadu_si512(fan_out + i + kTallyTurn));
    }
    for (; i < end; i += kTallyTurn, digit += kTallyTurn) {  // apart: loads under a mask take twice the time
      const __mmask32 left = end - i < kTallyTurn ? (__mmask32{1} << (end - i)) - 1 : ~__mmask32{0};
      count_in(counted, a, _mm512_maskz_loadu_epi16(left, counts + i), _mm512_maskz_loadu_epi16(left, digit),
               _mm512_maskz_loadu_epi16(left, fan_out + i));
    }
    i = end;
    const __m512i key = _mm512_add_epi32(a.key, b.key);
    const __m512i block = _mm512_set1_epi64(static_cast<long long>(keys.block[at / kTallied]));
    lower = _mm512_add_epi64(lower, _mm512_mullo_epi64(half_of<0>(key), block));
    upper = _mm512_add_epi64(upper, _mm512_mullo_epi64(half_of<1>(key), block));
    spikes = _mm512_dpwssd_epi32(spikes, counted.spikes, one);  // unsigned, 32 bits hold those of 2^26 neurons
    events = _mm512_dpwssd_epi32(events, counted.events, one);
    reached = _mm512_add_epi64(reached, widened(_mm512_add_epi32(a.reached, b.reached)));
  }
  const __m512i checksum = _mm512_add_epi64(_mm512_mullo_epi64(lower, _mm512_loadu_si512(keys.lane)),
                                            _mm512_mullo_epi64(upper, _mm512_loadu_si512(keys.lane + 8)));
  Tally tally{.checksum = total(checksum),
              .spikes = total(widened(spikes)),
              .events = total(widened(events)),
              .reached = total(reached)};
  if (lead != 0) tally += reference::tally_small(counts, keys, fan_out, lead);
  return tally;
}

void add_events(const Band& band, std::int32_t* sums) {
  add_events<Dot>(band, sums);
}
void add_dense(const Band& band, std::int32_t* sums) {
  add_dense<Dot>(band, sums);
}

}  // namespace syn::snn::kernels::vnni
HWY_POP_ATTRIBUTES
#endif
