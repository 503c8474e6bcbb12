// How counts become words, and which of them are not zero. No guard: kernels.cpp includes it in each namespace that is
// compiled for an instruction set.

#if HWY_ARCH_X86
// Two vectors of counts as one of bytes, and which of its words, and bytes, are not zero: bits.
struct Narrowed {
  unsigned words;
  std::uint64_t bytes;
};
HWY_INLINE Narrowed narrow_two(hn::Vec<I16> a, hn::Vec<I16> b, std::uint8_t* bytes) {
#if HWY_TARGET == HWY_AVX3
  const __m512i order = _mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0);
  const __m512i narrowed = _mm512_permutexvar_epi64(order, _mm512_packus_epi16(a.raw, b.raw));
  _mm512_storeu_si512(bytes, narrowed);
  return {_mm512_test_epi32_mask(narrowed, narrowed), _mm512_test_epi8_mask(narrowed, narrowed)};
#elif HWY_TARGET == HWY_AVX2
  const __m256i narrowed = _mm256_permute4x64_epi64(_mm256_packus_epi16(a.raw, b.raw), 0xd8);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes), narrowed);
  const __m256i none = _mm256_setzero_si256();
  const int words = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(narrowed, none)));
  return {0xffu ^ static_cast<unsigned>(words),
          ~static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(narrowed, none)))};
#else
  const __m128i narrowed = _mm_packus_epi16(a.raw, b.raw);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), narrowed);
  const __m128i none = _mm_setzero_si128();
  const int words = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(narrowed, none)));
  return {0xfu ^ static_cast<unsigned>(words),
          0xffffu ^ static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(narrowed, none)))};
#endif
}
#endif

Some narrow(const Count* counts, std::size_t n, std::uint8_t* bytes) {
  const I16 d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t words = 0, some = 0, i = 0;
#if HWY_ARCH_X86
  const auto load = [&](std::size_t at) HWY_ATTR { return hn::BitCast(d, hn::LoadU(U16(), counts + at)); };
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const Narrowed narrowed = narrow_two(load(i), load(i + lanes), bytes + i);
    words += static_cast<std::size_t>(__builtin_popcount(narrowed.words));
    some += static_cast<std::size_t>(__builtin_popcountll(narrowed.bytes));
  }
#endif
  const hn::Rebind<std::uint8_t, I16> d8;
  const hn::Repartition<std::uint32_t, decltype(d8)> d32;
  for (; i + lanes <= n; i += lanes) {
    const auto narrowed = hn::DemoteTo(d8, hn::BitCast(d, hn::LoadU(U16(), counts + i)));
    hn::StoreU(narrowed, d8, bytes + i);
    words += hn::CountTrue(d32, hn::Ne(hn::BitCast(d32, narrowed), hn::Zero(d32)));
    some += hn::CountTrue(d8, hn::Ne(narrowed, hn::Zero(d8)));
  }
  const Some rest = reference::narrow(counts + i, n - i, bytes + i);
  return {rest.words + static_cast<std::uint32_t>(words), rest.counts + static_cast<std::uint32_t>(some)};
}

template <class Part>
Some count_some(const std::uint32_t* words, std::size_t n) {
  const U32 d;
  const hn::Repartition<Part, U32> dp;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t some = 0, counts = 0, i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto word = hn::LoadU(d, words + i);
    some += hn::CountTrue(d, hn::Ne(word, hn::Zero(d)));
    counts += hn::CountTrue(dp, hn::Ne(hn::BitCast(dp, word), hn::Zero(dp)));
  }
  const Some rest = reference::count_some<Part>(words + i, n - i);
  return {rest.words + static_cast<std::uint32_t>(some), rest.counts + static_cast<std::uint32_t>(counts)};
}

// What is not zero of a vector of words. Returns how many there were.
HWY_INLINE std::size_t list_some(hn::Vec<U32> value, hn::Vec<U32> offset, std::uint32_t* values,
                                 std::uint32_t* offsets) {
  const U32 d;
  const auto some = hn::Ne(value, hn::Zero(d));
#if HWY_TARGET == HWY_AVX3
  // Compressed in a register: a compressing store is microcode on some machines. Half of it is stored where that is
  // enough: a store of 64 bytes straddles two cache lines nearly always, one of 32 half of the times.
  const hn::Half<U32> dh;
  const auto values_first = hn::Compress(value, some), offsets_first = hn::Compress(offset, some);
  const std::size_t n = hn::CountTrue(d, some), half = hn::Lanes(dh);
  hn::StoreU(hn::LowerHalf(dh, values_first), dh, values);
  hn::StoreU(hn::LowerHalf(dh, offsets_first), dh, offsets);
  if (n > half) {
    hn::StoreU(hn::UpperHalf(dh, values_first), dh, values + half);
    hn::StoreU(hn::UpperHalf(dh, offsets_first), dh, offsets + half);
  }
  return n;
#else
  // By tables of our own: GCC 12 copies the library's, a kilobyte, to the stack at every use.
#if HWY_TARGET == HWY_AVX2
  const auto bits = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(some.raw)));
  const __m256i order = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(kOrderOf8[bits].data())));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(values), _mm256_permutevar8x32_epi32(value.raw, order));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(offsets), _mm256_permutevar8x32_epi32(offset.raw, order));
