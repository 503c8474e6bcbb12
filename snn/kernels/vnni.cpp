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
  static constexpr std::size_t kRegisters = 24;
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
  static HWY_INLINE void store(const Sum& from, std::int32_t* sums) {
    _mm512_storeu_si512(sums, _mm512_add_epi32(_mm512_loadu_si512(sums), from));
  }
};

#include "snn/kernels/bands-inl.hpp"

// The signed 32-bit lanes of `sum`, in 64 bits. (Through memory: GCC 12 warns of its own header's reductions.)
HWY_INLINE std::uint64_t total(__m512i sum) {
  alignas(64) std::int32_t lanes[16];
  _mm512_store_si512(lanes, sum);
  std::int64_t all = 0;
  for (const std::int32_t lane : lanes) all += lane;
  return static_cast<std::uint64_t>(all);
}

// A lane of 32 bits takes in so many pairs of products of kSmallCount and 2^15.
constexpr std::size_t kPairs = 127;

}  // namespace

Tally tally_small(const Count* counts, const Limbs& limbs, const std::uint16_t* fan_out, std::size_t n) {
  constexpr std::size_t kLanes = 32;
  const __m512i one = _mm512_set1_epi16(1);
  Tally tally;
  for (std::size_t i = 0; i < n;) {
    const std::size_t end = n - i < kPairs * kLanes ? n : i + kPairs * kLanes;
    __m512i limb[4] = {}, spikes = _mm512_setzero_si512(), reached = _mm512_setzero_si512();
    for (; i < end; i += kLanes) {
      const __mmask32 inside = end - i < kLanes ? (__mmask32{1} << (end - i)) - 1 : ~__mmask32{0};
      const __m512i count = _mm512_maskz_loadu_epi16(inside, counts + i);
      for (std::size_t j = 0; j < 4; ++j)
        limb[j] = _mm512_dpwssd_epi32(limb[j], count, _mm512_maskz_loadu_epi16(inside, limbs.limbs + j * limbs.stride + i));
      spikes = _mm512_dpwssd_epi32(spikes, count, one);
      const __mmask32 fires = _mm512_test_epi16_mask(count, count);
      reached = _mm512_dpwssd_epi32(reached, _mm512_maskz_loadu_epi16(fires, fan_out + i), one);
      tally.events += static_cast<std::uint64_t>(__builtin_popcount(fires));
    }
    for (std::size_t j = 0; j < 4; ++j) tally.checksum += total(limb[j]) << (16 * j);
    tally.spikes += total(spikes);
    tally.reached += total(reached);
  }
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
