// What is asked of counts that are there: tallies, fan-out, sums of windows, the greatest. No guard: kernels.cpp includes it
// in each namespace that is compiled for an instruction set.

// Sums of the 32-bit lanes of v, in 64 bits.
template <class V>
HWY_INLINE hn::Vec<U64> widened(V v) {
  const auto both = hn::BitCast(U64(), v);
  return hn::Add(hn::And(both, hn::Set(U64(), 0xffffffff)), hn::ShiftRight<32>(both));
}
// Sums of the products of 32-bit lanes, in 64 bits.
template <class V>
HWY_INLINE hn::Vec<U64> products(V a, V b) {
  const U32 d;
  const auto odd_a = hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(U64(), a)));
  const auto odd_b = hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(U64(), b)));
  return hn::Add(hn::MulEven(a, b), hn::MulEven(odd_a, odd_b));
}
HWY_INLINE std::uint64_t total(hn::Vec<U64> v) {
  return hn::GetLane(hn::SumOfLanes(U64(), v));
}

Tally tally(const Count* counts, const std::uint32_t* key_low, const std::uint32_t* key_high, std::size_t n) {
  const U32 d;
  const HalfU16 d16;
  auto low = hn::Zero(U64()), high = low, spikes = low;
  auto silent = hn::Zero(d);  // at most 2^26 neurons: 32 bits hold it
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto count = hn::PromoteTo(d, hn::LoadU(d16, counts + i));
    low = hn::Add(low, products(count, hn::LoadU(d, key_low + i)));
    high = hn::Add(high, products(count, hn::LoadU(d, key_high + i)));
    spikes = hn::Add(spikes, widened(count));
    silent = hn::Add(silent, hn::IfThenElseZero(hn::Eq(count, hn::Zero(d)), hn::Set(d, 1)));
  }
  Tally rest = reference::tally(counts + i, key_low + i, key_high + i, n - i);
  rest.checksum += total(low) + (total(high) << 32);
  rest.spikes += total(spikes);
  rest.events += i - total(widened(silent));
  return rest;
}

// Pairs of products of 16 bits, in 32.
template <class V>
HWY_INLINE hn::Vec<I32> paired(V a, V b) {
  auto rest = hn::Zero(I32());
  const auto sum = hn::ReorderWidenMulAccumulate(I32(), a, b, hn::Zero(I32()), rest);
  return hn::Add(sum, rest);
}
// Sums of the signed 32-bit lanes of v, in 64 bits.
template <class V>
HWY_INLINE hn::Vec<U64> widened_signed(V v) {
  const hn::Repartition<std::int64_t, I32> d;
  const auto both = hn::BitCast(d, v);
  return hn::BitCast(U64(), hn::Add(hn::ShiftRight<32>(both), hn::ShiftRight<32>(hn::ShiftLeft<32>(both))));
}
Tally tally_small(const Count* counts, const Limbs& limbs, const std::uint16_t* fan_out, std::size_t n) {
  const I16 d;
  const auto one = hn::Set(d, 1);
  const std::size_t lanes = hn::Lanes(d);
  auto spikes = hn::Zero(U64()), events = spikes, reached = spikes;
  Tally tally;
  for (std::size_t i = 0; i < n;) {
    const std::size_t at = limbs.first + i, room = kTallied - at % kTallied, end = n - i < room ? n : i + room;
    const std::int16_t* limb = limbs.limbs + at % limbs.period;
    auto sum0 = hn::Zero(I32()), sum1 = sum0, sum2 = sum0, sum3 = sum0, sum_of_counts = sum0, some = sum0, reach = sum0;
    for (; i + lanes <= end; i += lanes, limb += lanes) {
      const auto count = hn::BitCast(d, hn::LoadU(U16(), counts + i));
      sum0 = hn::Add(sum0, paired(count, hn::LoadU(d, limb)));
      sum1 = hn::Add(sum1, paired(count, hn::LoadU(d, limb + limbs.stride)));
      sum2 = hn::Add(sum2, paired(count, hn::LoadU(d, limb + 2 * limbs.stride)));
      sum3 = hn::Add(sum3, paired(count, hn::LoadU(d, limb + 3 * limbs.stride)));
      sum_of_counts = hn::Add(sum_of_counts, paired(count, one));
      const auto fires = hn::Min(count, one);
      some = hn::Add(some, paired(fires, one));
      reach = hn::Add(reach, paired(fires, hn::BitCast(d, hn::LoadU(U16(), fan_out + i))));
    }
    auto sum = hn::Add(widened_signed(sum0), hn::ShiftLeft<16>(widened_signed(sum1)));
    sum = hn::Add(sum, hn::ShiftLeft<32>(widened_signed(sum2)));
    sum = hn::Add(sum, hn::ShiftLeft<48>(widened_signed(sum3)));
    tally.checksum += total(sum) * (limbs.block ? limbs.block[at / kTallied] : 1);
    spikes = hn::Add(spikes, widened_signed(sum_of_counts));
    events = hn::Add(events, widened_signed(some));
    reached = hn::Add(reached, widened_signed(reach));
    if (i == end) continue;
    Limbs left = limbs;
    left.first += i;
    const Tally rest = reference::tally_small(counts + i, left, fan_out + i, end - i);
    tally.checksum += rest.checksum;
    tally.spikes += rest.spikes;
    tally.events += rest.events;
    tally.reached += rest.reached;
    i = end;
  }
  tally.spikes += total(spikes);
  tally.events += total(events);
  tally.reached += total(reached);
  return tally;
}