#else
  const hn::Repartition<std::uint8_t, U32> d8;
  const std::size_t bits = hn::detail::BitsFromMask(some);
  const auto order = hn::Load(d8, kOrderOf4[bits].data());
  hn::StoreU(hn::BitCast(d, hn::TableLookupBytes(hn::BitCast(d8, value), order)), d, values);
  hn::StoreU(hn::BitCast(d, hn::TableLookupBytes(hn::BitCast(d8, offset), order)), d, offsets);
#endif
  return static_cast<std::size_t>(__builtin_popcount(static_cast<unsigned>(bits)));
#endif
}

// Words `at` .. of as many rows from `r` on as fill a vector, half of it or a quarter each.
template <bool kQuarters>
HWY_INLINE hn::Vec<U32> words_of_rows(std::span<const SourceRow> rows, std::size_t r, std::size_t at) {
  const U32 d;
  const hn::Half<U32> dh;
  if constexpr (kQuarters) {
    const hn::Half<hn::Half<U32>> dq;
    const auto quarter = [&](std::size_t q) HWY_ATTR {
      return r + q < rows.size() ? hn::LoadU(dq, rows[r + q].words + at) : hn::Zero(dq);
    };
    return hn::Combine(d, hn::Combine(dh, quarter(3), quarter(2)), hn::Combine(dh, quarter(1), quarter(0)));
  } else {
    const auto upper = r + 1 < rows.size() ? hn::LoadU(dh, rows[r + 1].words + at) : hn::Zero(dh);
    return hn::Combine(d, upper, hn::LoadU(dh, rows[r].words + at));
  }
}
// Pixels of less than a vector: several rows are listed at once.
constexpr std::size_t kSmallRows = 16;
template <bool kQuarters>
HWY_INLINE void list_small_pixels(std::span<const SourceRow> rows, std::size_t pixels, std::size_t words,
                                  std::uint32_t stride, std::uint32_t* values, std::uint32_t* offsets,
                                  std::uint32_t* starts) {
  const U32 d;
  constexpr std::size_t kRows = kQuarters ? 4 : 2;
  HWY_ALIGN std::uint32_t first_offsets[kSmallRows * hn::MaxLanes(d) / kRows];
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t i = 0; i < words; ++i)
      first_offsets[r * words + i] = rows[r].weights + stride * static_cast<std::uint32_t>(i);
  std::size_t n = 0;
  auto of_pixel = hn::Zero(d);
  const auto pixel_offset = hn::Set(d, stride * static_cast<std::uint32_t>(words));
  for (std::size_t pixel = 0; pixel < pixels; ++pixel, of_pixel = hn::Add(of_pixel, pixel_offset)) {
    starts[pixel] = static_cast<std::uint32_t>(n);
    for (std::size_t r = 0; r < rows.size(); r += kRows)
      n += list_some(words_of_rows<kQuarters>(rows, r, pixel * words),
                     hn::Add(hn::Load(d, first_offsets + r * words), of_pixel), values + n, offsets + n);
  }
  starts[pixels] = static_cast<std::uint32_t>(n);
}

void list_events(std::span<const SourceRow> rows, std::size_t pixels, std::size_t words, std::uint32_t stride,
                 std::uint32_t* values, std::uint32_t* offsets, std::uint32_t* starts) {
  const U32 d;
  const std::size_t lanes = hn::Lanes(d);
  if (rows.size() > 1 && rows.size() <= kSmallRows) {
    if (2 * words == lanes) return list_small_pixels<false>(rows, pixels, words, stride, values, offsets, starts);
    if (4 * words == lanes) return list_small_pixels<true>(rows, pixels, words, stride, values, offsets, starts);
  }
  const auto step = hn::Mul(hn::Iota(d, 0), hn::Set(d, stride));
  std::size_t n = 0, first = 0;
  for (std::size_t pixel = 0; pixel < pixels; ++pixel, first += words) {
    starts[pixel] = static_cast<std::uint32_t>(n);
    for (const SourceRow& row : rows) {
      for (std::size_t i = 0; i < words; i += lanes) {
        auto value = hn::LoadU(d, row.words + first + i);
        if (i + lanes > words) value = hn::IfThenElseZero(hn::FirstN(d, words - i), value);
        const auto offset = hn::Add(step, hn::Set(d, row.weights + stride * static_cast<std::uint32_t>(first + i)));
        n += list_some(value, offset, values + n, offsets + n);
      }
    }
  }
  starts[pixels] = static_cast<std::uint32_t>(n);
}
