#include "snn/kernels/vbmi2.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#include <hwy/base.h>

// As in vnni.cpp: nothing inline of other headers between push and pop.
HWY_PUSH_ATTRIBUTES("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi2,popcnt")
namespace syn::snn::kernels::vbmi2 {
namespace {

HWY_INLINE std::uint32_t sum_of(__m256i lanes) {
  const __m128i two = _mm_add_epi64(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_add_epi64(two, _mm_unpackhi_epi64(two, two))));
}

// (GCC 12 warns of its own header's cast.)
HWY_INLINE __m256i lower_half(const __m512i& lanes) {
  __m256i half;
  __builtin_memcpy(&half, &lanes, sizeof half);
  return half;
}

// 32 counts at a time: half of the list is stored where that is enough (listing-inl.hpp).
template <bool kValued>
HWY_INLINE void list_counts(const CountRow* rows, std::size_t row_count, const CountPixels& pixels,
                            const SingleList& list) {
  const __m512i lanes = _mm512_set_epi16(31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12,
                                         11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  // Nothing is read again behind a store that could have changed it.
  const std::size_t pixel_count = pixels.count, channels = pixels.channels, last = (channels - 1) / 32 * 32;
  const std::uint32_t of_last = ~std::uint32_t{0} >> (31 - (channels - 1) % 32);
  std::uint16_t* const events = list.events;
  std::uint8_t* const values = list.values;
  std::uint32_t* const starts = list.starts;
  std::uint32_t* const totals = list.totals;
  std::size_t n = 0;
  __m256i total = _mm256_setzero_si256();
  for (std::size_t pixel = 0; pixel < pixel_count; ++pixel) {
    starts[pixel] = static_cast<std::uint32_t>(n);
    if constexpr (kValued) totals[pixel] = sum_of(total);
    for (std::size_t r = 0; r < row_count; ++r) {
      const std::byte* const of_pixel = rows[r].counts + pixel * channels;
      __m512i first = _mm512_add_epi16(lanes, _mm512_set1_epi16(static_cast<short>(rows[r].first)));
      for (std::size_t c = 0; c < channels; c += 32) {
        const __m256i counts = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(of_pixel + c));
        const std::uint32_t bits =
            _cvtmask32_u32(_mm256_test_epi8_mask(counts, counts)) & (c == last ? of_last : ~std::uint32_t{0});
        const __m512i some = _mm512_maskz_compress_epi16(_cvtu32_mask32(bits), first);
        const auto some_count = static_cast<std::size_t>(__builtin_popcount(bits));
        if (some_count > 16) {
          _mm512_storeu_si512(events + n, some);
        } else {
          _mm256_storeu_si256(reinterpret_cast<__m256i*>(events + n), lower_half(some));
        }
        if constexpr (kValued) {
          const __m256i valued = _mm256_maskz_mov_epi8(_cvtu32_mask32(bits), counts);
          total = _mm256_add_epi64(total, _mm256_sad_epu8(valued, _mm256_setzero_si256()));
          _mm256_storeu_si256(reinterpret_cast<__m256i*>(values + n),
                              _mm256_maskz_compress_epi8(_cvtu32_mask32(bits), counts));
        }
        n += some_count;
        first = _mm512_add_epi16(first, _mm512_set1_epi16(32));
      }
    }
  }
  starts[pixel_count] = static_cast<std::uint32_t>(n);
  if constexpr (kValued) totals[pixel_count] = sum_of(total);
}

// 64 counts at a time, of pixels of whole kRun channels: two runs of them, whose numbers fit bytes.
constexpr std::size_t kRun = 32, kMostPairs = 4;
template <bool kValued>
HWY_INLINE void list_pairs(const CountRow* rows, std::size_t row_count, const CountPixels& pixels,
                           const SingleList& list) {
  const __m256i lanes = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                         22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
  // The runs of a pixel; an odd one is paired with itself, and masked.
  const std::byte* first[kMostPairs] = {};
  const std::byte* second[kMostPairs] = {};
  __m512i numbers[kMostPairs];
  std::uint64_t masks[kMostPairs];
  std::size_t runs = 0;
  for (std::size_t r = 0; r < row_count; ++r) {
    for (std::size_t c = 0; c < pixels.channels; c += kRun, ++runs) {
      const std::size_t pair = runs / 2;
      const __m256i own = _mm256_add_epi8(lanes, _mm256_set1_epi8(static_cast<char>(rows[r].first + c)));
      second[pair] = rows[r].counts + c;
      if (runs % 2 == 0) {
        first[pair] = second[pair];
        numbers[pair] = _mm512_maskz_broadcast_i64x4(0xff, own);
        masks[pair] = 0xffffffff;
      } else {
        numbers[pair] = _mm512_maskz_inserti64x4(0xff, numbers[pair], own, 1);
        masks[pair] = ~std::uint64_t{0};
      }
    }
  }
  const std::size_t pairs = (runs + 1) / 2, pixel_count = pixels.count, channels = pixels.channels;
  std::uint16_t* const events = list.events;
  std::uint8_t* const values = list.values;
  std::uint32_t* const starts = list.starts;
  std::uint32_t* const totals = list.totals;
  std::size_t n = 0;
  std::uint64_t total = 0;
  for (std::size_t pixel = 0, at = 0; pixel < pixel_count; ++pixel, at += channels) {
    starts[pixel] = static_cast<std::uint32_t>(n);
    if constexpr (kValued) totals[pixel] = static_cast<std::uint32_t>(total);
    for (std::size_t p = 0; p < pairs; ++p) {
      const __m256i lower = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(first[p] + at));
      const __m512i counts = _mm512_maskz_inserti64x4(
          0xff, _mm512_castsi256_si512(lower), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(second[p] + at)), 1);
      const std::uint64_t bits = _cvtmask64_u64(_mm512_test_epi8_mask(counts, counts)) & masks[p];
      const auto some = static_cast<std::size_t>(__builtin_popcountll(bits));
      const __m512i listed = _mm512_maskz_compress_epi8(_cvtu64_mask64(bits), numbers[p]);
      _mm512_storeu_si512(events + n, _mm512_maskz_cvtepu8_epi16(~__mmask32{0}, lower_half(listed)));
      if (some > kRun)
        _mm512_storeu_si512(events + n + kRun,
                            _mm512_maskz_cvtepu8_epi16(~__mmask32{0}, _mm512_maskz_extracti64x4_epi64(0xf, listed, 1)));
      if constexpr (kValued) {
        _mm512_storeu_si512(values + n, _mm512_maskz_compress_epi8(_cvtu64_mask64(bits), counts));
        const __m512i sums =
            _mm512_sad_epu8(_mm512_maskz_mov_epi8(_cvtu64_mask64(bits), counts), _mm512_setzero_si512());
        const __m256i half = _mm256_add_epi64(lower_half(sums), _mm512_maskz_extracti64x4_epi64(0xf, sums, 1));
        total += sum_of(half);
      }
      n += some;
    }
  }
  starts[pixel_count] = static_cast<std::uint32_t>(n);
  if constexpr (kValued) totals[pixel_count] = static_cast<std::uint32_t>(total);
}
HWY_INLINE bool are_pairs(const CountRow* rows, std::size_t row_count, std::size_t channels) {
  if (channels % kRun != 0 || row_count == 0 || row_count * channels > 2 * kRun * kMostPairs) return false;
  for (std::size_t r = 0; r < row_count; ++r)
    if (rows[r].first + channels > 256) return false;
  return true;
}

void list_singles(const CountRow* rows, std::size_t row_count, const CountPixels& pixels, const SingleList& list) {
  if (are_pairs(rows, row_count, pixels.channels)) {
    list.values ? list_pairs<true>(rows, row_count, pixels, list) : list_pairs<false>(rows, row_count, pixels, list);
    return;
  }
  list.values ? list_counts<true>(rows, row_count, pixels, list) : list_counts<false>(rows, row_count, pixels, list);
}

}  // namespace
}  // namespace syn::snn::kernels::vbmi2
HWY_POP_ATTRIBUTES

namespace syn::snn::kernels::vbmi2 {

void list_singles(std::span<const CountRow> rows, const CountPixels& pixels, const SingleList& list) {
  list_singles(rows.data(), rows.size(), pixels, list);
}

}  // namespace syn::snn::kernels::vbmi2
#endif