// A lane of 32 bits takes in so many pairs of 2^15.
constexpr std::size_t kPairsOfReach = 1 << 14;

std::uint64_t sum_where_small(const Count* counts, const std::uint16_t* fan_out, std::size_t n) {
  const I16 d;
  const auto one = hn::Set(d, 1);
  const std::size_t lanes = hn::Lanes(d);
  auto sum = hn::Zero(U64());
  std::size_t i = 0;
  while (i + lanes <= n) {
    const std::size_t end = n - i < kPairsOfReach * lanes ? n : i + kPairsOfReach * lanes;
    auto part = hn::Zero(I32());
    for (; i + lanes <= end; i += lanes) {
      const auto some = hn::Ne(hn::BitCast(d, hn::LoadU(U16(), counts + i)), hn::Zero(d));
      part = hn::Add(part, paired(hn::IfThenElseZero(some, hn::BitCast(d, hn::LoadU(U16(), fan_out + i))), one));
    }
    sum = hn::Add(sum, widened_signed(part));
  }
  return total(sum) + reference::sum_where_small(counts + i, fan_out + i, n - i);
}

template <bool kSums>
HWY_INLINE void pool_windows(const PoolWindow& window, const Count* from, std::size_t positions, Count* to) {
  const U16 d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t p = 0; p < positions; ++p, from += window.stride, to += window.channels) {
    for (std::size_t c = 0; c < window.channels; c += lanes) {
      auto pooled = hn::Zero(d);
      for (std::size_t y = 0; y < window.height; ++y) {
        for (std::size_t x = 0; x < window.width; ++x) {
          const auto counts = hn::LoadU(d, from + y * window.pitch + x * window.channels + c);
          pooled = kSums ? hn::Add(pooled, counts) : hn::Max(pooled, counts);
        }
      }
      hn::StoreU(pooled, d, to + c);  // what lies beyond the last channel is written again by the next position
    }
  }
}
void sum_windows(const PoolWindow& window, const Count* from, std::size_t positions, Count* to) {
  pool_windows<true>(window, from, positions, to);
}
void greatest_of_windows(const PoolWindow& window, const Count* from, std::size_t positions, Count* to) {
  pool_windows<false>(window, from, positions, to);
}

std::uint64_t set_bits(const Count* counts, std::size_t n) {
  const U32 d;
  const U16 d16;
  auto sum = hn::Zero(U64());
  const std::size_t lanes = hn::Lanes(d16);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto digits = hn::BitCast(d, hn::PopulationCount(hn::LoadU(d16, counts + i)));
    sum = hn::Add(sum, widened(hn::Add(hn::And(digits, hn::Set(d, 0xffff)), hn::ShiftRight<16>(digits))));
  }
  return total(sum) + reference::set_bits(counts + i, n - i);
}

std::uint64_t sum_where(const Count* counts, const std::uint32_t* fan_out, std::size_t n) {
  const U32 d;
  const HalfU16 d16;
  auto sum = hn::Zero(U64());
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto some = hn::Ne(hn::PromoteTo(d, hn::LoadU(d16, counts + i)), hn::Zero(d));
    sum = hn::Add(sum, widened(hn::IfThenElseZero(some, hn::LoadU(d, fan_out + i))));
  }
  return total(sum) + reference::sum_where(counts + i, fan_out + i, n - i);
}

Count greatest(const Count* counts, std::size_t n) {
  const U16 d;
  const std::size_t lanes = hn::Lanes(d);
  auto most = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) most = hn::Max(most, hn::LoadU(d, counts + i));
  HWY_ALIGN Count lane[HWY_MAX_BYTES / sizeof(Count)];
  hn::Store(most, d, lane);
  const Count a = reference::greatest(lane, lanes), b = reference::greatest(counts + i, n - i);
  return a > b ? a : b;
}
