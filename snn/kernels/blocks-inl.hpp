// Bytes of two vectors side by side, multiplied and added in pairs. A vector of either makes two vectors of 16-bit
// sums, whose blocks of 128 bits are those of InterleaveLower and InterleaveUpper: the functions below bring them into
// order, or what they meet into theirs. No guard: kernels.cpp includes it in each namespace that is compiled for an
// instruction set.

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

// Of two vectors: of 128 bits, the first or the second (kUpper); of 256, their lower or their upper halves; of 512,
// four blocks of a and b, counted through.
template <bool kUpper, int kA, int kB, int kC, int kD, class D>
HWY_INLINE hn::Vec<D> blocks_of(D d, hn::Vec<D> a, hn::Vec<D> b) {
  constexpr std::size_t kBytes = sizeof(hn::Vec<D>);
#if HWY_TARGET == HWY_AVX3
  if constexpr (kBytes == 64) {
    const __m512i order =
        _mm512_set_epi64(2 * kD + 1, 2 * kD, 2 * kC + 1, 2 * kC, 2 * kB + 1, 2 * kB, 2 * kA + 1, 2 * kA);
    return hn::Vec<D>{_mm512_permutex2var_epi64(a.raw, order, b.raw)};
  }
#endif
  if constexpr (kBytes == 32) return kUpper ? hn::ConcatUpperUpper(d, b, a) : hn::ConcatLowerLower(d, b, a);
  return kUpper ? b : a;
}
// Blocks 0, 2, .. of what lies in order, and 1, 3, ..: what weights are for InterleaveLower and -Upper.
template <class D>
HWY_INLINE hn::Vec<D> even_blocks(D d, hn::Vec<D> a, hn::Vec<D> b) {
  return blocks_of<false, 0, 2, 4, 6>(d, a, b);
}
template <class D>
HWY_INLINE hn::Vec<D> odd_blocks(D d, hn::Vec<D> a, hn::Vec<D> b) {
  return blocks_of<true, 1, 3, 5, 7>(d, a, b);
}
// The lower half of the sums in order, and the upper one.
template <class D>
HWY_INLINE hn::Vec<D> lower_in_order(D d, hn::Vec<D> low, hn::Vec<D> high) {
  return blocks_of<false, 0, 4, 1, 5>(d, low, high);
}
template <class D>
HWY_INLINE hn::Vec<D> upper_in_order(D d, hn::Vec<D> low, hn::Vec<D> high) {
  return blocks_of<true, 2, 6, 3, 7>(d, low, high);
}
