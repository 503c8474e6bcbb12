// Eight doubles side by side, in as many vector registers as this instruction set needs. Included once per set, as
// loops.inl is; first of the three.

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::CappedTag<double, 8>;
inline constexpr std::size_t kLanes = HWY_MIN(HWY_LANES(double), 8);
inline constexpr std::size_t kParts = 8 / kLanes;

struct Eight {
  hn::Vec<Doubles> part[kParts];
  HWY_INLINE Eight() {}  // an implicit one would not be compiled for this instruction set (NEON's vectors construct)
};

HWY_INLINE Eight all(double x) {
  Eight r;
  for (std::size_t i = 0; i < kParts; ++i) r.part[i] = hn::Set(Doubles(), x);
  return r;
}
HWY_INLINE Eight load(const double* x) {
  Eight r;
  for (std::size_t i = 0; i < kParts; ++i) r.part[i] = hn::LoadU(Doubles(), x + i * kLanes);
  return r;
}
HWY_INLINE Eight load(const float* x) {
  Eight r;
  const hn::Rebind<float, Doubles> floats;
  for (std::size_t i = 0; i < kParts; ++i) r.part[i] = hn::PromoteTo(Doubles(), hn::LoadU(floats, x + i * kLanes));
  return r;
}
HWY_INLINE void store(Eight x, double* to) {
  for (std::size_t i = 0; i < kParts; ++i) hn::StoreU(x.part[i], Doubles(), to + i * kLanes);
}
HWY_INLINE Eight add(Eight a, Eight b) {
  for (std::size_t i = 0; i < kParts; ++i) a.part[i] = hn::Add(a.part[i], b.part[i]);
  return a;
}
HWY_INLINE Eight sub(Eight a, Eight b) {
  for (std::size_t i = 0; i < kParts; ++i) a.part[i] = hn::Sub(a.part[i], b.part[i]);
  return a;
}
HWY_INLINE Eight mul(Eight a, Eight b) {
  for (std::size_t i = 0; i < kParts; ++i) a.part[i] = hn::Mul(a.part[i], b.part[i]);
  return a;
}
// The union of their bits.
HWY_INLINE Eight bits_of_both(Eight a, Eight b) {
  for (std::size_t i = 0; i < kParts; ++i) a.part[i] = hn::Or(a.part[i], b.part[i]);
  return a;
}
template <class D, class M>
HWY_INLINE unsigned bits_of(D d, M mask) {
  std::uint8_t bytes[8] = {};
  hn::StoreMaskBits(d, mask, bytes);
  if constexpr (HWY_MAX_BYTES / sizeof(hn::TFromD<D>) <= 8) return bytes[0];
  std::uint16_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  return bits;
}
// Bit i: a[i] > b[i].
HWY_INLINE unsigned above(Eight a, Eight b) {
  unsigned bits = 0;
  for (std::size_t i = 0; i < kParts; ++i)
    bits |= bits_of(Doubles(), hn::Gt(a.part[i], b.part[i])) << (i * kLanes);
  return bits;
}
HWY_INLINE bool any_bit_but_signs(Eight x) {
  for (std::size_t i = 0; i < kParts; ++i) {
    const hn::RebindToUnsigned<Doubles> words;
    const auto magnitude = hn::BitCast(words, hn::Abs(x.part[i]));
    if (!hn::AllFalse(words, hn::Ne(magnitude, hn::Zero(words)))) return true;
  }
  return false;
}
