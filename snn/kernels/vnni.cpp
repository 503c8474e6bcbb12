#include "snn/kernels/vnni.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <hwy/base.h>

// Only what stands between push and pop is compiled for the instruction set: nothing inline of other headers, which
// the linker might hand to a machine without it.
HWY_PUSH_ATTRIBUTES("fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
namespace syn::snn::kernels::vnni {
namespace {

// firing-inl.hpp has them in Highway's words. (Zeroing forms: GCC 12 warns of its own header's others.)
struct Neurons {
  static constexpr __mmask16 kAll = 0xffff;
  using Ints = __m512i;
  static HWY_INLINE Ints counts(const SmallVolley& volley, std::size_t at, Ints sums) {
    const __m512 estimate = _mm512_fmadd_ps(_mm512_maskz_cvtepi32_ps(kAll, sums),
                                            _mm512_loadu_ps(volley.reciprocal + at), _mm512_loadu_ps(volley.half + at));
    return _mm512_maskz_cvttps_epi32(kAll, _mm512_maskz_min_ps(kAll, estimate, _mm512_set1_ps(volley.ceiling)));
  }
  static HWY_INLINE __m512i narrowed(Ints a, Ints b) {
    const __m512i order = _mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0);
    return _mm512_maskz_permutexvar_epi64(0xff, order, _mm512_packus_epi32(a, b));
  }
  static HWY_INLINE void fire(const SmallVolley& volley, std::size_t at, Ints a, Count* out) {
    const __m512i counted = counts(volley, at, a);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                        _mm512_maskz_extracti64x4_epi64(0xf, narrowed(counted, counted), 0));
  }
  static HWY_INLINE void fire(const SmallVolley& volley, std::size_t at, Ints a, Ints b, Count* out) {
    _mm512_storeu_si512(out, narrowed(counts(volley, at, a), counts(volley, at + 16, b)));
  }
  static HWY_INLINE __m256i half_of(const std::uint16_t* constants) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(constants));
  }
  static HWY_INLINE Ints load(const std::int32_t* sums) { return _mm512_loadu_si512(sums); }
  static HWY_INLINE void keep(Ints sums, std::int32_t* to) { _mm512_storeu_si512(to, sums); }
  static HWY_INLINE void fire(const ShortVolley& volley, std::size_t at, Ints a, Count* out) {
    const __m256i packed = _mm512_maskz_extracti64x4_epi64(0xf, narrowed(a, a), 0);
    const __m256i product = _mm256_mulhi_epu16(packed, half_of(volley.multiplier + at));
    const __m256i quotient = _mm256_mulhi_epu16(product, half_of(volley.power + at));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                        _mm256_min_epu16(quotient, _mm256_set1_epi16(static_cast<short>(volley.ceiling))));
  }
  static HWY_INLINE void fire(const ShortVolley& volley, std::size_t at, Ints a, Ints b, Count* out) {
    const __m512i product = _mm512_mulhi_epu16(narrowed(a, b), _mm512_loadu_si512(volley.multiplier + at));
    const __m512i quotient = _mm512_mulhi_epu16(product, _mm512_loadu_si512(volley.power + at));
    _mm512_storeu_si512(out, _mm512_min_epu16(quotient, _mm512_set1_epi16(static_cast<short>(volley.ceiling))));
  }
};

struct Dot {
  static constexpr bool kHasTails = true;
  static constexpr bool kBounded = false;
  static constexpr std::size_t kChains = 4;  // the instruction takes 4 to 5 cycles, and two can start in each
  static constexpr std::size_t kRegisters = 24, kMostEvents = 8, kScattered = 0;
  static constexpr std::size_t kSumRegisters = 1;
  using Fires = Neurons;
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
  static HWY_INLINE __m512i total(const Sum& sum, const std::int32_t*) { return sum; }
  static HWY_INLINE Word two(const std::byte* counts) {
    long long words = 0;
    std::memcpy(&words, counts, 8);
    return _mm512_set1_epi64(words);
  }
  // Both words' lanes of each output.
  static HWY_INLINE __m256i tail_of(const Sum& sum, const std::int32_t* from) {
    const __m512i both = _mm512_add_epi32(sum, _mm512_maskz_srli_epi64(0xff, sum, 32));
    return _mm256_add_epi32(_mm512_maskz_cvtepi64_epi32(0xff, both),
                            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static HWY_INLINE void keep_tail(const Sum& sum, const std::int32_t* from, std::int32_t* sums) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums), tail_of(sum, from));
  }
  static HWY_INLINE __m128i narrowed(__m256i counts) {
    return _mm256_castsi256_si128(_mm256_permute4x64_epi64(_mm256_packus_epi32(counts, counts), 0x08));
  }
  static HWY_INLINE void fire_tail(const Sum& sum, const std::int32_t* from, const SmallVolley& volley, std::size_t at,
                                   Count* out) {
    const __m256 estimate = _mm256_fmadd_ps(_mm256_cvtepi32_ps(tail_of(sum, from)),
                                            _mm256_loadu_ps(volley.reciprocal + at), _mm256_loadu_ps(volley.half + at));
    const __m256i count = _mm256_cvttps_epi32(_mm256_min_ps(estimate, _mm256_set1_ps(volley.ceiling)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), narrowed(count));
  }
  static HWY_INLINE void fire_tail(const Sum& sum, const std::int32_t* from, const ShortVolley& volley, std::size_t at,
                                   Count* out) {
    const auto* const multiplier = reinterpret_cast<const __m128i*>(volley.multiplier + at);
    const auto* const power = reinterpret_cast<const __m128i*>(volley.power + at);
    const __m128i product = _mm_mulhi_epu16(narrowed(tail_of(sum, from)), _mm_loadu_si128(multiplier));
    const __m128i quotient = _mm_mulhi_epu16(product, _mm_loadu_si128(power));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                     _mm_min_epu16(quotient, _mm_set1_epi16(static_cast<short>(volley.ceiling))));
  }
};

