#include "snn/kernels/vnni.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <hwy/base.h>

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

// The signed 32-bit lanes, pairs of them added in 64 bits. (Zeroing forms: GCC 12 warns of its own header's others.)
HWY_INLINE __m512i widened(__m512i sum) {
  const __m512i upper = _mm512_maskz_srai_epi64(0xff, sum, 32);
  const __m512i lower = _mm512_maskz_srai_epi64(0xff, _mm512_maskz_slli_epi64(0xff, sum, 32), 32);
  return _mm512_add_epi64(upper, lower);
}
HWY_INLINE std::uint64_t total(__m512i sum) {
  alignas(64) std::uint64_t lanes[8];
  _mm512_store_si512(lanes, sum);
  std::uint64_t all = 0;
  for (const std::uint64_t lane : lanes) all += lane;
  return all;
}
HWY_INLINE __m512i shifted(__m512i x, unsigned bits) { return _mm512_maskz_slli_epi64(0xff, x, bits); }

// What a block's counts have summed up to.
struct Sums {
  __m512i limb[4], spikes, events, reached;
};
HWY_INLINE void add_counts(Sums& to, __m512i count, const __m512i (&limbs)[4], __m512i fan_out) {
  const __m512i one = _mm512_set1_epi16(1);
  const __m512i fires = _mm512_min_epu16(count, one);
  for (std::size_t j = 0; j < 4; ++j) to.limb[j] = _mm512_dpwssd_epi32(to.limb[j], count, limbs[j]);
  to.spikes = _mm512_dpwssd_epi32(to.spikes, count, one);
  to.events = _mm512_dpwssd_epi32(to.events, fires, one);
  to.reached = _mm512_dpwssd_epi32(to.reached, fires, fan_out);
}

}  // namespace

Tally tally_small(const Count* counts, const Limbs& limbs, const std::uint16_t* fan_out, std::size_t n) {
  constexpr std::size_t kLanes = 32;
  const __m512i none = _mm512_setzero_si512();
  __m512i checksum = none, spikes = none, events = none, reached = none;
  for (std::size_t i = 0; i < n;) {
    const std::size_t at = limbs.first + i, room = kTallied - at % kTallied, end = n - i < room ? n : i + room;
    const std::int16_t* limb = limbs.limbs + at % limbs.period;
    const std::uint64_t block = limbs.block ? limbs.block[at / kTallied] : 1;
    Sums sums{{none, none, none, none}, none, none, none};
    for (; i + kLanes <= end; i += kLanes, limb += kLanes) {
      const __m512i digits[4] = {_mm512_loadu_si512(limb), _mm512_loadu_si512(limb + limbs.stride),
                                 _mm512_loadu_si512(limb + 2 * limbs.stride),
                                 _mm512_loadu_si512(limb + 3 * limbs.stride)};
      add_counts(sums, _mm512_loadu_si512(counts + i), digits, _mm512_loadu_si512(fan_out + i));
    }
    if (i < end) {  // apart from the rest: loads under a mask take twice the time
      const __mmask32 left = (__mmask32{1} << (end - i)) - 1;
      __m512i digits[4];
      for (std::size_t j = 0; j < 4; ++j) digits[j] = _mm512_maskz_loadu_epi16(left, limb + j * limbs.stride);
      add_counts(sums, _mm512_maskz_loadu_epi16(left, counts + i), digits, _mm512_maskz_loadu_epi16(left, fan_out + i));
      i = end;
    }
    __m512i sum = widened(sums.limb[0]);
    for (unsigned j = 1; j < 4; ++j) sum = _mm512_add_epi64(sum, shifted(widened(sums.limb[j]), 16 * j));
    checksum =
        _mm512_add_epi64(checksum, _mm512_mullo_epi64(sum, _mm512_set1_epi64(static_cast<long long>(block))));
    spikes = _mm512_add_epi64(spikes, widened(sums.spikes));
    events = _mm512_add_epi64(events, widened(sums.events));
    reached = _mm512_add_epi64(reached, widened(sums.reached));
  }
  return {.checksum = total(checksum), .spikes = total(spikes), .events = total(events), .reached = total(reached)};
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
