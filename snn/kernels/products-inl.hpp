// Products of channels that read one channel each. No guard: kernels.cpp includes it in each namespace that is compiled
// for an instruction set.

// What `lanes` sums from `at` on are with all taps added.
HWY_INLINE hn::Vec<I32> with_products(std::span<const Tap> taps, std::size_t at, const std::int32_t* sums) {
  const I32 d;
  const HalfU16 d16;
  auto sum = hn::LoadU(d, sums + at);
  for (const Tap& tap : taps)
    sum = hn::Add(sum, hn::Mul(hn::PromoteTo(d, hn::LoadU(d16, tap.counts + at)), hn::LoadU(d, tap.weights + at)));
  return sum;
}

void add_products(std::span<const Tap> taps, std::size_t n, std::int32_t* sums) {
  const I32 d;
  const std::size_t lanes = hn::Lanes(d);
  if (n < lanes) return reference::add_products(taps, n, sums);
  // The last vector may overlap the one before: it is taken from the sums as they were, so both store the same there.
  const auto last = with_products(taps, n - lanes, sums);
  for (std::size_t i = 0; i + lanes < n; i += lanes) hn::StoreU(with_products(taps, i, sums), d, sums + i);
  hn::StoreU(last, d, sums + n - lanes);
}

template <class D>
HWY_INLINE void add_lanes(D, hn::Vec<D> sum, const std::int32_t* from, std::int32_t* sums) {
  const hn::RepartitionToWide<D> d32;
  const hn::Half<D> dh;
  const std::size_t half = hn::Lanes(d32);
  hn::StoreU(hn::Add(hn::LoadU(d32, from), hn::PromoteTo(d32, hn::LowerHalf(dh, sum))), d32, sums);
  hn::StoreU(hn::Add(hn::LoadU(d32, from + half), hn::PromoteTo(d32, hn::UpperHalf(dh, sum))), d32, sums + half);
}

// A few taps' products at i, i + step, .. as long as a vector fits below n. `i` is `at` modulo the period: their
// weights stay in registers, and so do the constants of neurons that fire.
template <bool kFires, class D, std::size_t... T>
HWY_INLINE void add_at(std::index_sequence<T...>, D d, const ShortTap* taps, std::size_t at, std::size_t i,
                       std::size_t step, std::size_t n, const std::int32_t* from, std::int32_t* sums,
                       const Firing* firing) {
  const hn::RebindToUnsigned<D> du;
  const std::size_t lanes = hn::Lanes(d);
  const hn::Vec<D> weights[] = {hn::LoadU(d, taps[T].weights + at)...};
  const Count* const counts[] = {taps[T].counts...};
  const auto sum_at = [&](std::size_t from_tap) HWY_ATTR {
    auto sum = hn::Zero(d);
    ((sum = hn::Add(sum, hn::Mul(hn::BitCast(d, hn::LoadU(du, counts[T] + from_tap)), weights[T]))), ...);
    return sum;
  };
  if constexpr (kFires) {
    const SmallVolley& volley = firing->volley;
    const std::size_t half = lanes / 2;
    const auto reciprocal_low = Neurons::load(volley.reciprocal + at), half_low = Neurons::load(volley.half + at),
               reciprocal_high = Neurons::load(volley.reciprocal + at + half),
               half_high = Neurons::load(volley.half + at + half);
    const I32 d32;
    const hn::Half<D> dh;
    for (; i + lanes <= n; i += step) {
      const auto sum = sum_at(i);
      const auto low = hn::Add(hn::LoadU(d32, from + i), hn::PromoteTo(d32, hn::LowerHalf(dh, sum)));
      const auto high = hn::Add(hn::LoadU(d32, from + i + half), hn::PromoteTo(d32, hn::UpperHalf(dh, sum)));
      Neurons::store(Neurons::counts(low, reciprocal_low, half_low, volley.ceiling),
                     Neurons::counts(high, reciprocal_high, half_high, volley.ceiling), firing->out + i);
    }
  } else {
    for (; i + lanes <= n; i += step) add_lanes(d, sum_at(i), from + i, sums + i);
  }
}

// Whole vectors from `begin` on; what is left then. Vectors meet the same weights again after `turns` of them, or as
// many as there are.
template <std::size_t kTaps, bool kFires = false, class D>
HWY_INLINE std::size_t add_vectors(D d, std::size_t begin, const ShortTap* taps, std::size_t n, std::size_t period,
                                   const std::int32_t* from, std::int32_t* sums, const Firing* firing = nullptr) {
  const std::size_t lanes = hn::Lanes(d), vectors = (n - begin) / lanes;
  std::size_t turns = 1;
  while (turns < vectors && turns * lanes % period != 0) ++turns;
  for (std::size_t v = 0, at = begin % period; v < turns && v < vectors; ++v) {
    add_at<kFires>(Each<kTaps>(), d, taps, at, begin + v * lanes, turns * lanes, n, from, sums, firing);
    for (at += lanes; at >= period;) at -= period;
  }
  return begin + vectors * lanes;
}

template <std::size_t kTaps>
void add_some_taps(const ShortTap* taps, std::size_t n, std::size_t period, const std::int32_t* from,
                   std::int32_t* sums, const Firing* firing) {
  const I16 d16;
  if (firing && n % hn::Lanes(d16) == 0) {
    add_vectors<kTaps, true>(d16, 0, taps, n, period, from, sums, firing);
    return;
  }
  const hn::CappedTag<std::int16_t, kTapSlack> d;
  std::size_t i = add_vectors<kTaps>(d, 0, taps, n, period, from, sums);
  i = add_vectors<kTaps>(hn::CappedTag<std::int16_t, 16>(), i, taps, n, period, from, sums);
  i = add_vectors<kTaps>(hn::CappedTag<std::int16_t, 8>(), i, taps, n, period, from, sums);
  reference::add_short_products_from(i, {taps, kTaps}, n, period, from, sums);
  if (firing) fire_small_volley(firing->volley, sums, n, firing->out);
}

// At most kTaps at a time.
template <std::size_t kTaps>
HWY_INLINE void add_last_taps(std::span<const ShortTap> taps, std::size_t n, std::size_t period,
                              const std::int32_t* from, std::int32_t* sums, const Firing* firing) {
  if constexpr (kTaps == 0) {
    reference::add_short_products(taps, n, period, from, sums, firing);
  } else {
    if (taps.size() == kTaps) return add_some_taps<kTaps>(taps.data(), n, period, from, sums, firing);
    add_last_taps<kTaps - 1>(taps, n, period, from, sums, firing);
  }
}

void add_short_products(std::span<const ShortTap> taps, std::size_t n, std::size_t period, const std::int32_t* from,
                        std::int32_t* sums, const Firing* firing) {
  constexpr std::size_t kMost = 9;  // 3 x 3
  for (; taps.size() > kMost; taps = taps.subspan(kMost), from = sums)
    add_some_taps<kMost>(taps.data(), n, period, from, sums, nullptr);
  add_last_taps<kMost>(taps, n, period, from, sums, firing);
}