#include "snn/kernels/bands-inl.hpp"

// As in counting-inl.hpp, but that products are added where they are made.
template <Spikes kSpikes>
HWY_INLINE __m512i spikes_of(__m512i counts) {
  if constexpr (kSpikes == Spikes::counts) return counts;
  const __m512i digits =
      _mm512_maskz_broadcast_i32x4(0xffff, _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  if constexpr (kSpikes == Spikes::digits_of_four) return _mm512_shuffle_epi8(digits, counts);
  const __m512i four = _mm512_set1_epi16(15);
  return _mm512_add_epi16(_mm512_shuffle_epi8(digits, _mm512_and_si512(counts, four)),
                          _mm512_shuffle_epi8(digits, _mm512_srli_epi16(counts, 4)));
}
struct Counted {
  __m512i key, reached, spikes, events;
};
template <Spikes kSpikes, bool kReaches>
HWY_INLINE void count_in(Counted& to, const Count* counts, const std::int16_t* digit, const std::uint16_t* fan_out) {
  const __m512i count = _mm512_loadu_si512(counts), fires = _mm512_min_epu16(count, _mm512_set1_epi16(1));
  to.key = _mm512_dpwssd_epi32(to.key, count, _mm512_loadu_si512(digit));
  if constexpr (kReaches) to.reached = _mm512_dpwssd_epi32(to.reached, fires, _mm512_loadu_si512(fan_out));
  to.spikes = _mm512_add_epi16(to.spikes, spikes_of<kSpikes>(count));
  to.events = _mm512_add_epi16(to.events, fires);
}
HWY_INLINE __m512i widened(__m512i lanes) {
  const __m512i lower = _mm512_and_si512(lanes, _mm512_set1_epi64(0xffffffff));
  return _mm512_add_epi64(lower, _mm512_maskz_srli_epi64(0xff, lanes, 32));
}
HWY_INLINE std::uint64_t total(__m512i lanes) {
  alignas(64) std::uint64_t lane[8];
  _mm512_store_si512(lane, lanes);
  return lane[0] + lane[1] + lane[2] + lane[3] + lane[4] + lane[5] + lane[6] + lane[7];
}
template <Spikes kSpikes, bool kReaches>
void tally_turns(const Count* counts, const PlaceKeys& keys, const std::uint16_t* fan_out, std::size_t n,
                 Tally& tally) {
  const __m512i one = _mm512_set1_epi16(1), zero = _mm512_setzero_si512();
  __m512i spikes = zero, events = zero, reached = zero;
  for (std::size_t i = 0; i < n;) {
    const std::size_t at = keys.first + i, room = kTallied - at % kTallied, end = n - i < room ? n : i + room;
    const std::int16_t* digit = keys.digit + at % kTallied;
    // Two by turns: the next product waits for the one before.
    Counted counted{zero, zero, zero, zero}, others = counted;
    for (; i + 2 * kTallyTurn <= end; i += 2 * kTallyTurn, digit += 2 * kTallyTurn) {
      count_in<kSpikes, kReaches>(counted, counts + i, digit, kReaches ? fan_out + i : nullptr);
      count_in<kSpikes, kReaches>(others, counts + i + kTallyTurn, digit + kTallyTurn,
                                  kReaches ? fan_out + i + kTallyTurn : nullptr);
    }
    if (i != end) {
      count_in<kSpikes, kReaches>(counted, counts + i, digit, kReaches ? fan_out + i : nullptr);
      i = end;
    }
    alignas(64) std::int32_t lane[kTallyLanes];
    _mm512_store_si512(lane, _mm512_add_epi32(counted.key, others.key));
    std::uint64_t sum = 0;
    for (std::size_t l = 0; l < kTallyLanes; ++l) sum += static_cast<std::uint64_t>(lane[l]) * keys.lane[l];
    tally.checksum += sum * keys.block[at / kTallied];
    spikes = _mm512_dpwssd_epi32(spikes, _mm512_add_epi16(counted.spikes, others.spikes), one);
    events = _mm512_dpwssd_epi32(events, _mm512_add_epi16(counted.events, others.events), one);
    reached = _mm512_add_epi64(reached, _mm512_add_epi64(widened(counted.reached), widened(others.reached)));
  }
  tally.spikes += total(widened(spikes));
  tally.events += total(widened(events));
  tally.reached += total(reached);
}

}  // namespace

void tally_turns(const Count* counts, const PlaceKeys& keys, const std::uint16_t* fan_out, Spikes spikes, std::size_t n,
                 Tally& tally) {
  if (spikes == Spikes::counts) {
    fan_out ? tally_turns<Spikes::counts, true>(counts, keys, fan_out, n, tally)
            : tally_turns<Spikes::counts, false>(counts, keys, nullptr, n, tally);
  } else if (spikes == Spikes::digits) {
    fan_out ? tally_turns<Spikes::digits, true>(counts, keys, fan_out, n, tally)
            : tally_turns<Spikes::digits, false>(counts, keys, nullptr, n, tally);
  } else {
    fan_out ? tally_turns<Spikes::digits_of_four, true>(counts, keys, fan_out, n, tally)
            : tally_turns<Spikes::digits_of_four, false>(counts, keys, nullptr, n, tally);
  }
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
