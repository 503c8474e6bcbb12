// Products of channels that read one channel each. No guard: kernels.cpp includes it in each namespace that is compiled
// for an instruction set.

// What `lanes` sums from `at` on are with all taps added.
HWY_INLINE hn::Vec<I32> with_products(std::span<const Tap> taps, std::size_t at, const std::int32_t* from) {
  const I32 d;
  const HalfU16 d16;
  auto sum = hn::LoadU(d, from + at);
  for (const Tap& tap : taps)
    sum = hn::Add(sum, hn::Mul(hn::PromoteTo(d, hn::LoadU(d16, tap.counts + at)), hn::LoadU(d, tap.weights + at)));
  return sum;
}

void add_products(std::span<const Tap> taps, std::size_t n, const std::int32_t* from, std::int32_t* sums) {
  const I32 d;
  const std::size_t lanes = hn::Lanes(d);
  if (n < lanes) return reference::add_products(taps, n, from, sums);
  // The last vector may overlap the one before: it is taken from the sums as they were, so both store the same there.
  const auto last = with_products(taps, n - lanes, from);
  for (std::size_t i = 0; i + lanes < n; i += lanes) hn::StoreU(with_products(taps, i, from), d, sums + i);
  hn::StoreU(last, d, sums + n - lanes);
}

// sums = from + the sums of 16 bits.
template <class D>
HWY_INLINE void keep_lanes(D, hn::Vec<D> sum, const std::int32_t* from, std::int32_t* sums) {
  const hn::RepartitionToWide<D> d32;
  const hn::Half<D> dh;
  const std::size_t half = hn::Lanes(d32);
  hn::StoreU(hn::Add(hn::LoadU(d32, from), hn::PromoteTo(d32, hn::LowerHalf(dh, sum))), d32, sums);
  hn::StoreU(hn::Add(hn::LoadU(d32, from + half), hn::PromoteTo(d32, hn::UpperHalf(dh, sum))), d32, sums + half);
}
// At i, i + turn, .. of every run, as long as a vector fits below n. `i` is `at` modulo the period: the weights stay in
// registers.
template <bool kFires, class D, std::size_t... P>
HWY_INLINE void add_at(std::index_sequence<P...>, D d, const ChannelRow& row, std::size_t at, std::size_t i,
                       std::size_t turn, const std::int32_t* from, std::int32_t* sums, const Firing* firing) {
  Count* const out = kFires ? firing->out : nullptr;
  const hn::RebindToSigned<D> di;
  const hn::RepartitionToWide<decltype(di)> d16;
  const std::size_t lanes = hn::Lanes(d), pair = 2 * (row.period + kPairSlack);
  const std::int8_t* weights = row.weights + 2 * at;
  const hn::Vec<decltype(di)> low_weights[] = {
      even_blocks(di, hn::LoadU(di, weights + P * pair), hn::LoadU(di, weights + P * pair + lanes))...};
  const hn::Vec<decltype(di)> high_weights[] = {
      odd_blocks(di, hn::LoadU(di, weights + P * pair), hn::LoadU(di, weights + P * pair + lanes))...};
  const std::uint8_t* const first[] = {row.taps[2 * P]...};
  const std::uint8_t* const second[] = {row.taps[2 * P + 1]...};
  const std::size_t n = row.n, runs = row.runs, step = row.step, pitch = row.pitch;
  const hn::RebindToUnsigned<decltype(d16)> du16;
  auto low_start = hn::Zero(d16), high_start = low_start;
  auto low_multiplier = hn::Zero(du16), high_multiplier = low_multiplier, low_power = low_multiplier,
       high_power = low_multiplier;
  Count ceiling = 0;
  if constexpr (kFires) {
    const ShortVolley& all = firing->in_short;
    const std::size_t half = lanes / 2;
    const auto start = hn::LoadU(d16, all.start + at), next_start = hn::LoadU(d16, all.start + at + half);
    low_start = even_blocks(d16, start, next_start);
    high_start = odd_blocks(d16, start, next_start);
    const auto multiplier = hn::LoadU(du16, all.multiplier + at), next_m = hn::LoadU(du16, all.multiplier + at + half);
    low_multiplier = even_blocks(du16, multiplier, next_m);
    high_multiplier = odd_blocks(du16, multiplier, next_m);
    const auto power = hn::LoadU(du16, all.power + at), next_power = hn::LoadU(du16, all.power + at + half);
    low_power = even_blocks(du16, power, next_power);
    high_power = odd_blocks(du16, power, next_power);
    ceiling = all.ceiling;
  }
  for (std::size_t run = 0; run < runs; ++run) {
    const std::size_t counts = run * step, to = run * pitch;
    for (std::size_t c = i; c + lanes <= n; c += turn) {
      auto low = hn::Zero(d16), high = hn::Zero(d16);
      ((low = hn::Add(low, pairs(hn::InterleaveLower(d, hn::LoadU(d, first[P] + counts + c),
                                                     hn::LoadU(d, second[P] + counts + c)),
                                 low_weights[P])),
        high = hn::Add(high, pairs(hn::InterleaveUpper(d, hn::LoadU(d, first[P] + counts + c),
                                                       hn::LoadU(d, second[P] + counts + c)),
                                   high_weights[P]))),
       ...);
      if constexpr (kFires) {
        const auto a = short_counts(d16, low, low_start, low_multiplier, low_power, ceiling);
        const auto b = short_counts(d16, high, high_start, high_multiplier, high_power, ceiling);
        hn::StoreU(lower_in_order(du16, a, b), du16, out + to + c);
        hn::StoreU(upper_in_order(du16, a, b), du16, out + to + c + lanes / 2);
        continue;
      }
      keep_lanes(d16, lower_in_order(d16, low, high), from + to + c, sums + to + c);
      keep_lanes(d16, upper_in_order(d16, low, high), from + to + c + lanes / 2, sums + to + c + lanes / 2);
    }
  }
}

