// How sums become counts, over vectors of neurons. No guard: kernels.cpp includes it in each namespace that is compiled
// for an instruction set. (Leaky neurons: leaky.cpp.)

// q = floor(x / theta) for 0 <= x <= C * theta by an estimate that is at most 1 off, then put right with integers.
// The estimate x' * r' rounds four times (x to float, theta to float, the reciprocal, the product), each by at most
// 2^-24 of the value, which is at most C <= 32767: off by less than 32767 * 4.01 * 2^-24 < 0.01, so its truncation is q
// or, within 0.01 of a whole number, q - 1 or q + 1. x - (q + 1) theta does not overflow: (C + 1) theta < 2^31.
void fire_volley(const Volley& volley, const std::int32_t* sums, std::size_t n, Count* out) {
  const I32 d;
  const hn::Rebind<float, I32> df;
  const HalfU16 d16;
  const auto zero = hn::Zero(d), one = hn::Set(d, 1);
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto theta = hn::LoadU(d, volley.threshold + i);
    const auto x = hn::Min(hn::Max(hn::LoadU(d, sums + i), zero), hn::LoadU(d, volley.limit + i));
    auto q = hn::ConvertTo(d, hn::Mul(hn::ConvertTo(df, x), hn::LoadU(df, volley.reciprocal + i)));
    const auto remainder = hn::Sub(x, hn::Mul(q, theta));
    q = hn::IfThenElse(hn::Lt(remainder, theta), q, hn::Add(q, one));
    q = hn::IfThenElse(hn::Lt(remainder, zero), hn::Sub(q, one), q);
    hn::StoreU(hn::DemoteTo(d16, q), d16, out + i);
  }
  reference::fire_volley({volley.threshold + i, volley.limit + i, volley.reciprocal + i}, sums + i, n - i, out + i);
}

// Toward zero, for values whose magnitude is below 2^31. (Highway's own conversion mends what lies beyond.)
HWY_INLINE hn::Vec<I32> truncated(hn::Vec<hn::Rebind<float, I32>> x) {
#if HWY_TARGET == HWY_AVX3
  return hn::Vec<I32>{_mm512_cvttps_epi32(x.raw)};
#elif HWY_TARGET == HWY_AVX2
  return hn::Vec<I32>{_mm256_cvttps_epi32(x.raw)};
#elif HWY_TARGET == HWY_SSE4
  return hn::Vec<I32>{_mm_cvttps_epi32(x.raw)};
#else
  return hn::ConvertTo(I32(), x);
#endif
}

// How neurons fire, by vectors: what Lanes need to do it where sums are made.
struct Neurons {
  using Ints = hn::Vec<I32>;
  using Floats = hn::Vec<hn::Rebind<float, I32>>;
  static HWY_INLINE Floats load(const float* constants) { return hn::LoadU(hn::Rebind<float, I32>(), constants); }
  // floor(x / theta) = floor((x + 1/2) / theta) for whole x, and (x + 1/2) / theta is at least 1 / (2 theta) away from
  // a whole number. The estimate rounds five times (four where multiply and add are one), each by at most 2^-24 of a
  // value below C + 1: together less than 1 / (2 theta) while (C + 1) theta < 2^24 / 10, and kSmallVolley is below
  // that. Beyond C it is clamped, below 0 when it is stored.
  static HWY_INLINE Ints counts(Ints sums, Floats reciprocal, Floats half, float ceiling) {
    const hn::Rebind<float, I32> df;
    return truncated(hn::Min(hn::MulAdd(hn::ConvertTo(df, sums), reciprocal, half), hn::Set(df, ceiling)));
  }
  static HWY_INLINE Ints counts(const SmallVolley& volley, std::size_t at, Ints sums) {
    return counts(sums, load(volley.reciprocal + at), load(volley.half + at), volley.ceiling);
  }
  static HWY_INLINE Ints load(const std::int32_t* sums) { return hn::LoadU(I32(), sums); }
  static HWY_INLINE void keep(Ints sums, std::int32_t* to) { hn::StoreU(sums, I32(), to); }
  // Those whose constants begin with `at`'s.
  static HWY_INLINE void fire(const SmallVolley& volley, std::size_t at, Ints a, Count* out);
  static HWY_INLINE void fire(const SmallVolley& volley, std::size_t at, Ints a, Ints b, Count* out);
  static HWY_INLINE void fire(const ShortVolley& volley, std::size_t at, Ints a, Count* out);
  static HWY_INLINE void fire(const ShortVolley& volley, std::size_t at, Ints a, Ints b, Count* out);
};
// As 16 bits: what is negative becomes 0, what is greater than they hold the greatest.
HWY_INLINE hn::Vec<HalfU16> narrowed(hn::Vec<I32> a) {
  return hn::DemoteTo(HalfU16(), a);
}
HWY_INLINE hn::Vec<U16> narrowed(hn::Vec<I32> a, hn::Vec<I32> b) {
#if HWY_TARGET == HWY_AVX3
  const __m512i order = _mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0);
  return hn::Vec<U16>{_mm512_permutexvar_epi64(order, _mm512_packus_epi32(a.raw, b.raw))};
