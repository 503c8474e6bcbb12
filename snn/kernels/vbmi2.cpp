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
        } else {  // (GCC 12 warns of its own header's cast)
          __m256i lower;
          __builtin_memcpy(&lower, &some, sizeof lower);
          _mm256_storeu_si256(reinterpret_cast<__m256i*>(events + n), lower);
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

void list_singles(const CountRow* rows, std::size_t row_count, const CountPixels& pixels, const SingleList& list) {
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