// Whole vectors from `begin` on; what is left then. Vectors meet the same weights again after `turns` of them, or as
// many as there are.
template <std::size_t kPairs, bool kFires, class D>
HWY_INLINE std::size_t add_vectors(D d, std::size_t begin, const ChannelRow& row, const std::int32_t* from,
                                   std::int32_t* sums, const Firing* firing) {
  const std::size_t lanes = hn::Lanes(d), vectors = (row.n - begin) / lanes;
  std::size_t turns = 1;
  while (turns < vectors && turns * lanes % row.period != 0) ++turns;
  for (std::size_t v = 0, at = begin % row.period; v < turns && v < vectors; ++v) {
    add_at<kFires>(Each<kPairs>(), d, row, at, begin + v * lanes, turns * lanes, from, sums, firing);
    for (at += lanes; at >= row.period;) at -= row.period;
  }
  return begin + vectors * lanes;
}

template <std::size_t kPairs, bool kFires>
void add_pairs_to(const ChannelRow& row, const std::int32_t* from, std::int32_t* sums, const Firing* firing) {
  const hn::CappedTag<std::uint8_t, 64> d;
  const hn::CappedTag<std::uint8_t, 32> half;
  const hn::CappedTag<std::uint8_t, 16> block;
  std::size_t i = add_vectors<kPairs, kFires>(d, 0, row, from, sums, firing);
  if constexpr (hn::MaxLanes(d) > hn::MaxLanes(half)) i = add_vectors<kPairs, kFires>(half, i, row, from, sums, firing);
  if constexpr (hn::MaxLanes(half) > hn::MaxLanes(block))
    i = add_vectors<kPairs, kFires>(block, i, row, from, sums, firing);
  if (i < row.n) reference::add_channels_from(i, row, from, sums, firing);
}
template <std::size_t kPairs>
void add_pairs_of_taps(const ChannelRow& row, const std::int32_t* from, std::int32_t* sums, const Firing* firing) {
  firing ? add_pairs_to<kPairs, true>(row, from, sums, firing) : add_pairs_to<kPairs, false>(row, from, sums, nullptr);
}

// At most kPairs at a time.
template <std::size_t kPairs>
HWY_INLINE void add_last_pairs(const ChannelRow& row, const std::int32_t* from, std::int32_t* sums,
                               const Firing* firing) {
  if (row.pairs == kPairs) return add_pairs_of_taps<kPairs>(row, from, sums, firing);
  if constexpr (kPairs > 1) add_last_pairs<kPairs - 1>(row, from, sums, firing);
}

void add_channels(const ChannelRow& row, const std::int32_t* from, std::int32_t* sums, const Firing* firing) {
  ChannelRow some = row;
  for (; some.pairs > kPairsAtOnce; from = sums) {
    const std::size_t left = some.pairs - kPairsAtOnce;
    some.pairs = kPairsAtOnce;
    add_pairs_of_taps<kPairsAtOnce>(some, from, sums, nullptr);
    some.pairs = left;
    some.taps += 2 * kPairsAtOnce;
    some.weights += kPairsAtOnce * 2 * (some.period + kPairSlack);
  }
  add_last_pairs<kPairsAtOnce>(some, from, sums, firing);
}