#elif HWY_TARGET == HWY_AVX2
  return hn::Vec<U16>{_mm256_permute4x64_epi64(_mm256_packus_epi32(a.raw, b.raw), 0xd8)};
#elif HWY_TARGET == HWY_SSE4
  return hn::Vec<U16>{_mm_packus_epi32(a.raw, b.raw)};
#else
  return hn::Combine(U16(), narrowed(b), narrowed(a));
#endif
}

template <class D>
HWY_INLINE void fire_short(D d, hn::Vec<D> x, const ShortVolley& volley, std::size_t at, Count* out) {
  const auto product = hn::MulHigh(x, hn::LoadU(d, volley.multiplier + at));
  hn::StoreU(hn::Min(hn::MulHigh(product, hn::LoadU(d, volley.power + at)), hn::Set(d, volley.ceiling)), d, out);
}
void Neurons::fire(const SmallVolley& volley, std::size_t at, Ints a, Count* out) {
  hn::StoreU(narrowed(counts(volley, at, a)), HalfU16(), out);
}
void Neurons::fire(const SmallVolley& volley, std::size_t at, Ints a, Ints b, Count* out) {
  hn::StoreU(narrowed(counts(volley, at, a), counts(volley, at + hn::Lanes(I32()), b)), U16(), out);
}
void Neurons::fire(const ShortVolley& volley, std::size_t at, Ints a, Count* out) {
  fire_short(HalfU16(), narrowed(a), volley, at, out);
}
void Neurons::fire(const ShortVolley& volley, std::size_t at, Ints a, Ints b, Count* out) {
  fire_short(U16(), narrowed(a, b), volley, at, out);
}
// Counts of neurons of a ShortVolley, whose constants are in the order of the sums.
template <class D>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> short_counts(D d, hn::Vec<D> sum, hn::Vec<D> start,
                                                         hn::Vec<hn::RebindToUnsigned<D>> multiplier,
                                                         hn::Vec<hn::RebindToUnsigned<D>> power, Count ceiling) {
  const hn::RebindToUnsigned<D> du;
  const auto x = hn::BitCast(du, hn::Max(hn::SaturatedAdd(sum, start), hn::Zero(d)));
  return hn::Min(hn::MulHigh(hn::MulHigh(x, multiplier), power), hn::Set(du, ceiling));
}
// Two vectors of neurons that begin alike at every position, from output `at` on: constants stay in registers.
template <class D>
struct AlikeNeurons {
  HWY_INLINE AlikeNeurons(D d, const ShortVolley& volley, std::size_t at)
      : start(hn::LoadU(d, volley.start + at)),
        upper_start(hn::LoadU(d, volley.start + at + hn::Lanes(d))),
        multiplier(hn::LoadU(Unsigned(), volley.multiplier + at)),
        upper_multiplier(hn::LoadU(Unsigned(), volley.multiplier + at + hn::Lanes(d))),
        power(hn::LoadU(Unsigned(), volley.power + at)),
        upper_power(hn::LoadU(Unsigned(), volley.power + at + hn::Lanes(d))),
        ceiling(volley.ceiling) {}
  HWY_INLINE void fire(D d, hn::Vec<D> lower, hn::Vec<D> upper, Count* out) const {
    hn::StoreU(short_counts(d, lower, start, multiplier, power, ceiling), Unsigned(), out);
    hn::StoreU(short_counts(d, upper, upper_start, upper_multiplier, upper_power, ceiling), Unsigned(),
               out + hn::Lanes(d));
  }
  using Unsigned = hn::RebindToUnsigned<D>;
  hn::Vec<D> start, upper_start;
  hn::Vec<Unsigned> multiplier, upper_multiplier, power, upper_power;
  Count ceiling;
};
// The same of sums of 16 bits, less what they begin with: volley.start, or `from`. D: of at most 16-bit lanes.
template <class D>
HWY_INLINE void fire_sums(D d, hn::Vec<D> sum, const std::int32_t* from, const ShortVolley& volley, std::size_t at,
                          Count* out) {
  if (volley.start) {
    const auto x = hn::Max(hn::SaturatedAdd(sum, hn::LoadU(d, volley.start + at)), hn::Zero(d));
    const hn::RebindToUnsigned<D> du;
    return fire_short(du, hn::BitCast(du, x), volley, at, out);
  }
  const std::size_t lanes = hn::Lanes(I32());
  const auto total = [](hn::Vec<hn::Rebind<std::int16_t, I32>> some, const std::int32_t* begin)
                         HWY_ATTR { return hn::Add(hn::LoadU(I32(), begin), hn::PromoteTo(I32(), some)); };
  if constexpr (hn::MaxLanes(d) == hn::MaxLanes(I32())) {
    Neurons::fire(volley, at, total(sum, from), out);
  } else {
    const hn::Half<D> dh;
    Neurons::fire(volley, at, total(hn::LowerHalf(dh, sum), from), total(hn::UpperHalf(dh, sum), from + lanes), out);
  }
}
// Two vectors of them. Those of a quarter of the widest are one of them together.
template <class D>
HWY_INLINE void fire_lanes(D d, hn::Vec<D> lower, hn::Vec<D> upper, const std::int32_t* from, const ShortVolley& volley,
                           std::size_t at, Count* out) {
  if constexpr (hn::MaxLanes(d) < hn::MaxLanes(I32())) {
    const hn::Twice<D> twice;
    fire_sums(twice, hn::Combine(twice, upper, lower), from, volley, at, out);
  } else {
    const std::size_t lanes = hn::Lanes(d);
    fire_sums(d, lower, from, volley, at, out);
    fire_sums(d, upper, from + lanes, volley, at + lanes, out + lanes);
  }
}

