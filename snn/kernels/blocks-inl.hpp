// Bytes of two vectors side by side, multiplied and added in pairs. A vector of either makes two vectors of 16-bit sums, whose
// blocks of 128 bits are those of InterleaveLower and InterleaveUpper: the functions below bring them into order, or what
// they meet into theirs. No guard: kernels.cpp includes it in each namespace that is compiled for an instruction set.

// Products of bytes that lie side by side, added in 16 bits.
#if HWY_ARCH_X86
HWY_INLINE hn::Vec128<std::int16_t> pairs(hn::Vec128<std::uint8_t> counts, hn::Vec128<std::int8_t> weights) {
  return hn::Vec128<std::int16_t>{_mm_maddubs_epi16(counts.raw, weights.raw)};
}
#if HWY_TARGET <= HWY_AVX2
HWY_INLINE hn::Vec256<std::int16_t> pairs(hn::Vec256<std::uint8_t> counts, hn::Vec256<std::int8_t> weights) {
  return hn::Vec256<std::int16_t>{_mm256_maddubs_epi16(counts.raw, weights.raw)};
}
#endif
#if HWY_TARGET == HWY_AVX3
HWY_INLINE hn::Vec512<std::int16_t> pairs(hn::Vec512<std::uint8_t> counts, hn::Vec512<std::int8_t> weights) {
  return hn::Vec512<std::int16_t>{_mm512_maddubs_epi16(counts.raw, weights.raw)};
}
#endif
#else
template <class VU8, class VI8>
HWY_INLINE hn::Vec<I16> pairs(VU8 counts, VI8 weights) {
  const I16 d;
  const auto both = hn::BitCast(d, counts), of_both = hn::BitCast(d, weights);
  const auto first = hn::Mul(hn::And(both, hn::Set(d, 0xff)), hn::ShiftRight<8>(hn::ShiftLeft<8>(of_both)));
  const auto second = hn::BitCast(d, hn::ShiftRight<8>(hn::BitCast(U16(), counts)));
  return hn::Add(first, hn::Mul(second, hn::ShiftRight<8>(of_both)));
}
#endif

// Blocks 0, 2, .. of two vectors, and 1, 3, ..: what weights that lie in order are for InterleaveLower and -Upper.
template <class D>
HWY_INLINE hn::Vec<D> even_blocks(D d, hn::Vec<D> a, hn::Vec<D> b) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (hn::MaxLanes(d) * sizeof(hn::TFromD<D>) == 64) {
    return hn::Vec<D>{_mm512_maskz_shuffle_i64x2(0xff, a.raw, b.raw, 0x88)};
  } else
#endif
    return hn::MaxLanes(d) * sizeof(hn::TFromD<D>) == 16 ? a : hn::ConcatLowerLower(d, b, a);
}
template <class D>
HWY_INLINE hn::Vec<D> odd_blocks(D d, hn::Vec<D> a, hn::Vec<D> b) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (hn::MaxLanes(d) * sizeof(hn::TFromD<D>) == 64) {
    return hn::Vec<D>{_mm512_maskz_shuffle_i64x2(0xff, a.raw, b.raw, 0xdd)};
  } else
#endif
    return hn::MaxLanes(d) * sizeof(hn::TFromD<D>) == 16 ? b : hn::ConcatUpperUpper(d, b, a);
}
// The lower half of the sums in the channels' order, and the upper one.
template <class D>
HWY_INLINE hn::Vec<D> lower_in_order(D d, hn::Vec<D> low, hn::Vec<D> high) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (hn::MaxLanes(d) * sizeof(hn::TFromD<D>) == 64) {
    return hn::Vec<D>{_mm512_permutex2var_epi64(low.raw, _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0), high.raw)};
  } else
#endif
    return hn::MaxLanes(d) * sizeof(hn::TFromD<D>) == 16 ? low : hn::ConcatLowerLower(d, high, low);
}
template <class D>
HWY_INLINE hn::Vec<D> upper_in_order(D d, hn::Vec<D> low, hn::Vec<D> high) {
#if HWY_TARGET == HWY_AVX3
  if constexpr (hn::MaxLanes(d) * sizeof(hn::TFromD<D>) == 64) {
    return hn::Vec<D>{_mm512_permutex2var_epi64(low.raw, _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4), high.raw)};
  } else
#endif
    return hn::MaxLanes(d) * sizeof(hn::TFromD<D>) == 16 ? high : hn::ConcatUpperUpper(d, high, low);
}
