// What is asked of counts that are there: tallies, fan-out, sums of windows, the greatest. No guard: kernels.cpp
// includes it in each namespace that is compiled for an instruction set.

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

// What a block's counts come to but for their keys. Spikes and events are added up in lanes of 16 bits: where counts
// are small, that takes no multiplication.
struct Counted {
  HWY_INLINE Counted() : spikes(hn::Zero(I16())), events(hn::Zero(I16())), reached(Wide::zero()) {}
  hn::Vec<I16> spikes, events;
  Wide::Sum reached;
};
template <Spikes kSpikes>
HWY_INLINE hn::Vec<I16> spikes_of(hn::Vec<I16> counts) {
  const hn::Repartition<std::uint8_t, I16> d8;
  if constexpr (kSpikes == Spikes::counts) return counts;
  if constexpr (kSpikes == Spikes::digits) return hn::BitCast(I16(), hn::PopulationCount(hn::BitCast(d8, counts)));
  alignas(16) static constexpr std::uint8_t kDigits[] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
  return hn::BitCast(I16(), hn::TableLookupBytes(hn::LoadDup128(d8, kDigits), hn::BitCast(d8, counts)));
}
template <Spikes kSpikes, bool kReaches>
HWY_INLINE void count_in(Counted& to, Wide::Sum& key, const Count* counts, const std::int16_t* digit,
                         const std::uint16_t* fan_out) {
  const I16 d;
  auto count = hn::BitCast(d, hn::LoadU(U16(), counts));
#if HWY_ARCH_X86
  asm("" : "+v"(count.raw));  // else GCC loads it up to three times, and loads are what there is least of
#endif
  const auto fires = hn::Min(count, hn::Set(d, 1));
  Wide::add(key, count, hn::LoadU(d, digit));
  if constexpr (kReaches) Wide::add(to.reached, fires, hn::BitCast(d, hn::LoadU(U16(), fan_out)));
  to.spikes = hn::Add(to.spikes, spikes_of<kSpikes>(count));
  to.events = hn::Add(to.events, fires);
}

constexpr std::size_t kTurnVectors = kTallyTurn * sizeof(Count) / HWY_MAX_BYTES;

// Whole turns: keys.first and n are multiples of kTallyTurn.
template <Spikes kSpikes, bool kReaches, std::size_t... V>
HWY_INLINE void tally_turns(std::index_sequence<V...>, const Count* counts, const PlaceKeys& keys,
                            const std::uint16_t* fan_out, std::size_t n, Tally& tally) {
  const I16 d;
  const auto one = hn::Set(d, 1);
  const std::size_t lanes = hn::Lanes(d);
  auto spikes = hn::Zero(I32()), events = spikes;  // at most 2^26 neurons, in 4 lanes: unsigned, 32 bits hold them
  auto reached = hn::Zero(U64());
  for (std::size_t i = 0; i < n;) {
    const std::size_t at = keys.first + i, room = kTallied - at % kTallied, end = n - i < room ? n : i + room;
    const std::int16_t* digit = keys.digit + at % kTallied;
    Wide::Sum key[kTurnVectors];
    ((key[V] = Wide::zero()), ...);
    Counted counted;
    for (; i != end; i += kTallyTurn, digit += kTallyTurn)
      (count_in<kSpikes, kReaches>(counted, key[V], counts + i + V * lanes, digit + V * lanes,
                                   kReaches ? fan_out + i + V * lanes : nullptr),
       ...);
    HWY_ALIGN std::int32_t lane[kTallyLanes];
    (hn::Store(hn::RearrangeToOddPlusEven(key[V].sum, key[V].rest), I32(), lane + V * (lanes / 2)), ...);
    std::uint64_t sum = 0;
    for (std::size_t l = 0; l < kTallyLanes; ++l) sum += static_cast<std::uint64_t>(lane[l]) * keys.lane[l];
    tally.checksum += sum * keys.block[at / kTallied];
    spikes = hn::Add(spikes, paired(counted.spikes, one));
    events = hn::Add(events, paired(counted.events, one));
    reached = hn::Add(reached, widened(hn::Add(counted.reached.sum, counted.reached.rest)));
  }
  tally.spikes += total(widened(spikes));
  tally.events += total(widened(events));
  tally.reached += total(reached);
}
template <Spikes kSpikes>
void tally_spikes(const Count* counts, const PlaceKeys& keys, const std::uint16_t* fan_out, std::size_t n,
                  Tally& tally) {
  fan_out ? tally_turns<kSpikes, true>(Each<kTurnVectors>(), counts, keys, fan_out, n, tally)
          : tally_turns<kSpikes, false>(Each<kTurnVectors>(), counts, keys, nullptr, n, tally);
}
Tally tally_small(const Count* counts, const PlaceKeys& keys, const std::uint16_t* fan_out, Spikes spikes,
                  std::size_t n) {
  const auto of_turns = spikes == Spikes::counts   ? tally_spikes<Spikes::counts>
                        : spikes == Spikes::digits ? tally_spikes<Spikes::digits>
                                                   : tally_spikes<Spikes::digits_of_four>;
  return reference::tally_by_turns(counts, keys, fan_out, spikes, n, of_turns);
}

// A lane of 32 bits takes in so many pairs of 2^15.
constexpr std::size_t kPairsOfReach = 1 << 14;

Reach sum_where_small(const Count* counts, const std::uint16_t* fan_out, std::size_t n) {
  const I16 d;
  const auto one = hn::Set(d, 1);
  const std::size_t lanes = hn::Lanes(d);
  auto sum = hn::Zero(U64());
  auto most = hn::Zero(U16());
  std::size_t i = 0;
  while (i + lanes <= n) {
    const std::size_t end = n - i < kPairsOfReach * lanes ? n : i + kPairsOfReach * lanes;
    auto part = Wide::zero();
    for (; i + lanes <= end; i += lanes) {
      const auto count = hn::LoadU(U16(), counts + i);
      most = hn::Max(most, count);
      const auto fires = hn::BitCast(d, hn::Min(count, hn::BitCast(U16(), one)));
      Wide::add(part, fires, hn::BitCast(d, hn::LoadU(U16(), fan_out + i)));
    }
    sum = hn::Add(sum, widened(hn::Add(part.sum, part.rest)));
  }
  Reach rest = reference::sum_where_small(counts + i, fan_out + i, n - i);
  rest.reached += total(sum);
  HWY_ALIGN Count lane[HWY_MAX_BYTES / sizeof(Count)];
  hn::Store(most, U16(), lane);
  for (std::size_t l = 0; l < lanes; ++l) rest.greatest = lane[l] > rest.greatest ? lane[l] : rest.greatest;
  return rest;
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
  const U16 d16;
  const hn::Repartition<std::uint8_t, U16> d8;
  auto sum = hn::Zero(U64());
  const std::size_t lanes = hn::Lanes(d16);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    sum = hn::Add(sum, hn::SumsOf8(hn::PopulationCount(hn::BitCast(d8, hn::LoadU(d16, counts + i)))));
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