// kPairs pairs of vectors of channels, at every position: their constants stay in registers.
template <std::size_t kPairs>
HWY_INLINE void fire_small_channels(const SmallVolley& volley, const std::int32_t* sums, std::size_t n, std::size_t at,
                                    Count* out) {
  const std::size_t lanes = hn::Lanes(I32());
  Neurons::Floats reciprocal[2 * kPairs], half[2 * kPairs];
  for (std::size_t v = 0; v < 2 * kPairs; ++v) {
    reciprocal[v] = Neurons::load(volley.reciprocal + at + v * lanes);
    half[v] = Neurons::load(volley.half + at + v * lanes);
  }
  const auto counts = [&](std::size_t i, std::size_t v) HWY_ATTR {
    return Neurons::counts(hn::LoadU(I32(), sums + i + v * lanes), reciprocal[v], half[v], volley.ceiling);
  };
  for (std::size_t i = at; i < n; i += volley.period)
    for (std::size_t v = 0; v < 2 * kPairs; v += 2)
      hn::StoreU(narrowed(counts(i, v), counts(i, v + 1)), U16(), out + i + v * lanes);
}

void fire_small_volley(const SmallVolley& volley, const std::int32_t* sums, std::size_t n, Count* out) {
  const std::size_t lanes = hn::Lanes(I32());
  for (std::size_t times = 1; times <= 4; ++times) {  // 24 channels are no whole vectors of 16 in pairs; 4 times 24 are
    SmallVolley whole = volley;
    whole.period = times * volley.period;
    if (whole.period % (2 * lanes) != 0 || n % whole.period != 0) continue;
    std::size_t at = 0;
    for (; at + 4 * lanes <= whole.period; at += 4 * lanes) fire_small_channels<2>(whole, sums, n, at, out);
    for (; at < whole.period; at += 2 * lanes) fire_small_channels<1>(whole, sums, n, at, out);
    return;
  }
  const auto counts = [&](std::size_t i) HWY_ATTR {
    return Neurons::counts(hn::LoadU(I32(), sums + i), Neurons::load(volley.reciprocal + i),
                           Neurons::load(volley.half + i), volley.ceiling);
  };
  std::size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) hn::StoreU(narrowed(counts(i), counts(i + lanes)), U16(), out + i);
  reference::fire_small_volley({volley.reciprocal + i, volley.half + i, volley.ceiling, n - i}, sums + i, n - i,
                               out + i);
}

bool fire_step(const Step& step, const std::int32_t* sums, std::size_t n, std::int32_t* v, Count* out) {
  const I32 d;
  const HalfU16 d16;
  const auto low = hn::Set(d, step.v_min), high = hn::Set(d, step.v_max), one = hn::Set(d, 1);
  const std::size_t lanes = hn::Lanes(d);
  auto most = hn::Set(d, -1);  // 1 where a potential still reaches its threshold
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto theta = hn::LoadU(d, step.threshold + i);
    const auto potential = hn::Add(hn::LoadU(d, v + i), hn::LoadU(d, sums + i));
    const auto silent = hn::Lt(potential, theta);
    const auto after = hn::Sub(potential, hn::IfThenZeroElse(silent, theta));
    const auto clamped = hn::Min(hn::Max(after, low), high);
    most = hn::IfThenElse(hn::Lt(clamped, theta), most, one);
    hn::StoreU(clamped, d, v + i);
    hn::StoreU(hn::DemoteTo(d16, hn::IfThenZeroElse(silent, one)), d16, out + i);
  }
  const bool rest = reference::fire_step({step.threshold + i, step.v_min, step.v_max}, sums + i, n - i, v + i, out + i);
  return hn::AllTrue(d, hn::Lt(most, hn::Zero(d))) && rest;
}
