// Single counts that are not zero: their lists, and their sums in 16 bits. No guard: kernels.cpp includes it in each
// namespace that is compiled for an instruction set.
//
// All sums are taken modulo 2^16, and only the last has to fit (Singles::run, most).
//   all counts 1   A vector of weights is one of 16-bit lanes of two outputs. Whole lanes are added, and their upper
//   bytes
//                  again: the difference is the sum of the lower ones. That is one load, two additions and a shift;
//                  extending signs would take two shuffles more.
//   others         Two events at a time: their weights are interleaved, multiplied with both counts and added by one
//                  instruction. NEON multiplies and adds one event's bytes into 16 bits.

// ---- Lists

// The lanes of eight counts that are not zero.
template <bool kValued>
HWY_INLINE void list_eight(unsigned bits, hn::Vec<hn::CappedTag<std::uint16_t, 8>> first, const std::uint8_t* counts,
                           std::uint16_t* events, std::uint8_t* values) {
  const hn::CappedTag<std::uint16_t, 8> d16;
  const hn::Rebind<std::uint8_t, decltype(d16)> d8;
  const auto lanes = hn::Load(d8, kOrderOf8[bits].data());
  hn::StoreU(hn::Add(hn::PromoteTo(d16, lanes), first), d16, events);
  if constexpr (kValued) hn::StoreU(hn::TableLookupBytes(hn::LoadU(d8, counts), lanes), d8, values);
}

HWY_INLINE unsigned some_of(hn::Vec<hn::CappedTag<std::uint8_t, 16>> counts) {
#if HWY_ARCH_X86
  return 0xffffu ^ static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(counts.raw, _mm_setzero_si128())));
#else
  const hn::CappedTag<std::uint8_t, 16> d;
  return static_cast<unsigned>(hn::detail::BitsFromMask(hn::Ne(counts, hn::Zero(d))));
#endif
}
// Sixteen counts as bytes, in `bytes` if they were not.
HWY_INLINE const std::uint8_t* sixteen(const std::uint8_t* counts, std::uint8_t*) {
  return counts;
}
HWY_INLINE const std::uint8_t* sixteen(const std::uint16_t* counts, std::uint8_t* bytes) {
  const hn::CappedTag<std::int16_t, 8> d16;
  const hn::Rebind<std::uint8_t, decltype(d16)> d8;
  const auto* const lanes = reinterpret_cast<const std::int16_t*>(counts);
  hn::StoreU(hn::DemoteTo(d8, hn::LoadU(d16, lanes)), d8, bytes);
  hn::StoreU(hn::DemoteTo(d8, hn::LoadU(d16, lanes + 8)), d8, bytes + 8);
  return bytes;
}

template <class Part, bool kValued>
HWY_INLINE void list_counts(std::span<const CountRow> rows, const CountPixels& pixels, const SingleList& list) {
  const hn::CappedTag<std::uint8_t, 16> d8;
  const hn::CappedTag<std::uint16_t, 8> d16;
  const auto eight = hn::Set(d16, 8);
  HWY_ALIGN std::uint8_t bytes[16];
  // Nothing is read again behind a store that could have changed it.
  const std::size_t pixel_count = pixels.count, channels = pixels.channels, row_count = rows.size();
  const std::size_t last = (channels - 1) / 16 * 16;
  const unsigned of_last = 0xffffu >> (15 - (channels - 1) % 16);
  const CountRow* const row = rows.data();
  std::uint16_t* events = list.events;
  std::uint8_t* values = list.values;
  std::uint32_t* const starts = list.starts;
  std::uint32_t* const totals = list.totals;
  const hn::Repartition<std::uint64_t, decltype(d8)> d64;
  auto total = hn::Zero(d64);
  for (std::size_t pixel = 0; pixel < pixel_count; ++pixel) {
    starts[pixel] = static_cast<std::uint32_t>(events - list.events);
    if constexpr (kValued) totals[pixel] = static_cast<std::uint32_t>(hn::GetLane(hn::SumOfLanes(d64, total)));
    for (std::size_t r = 0; r < row_count; ++r) {
      const Part* const of_pixel = reinterpret_cast<const Part*>(row[r].counts) + pixel * channels;
      auto first = hn::Set(d16, static_cast<std::uint16_t>(row[r].first));
      for (std::size_t c = 0; c < channels; c += 16) {
        const std::uint8_t* const counts = sixteen(of_pixel + c, bytes);
        auto some = hn::LoadU(d8, counts);
        const unsigned bits = some_of(some) & (c == last ? of_last : 0xffffu);
        const auto lower = static_cast<std::size_t>(__builtin_popcount(bits & 0xff));
        const auto n = static_cast<std::size_t>(__builtin_popcount(bits));
        list_eight<kValued>(bits & 0xff, first, counts, events, values);
        first = hn::Add(first, eight);
        list_eight<kValued>(bits >> 8, first, counts + 8, events + lower, values + lower);
        first = hn::Add(first, eight);
        events += n;
        if constexpr (kValued) {
          if (c == last) some = hn::IfThenElseZero(hn::FirstN(d8, channels - c), some);
          total = hn::Add(total, hn::SumsOf8(some));
          values += n;
        }
      }
    }
  }
  starts[pixel_count] = static_cast<std::uint32_t>(events - list.events);
  if constexpr (kValued) totals[pixel_count] = static_cast<std::uint32_t>(hn::GetLane(hn::SumOfLanes(d64, total)));
}
template <class Part>
void list_singles(std::span<const CountRow> rows, const CountPixels& pixels, const SingleList& list) {
  list.values ? list_counts<Part, true>(rows, pixels, list) : list_counts<Part, false>(rows, pixels, list);
}

// ---- Sums

template <class D>
struct SingleSum {
  HWY_INLINE SingleSum() {}
  HWY_INLINE SingleSum(hn::Vec<D> f, hn::Vec<D> s) : first(f), second(s) {}
  hn::Vec<D> first, second;
};

template <class D>
HWY_INLINE hn::Vec<hn::Repartition<std::int8_t, D>> single_weights(D, const std::int8_t* weights) {
  auto loaded = hn::LoadU(hn::Repartition<std::int8_t, D>(), weights);
#if HWY_ARCH_X86
  asm("" : "+v"(loaded.raw));  // else GCC loads it twice, and loads are what there is least of
#endif
  return loaded;
}

// D: of 16-bit lanes. An event whose count is 1.
template <class D>
HWY_INLINE void add_one(D d, const std::int8_t* weights, SingleSum<D>& sum) {
  const auto pair = hn::BitCast(d, single_weights(d, weights));
  sum.first = hn::Add(sum.first, pair);
  sum.second = hn::Add(sum.second, hn::ShiftRight<8>(pair));
}
// Two events. `counts`: those of both in each lane.
template <class D>
HWY_INLINE void add_two(D d, hn::Vec<D> counts, const std::int8_t* weights, const std::int8_t* others,
                        SingleSum<D>& sum) {
  const auto of_one = single_weights(d, weights), of_other = single_weights(d, others);
#if HWY_ARCH_X86
  const hn::Repartition<std::int8_t, D> d8;
  const auto both = hn::BitCast(hn::Repartition<std::uint8_t, D>(), counts);
  sum.first = hn::Add(sum.first, pairs(both, hn::InterleaveLower(d8, of_one, of_other)));
  sum.second = hn::Add(sum.second, pairs(both, hn::InterleaveUpper(d8, of_one, of_other)));
#else
  const hn::Half<hn::Repartition<std::int8_t, D>> dh;
  const auto count = hn::And(counts, hn::Set(d, 0xff)), other = hn::ShiftRight<8>(counts);
  sum.first = hn::Add(sum.first, hn::Mul(hn::PromoteTo(d, hn::LowerHalf(dh, of_one)), count));
  sum.second = hn::Add(sum.second, hn::Mul(hn::PromoteTo(d, hn::UpperHalf(dh, of_one)), count));
  sum.first = hn::Add(sum.first, hn::Mul(hn::PromoteTo(d, hn::LowerHalf(dh, of_other)), other));
  sum.second = hn::Add(sum.second, hn::Mul(hn::PromoteTo(d, hn::UpperHalf(dh, of_other)), other));
#endif
}

// sums = from + sum, of eight outputs.
HWY_INLINE void add_eight(hn::Vec<hn::CappedTag<std::int16_t, 8>> sum, const std::int32_t* from, std::int32_t* sums) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  const hn::CappedTag<std::int32_t, 8> d;
  hn::StoreU(hn::Add(hn::LoadU(d, from), hn::PromoteTo(d, sum)), d, sums);
#else
  const hn::CappedTag<std::int32_t, 4> d;
  const hn::CappedTag<std::int16_t, 8> d16;
  const hn::Half<decltype(d16)> dh;
  hn::StoreU(hn::Add(hn::LoadU(d, from), hn::PromoteTo(d, hn::LowerHalf(dh, sum))), d, sums);
  hn::StoreU(hn::Add(hn::LoadU(d, from + 4), hn::PromoteTo(d, hn::UpperHalf(dh, sum))), d, sums + 4);
#endif
}
// `outputs` of a vector: a multiple of kTile, at least that.
template <class D>
HWY_INLINE void add_blocks(D d, hn::Vec<D> first, hn::Vec<D> second, std::size_t outputs, const std::int32_t* from,
                           std::int32_t* sums) {
  if constexpr (sizeof(hn::Vec<D>) == 16) {
    add_eight(first, from, sums);
    add_eight(second, from + 8, sums + 8);
  } else {
    const hn::Half<D> dh;
    const std::size_t half = hn::Lanes(d);
    add_blocks(dh, hn::LowerHalf(dh, first), hn::LowerHalf(dh, second), outputs < half ? outputs : half, from, sums);
    if (outputs > half)
      add_blocks(dh, hn::UpperHalf(dh, first), hn::UpperHalf(dh, second), outputs - half, from + half, sums + half);
  }
}
// The same of neurons that fire.
template <class D>
HWY_INLINE void fire_blocks(D d, hn::Vec<D> first, hn::Vec<D> second, std::size_t outputs, const std::int32_t* from,
                            const ShortVolley& volley, std::size_t at, Count* out) {
  const std::size_t half = hn::Lanes(d);
  if (outputs == 2 * half) {
    fire_lanes(d, lower_in_order(d, first, second), upper_in_order(d, first, second), from, volley, at, out);
  } else if constexpr (sizeof(hn::Vec<D>) > 16) {
    const hn::Half<D> dh;
    fire_blocks(dh, hn::LowerHalf(dh, first), hn::LowerHalf(dh, second), outputs < half ? outputs : half, from, volley,
                at, out);
    if (outputs > half)
      fire_blocks(dh, hn::UpperHalf(dh, first), hn::UpperHalf(dh, second), outputs - half, from + half, volley,
                  at + half, out + half);
  }
}
// What `n` events have summed up to, of a vector of outputs at one position.
template <class D, bool kValued>
HWY_INLINE hn::Vec<D> first_of(D d, const SingleSum<D>& sum, std::uint32_t n) {
  if constexpr (kValued) return sum.first;
  const auto bias = hn::Set(d, static_cast<std::int16_t>(n * static_cast<std::uint32_t>(kSingleBias)));
  return hn::Sub(sum.first, hn::Add(hn::ShiftLeft<8>(sum.second), bias));
}

// As in bands-inl.hpp, sums are reached by constant indices; `sum` is [how far the position lies before the
// pixel][vector].
template <class D, std::size_t kSums, std::size_t... I>
HWY_INLINE void zero_singles(std::index_sequence<I...>, D d, SingleSum<D> (&sum)[kSums]) {
  ((sum[I] = SingleSum<D>(hn::Zero(d), hn::Zero(d))), ...);
}
template <class D, std::size_t kSums, std::size_t... I>
HWY_INLINE void slide_singles(std::index_sequence<I...>, D, SingleSum<D> (&sum)[kSums]) {
  constexpr std::size_t kStep = kSums - sizeof...(I);
  ((sum[kSums - 1 - I] = sum[kSums - 1 - I - kStep]), ...);
}
template <class D, bool kValued, std::size_t kBegin, std::size_t kSums, std::size_t... V>
HWY_INLINE void finish_singles(std::index_sequence<V...>, D d, const SingleSum<D> (&sum)[kSums], std::uint32_t n,
                               std::size_t outputs, const std::int32_t* from, std::int32_t* sums) {
  const std::size_t lanes = hn::Lanes(hn::Repartition<std::int8_t, D>());
  (add_blocks(d, first_of<D, kValued>(d, sum[kBegin + V], n), sum[kBegin + V].second,
              V + 1 < sizeof...(V) ? lanes : outputs - V * lanes, from + V * lanes, sums + V * lanes),
   ...);
}
// The same, or where neurons fire, their counts: those of position `x`, whose first output is `at`.
template <class D, bool kValued, std::size_t kBegin, std::size_t kSums, std::size_t... V>
HWY_INLINE void end_singles(std::index_sequence<V...> all, D d, const Singles& singles,
                            const SingleSum<D> (&sum)[kSums], std::uint32_t n, std::size_t x, std::size_t at,
                            std::size_t outputs, const std::int32_t* from, std::int32_t* sums) {
  if (!singles.firing) return finish_singles<D, kValued, kBegin>(all, d, sum, n, outputs, from, sums);
  const std::size_t lanes = hn::Lanes(hn::Repartition<std::int8_t, D>());
  const ShortVolley volley = singles.firing->in_short;
  Count* const out = singles.firing->out + x * singles.pitch + at;
  (fire_blocks(d, first_of<D, kValued>(d, sum[kBegin + V], n), sum[kBegin + V].second,
               V + 1 < sizeof...(V) ? lanes : outputs - V * lanes, from + V * lanes, volley, at + V * lanes,
               out + V * lanes),
   ...);
}
// All sums of an event, or of two.
template <class D, std::size_t kVectors, std::size_t kSums, std::size_t... I>
HWY_INLINE void add_ones(std::index_sequence<I...>, D d, const std::int8_t* weights, std::size_t column,
                         SingleSum<D> (&sum)[kSums]) {
  const std::size_t lanes = hn::Lanes(hn::Repartition<std::int8_t, D>());
  (add_one(d, weights + I / kVectors * column + I % kVectors * lanes, sum[I]), ...);
}
template <class D, std::size_t kVectors, std::size_t kSums, std::size_t... I>
HWY_INLINE void add_twos(std::index_sequence<I...>, D d, hn::Vec<D> counts, const std::int8_t* weights,
                         const std::int8_t* others, std::size_t column, SingleSum<D> (&sum)[kSums]) {
  const std::size_t lanes = hn::Lanes(hn::Repartition<std::int8_t, D>());
  (add_two(d, counts, weights + I / kVectors * column + I % kVectors * lanes,
           others + I / kVectors * column + I % kVectors * lanes, sum[I]),
   ...);
}
// Events [begin, end).
template <class D, bool kValued, std::size_t kVectors, std::size_t kSums>
HWY_INLINE void add_singles_range(D d, const Singles& singles, std::size_t begin, std::size_t end,
                                  const std::int8_t* weights, SingleSum<D> (&sum)[kSums]) {
  if constexpr (kValued) {
    for (std::size_t e = begin; e < end; e += 2) {
      // The last may be alone: its other is itself, with a count of 0. Without a branch, which would not be foreseen.
      const unsigned both = e + 1 < end;
      const auto counts = singles.values[e] + (singles.values[e + both] & (0u - both)) * 256u;
      add_twos<D, kVectors>(Each<kSums>(), d, hn::Set(d, static_cast<std::int16_t>(counts)),
                            weights + singles.events[e] * singles.row, weights + singles.events[e + both] * singles.row,
                            singles.column, sum);
    }
  } else {
    for (std::size_t e = begin; e < end; ++e)
      add_ones<D, kVectors>(Each<kSums>(), d, weights + singles.events[e] * singles.row, singles.column, sum);
  }
}

template <bool kValued>
HWY_INLINE const std::uint32_t* totals_of(const Singles& singles) {
  return kValued ? singles.totals : singles.starts;
}
// The sum of the counts of events [begin, end), and `total`.
template <bool kValued>
std::size_t total_of(const Singles& singles, std::size_t begin, std::size_t end, std::size_t total) {
  if (!kValued) return total + (end - begin);
  for (; begin < end; ++begin) total += singles.values[begin];
  return total;
}

// What ends the positions of one vector of outputs that fire and begin alike; else nothing.
template <class D, bool kAlike>
struct AlikeEnd {
  HWY_INLINE AlikeEnd(D, const Singles&, std::size_t) {}
};
template <class D>
struct AlikeEnd<D, true> {
  HWY_INLINE AlikeEnd(D d, const Singles& singles, std::size_t at)
      : neurons(d, singles.firing->in_short, at), out(singles.firing->out + at) {}
  AlikeNeurons<D> neurons;
  Count* out;
};

// Kernels of three adjacent pixels, stride 1: an event is taken once for the three positions that it reaches. Where a
// position's counts may be more than Singles::most (kSettles), sums that would outgrow 16 bits are added to those in
// memory before, which then begin what follows.
template <class D, bool kValued, bool kSettles, std::size_t kVectors, bool kAlike>
void sliding_singles(D d, const Singles& singles, const std::int8_t* weights, std::size_t at, std::size_t outputs,
                     const std::int32_t* from, std::int32_t* sums) {
  constexpr std::size_t kPixels = 3, kSums = kPixels * kVectors;
  const std::uint32_t* const starts = singles.starts;
  const std::size_t pitch = singles.pitch, positions = singles.positions;
  const std::uint32_t* const totals = totals_of<kValued>(singles);
  const AlikeEnd<D, kAlike> alike(d, singles, at);
  // Events that are in memory, and the sum of their counts; positions that are there in part.
  std::size_t settled = 0, settled_total = 0, begun = 0;
  SingleSum<D> sum[kSums];
  zero_singles(Each<kSums>(), d, sum);
  for (std::size_t pixel = 0; pixel < positions + kPixels - 1; ++pixel) {
    slide_singles(Each<kSums - kVectors>(), d, sum);
    zero_singles(Each<kVectors>(), d, sum);
    std::size_t e = starts[pixel];
    const std::size_t end = starts[pixel + 1], oldest = pixel + 1 < kPixels ? 0 : pixel + 1 - kPixels;
    while (kSettles) {
      if (totals[pixel + 1] - (settled_total > totals[oldest] ? settled_total : totals[oldest]) <= singles.most) break;
      if (settled == e) {  // a pixel that does not fit alone
        const std::size_t now = end - e < singles.run ? end - e : singles.run;
        add_singles_range<D, kValued, kVectors>(d, singles, e, e + now, weights, sum);
        e += now;
      }
      const auto settle = [&]<std::size_t kBack>(std::integral_constant<std::size_t, kBack>) HWY_ATTR {
        if (pixel < kBack || pixel - kBack >= positions) return;
        const std::size_t x = pixel - kBack, first = settled > starts[x] ? settled : starts[x];
        finish_singles<D, kValued, kBack * kVectors>(Each<kVectors>(), d, sum, static_cast<std::uint32_t>(e - first),
                                                     outputs, (x < begun ? sums : from) + x * pitch, sums + x * pitch);
      };
      settle(std::integral_constant<std::size_t, 0>());
      settle(std::integral_constant<std::size_t, 1>());
      settle(std::integral_constant<std::size_t, 2>());
      zero_singles(Each<kSums>(), d, sum);
      settled_total = e == starts[pixel] ? totals[pixel] : total_of<kValued>(singles, settled, e, settled_total);
      settled = e;
      begun = pixel + 1;
    }
    add_singles_range<D, kValued, kVectors>(d, singles, e, end, weights, sum);
    if (pixel + 1 < kPixels) continue;
    const std::size_t first = settled > starts[oldest] ? settled : starts[oldest];
    if constexpr (kAlike) {
      const SingleSum<D>& last = sum[kSums - 1];
      const auto lanes = first_of<D, kValued>(d, last, static_cast<std::uint32_t>(end - first));
      alike.neurons.fire(d, lower_in_order(d, lanes, last.second), upper_in_order(d, lanes, last.second),
                         alike.out + oldest * pitch);
      continue;
    }
    end_singles<D, kValued, kSums - kVectors>(Each<kVectors>(), d, singles, sum,
                                              static_cast<std::uint32_t>(end - first), oldest, at, outputs,
                                              (oldest < begun ? sums : from) + oldest * pitch, sums + oldest * pitch);
  }
}

// Any other kernel, one position after the other.
template <class D, bool kValued, bool kSettles, std::size_t kVectors>
void single_positions(D d, const Singles& singles, const std::int8_t* weights, std::size_t at, std::size_t outputs,
                      const std::int32_t* from, std::int32_t* sums) {
  const std::uint32_t* const totals = totals_of<kValued>(singles);
  for (std::size_t x = 0; x < singles.positions; ++x, from += singles.pitch, sums += singles.pitch) {
    const std::int32_t* begin = from;
    SingleSum<D> sum[kVectors];
    zero_singles(Each<kVectors>(), d, sum);
    std::size_t held = 0, held_total = 0;  // events in the sums, and their counts
    const std::int8_t* of_column = weights;
    std::size_t pixel = x * singles.stride;
    for (std::size_t column = 0; column < singles.columns;
         ++column, of_column += singles.column, pixel += singles.dilation) {
      std::size_t e = singles.starts[pixel], total = totals[pixel + 1] - totals[pixel];
      const std::size_t end = singles.starts[pixel + 1];
      while (kSettles) {
        if (held_total + total <= singles.most) break;
        if (held == 0) {  // a pixel that does not fit alone
          const std::size_t now = end - e < singles.run ? end - e : singles.run;
          add_singles_range<D, kValued, kVectors>(d, singles, e, e + now, of_column, sum);
          total -= total_of<kValued>(singles, e, e + now, 0);
          e += now;
          held = now;
        }
        finish_singles<D, kValued, 0>(Each<kVectors>(), d, sum, static_cast<std::uint32_t>(held), outputs, begin, sums);
        zero_singles(Each<kVectors>(), d, sum);
        begin = sums;
        held = held_total = 0;
      }
      add_singles_range<D, kValued, kVectors>(d, singles, e, end, of_column, sum);
      held += end - e;
      held_total += total;
    }
    end_singles<D, kValued, 0>(Each<kVectors>(), d, singles, sum, static_cast<std::uint32_t>(held), x, at, outputs,
                               begin, sums);
  }
}

constexpr std::size_t kSingleRegisters = HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM ? 24 : 12;

// `outputs` of them, in `now` vectors, at most kVectors.
template <class D, bool kValued, bool kSettles, std::size_t kVectors>
HWY_INLINE void some_vectors(D d, const Singles& singles, std::size_t now, bool sliding, std::size_t at,
                             std::size_t outputs, std::int32_t* sums) {
  if (now == kVectors) {
    const std::int8_t* const weights = singles.weights + at;
    const std::int32_t* const from = singles.from + at;
    if constexpr (6 * kVectors <= kSingleRegisters) {
      constexpr bool kCanBeAlike = kSingleRegisters == 24 && kVectors == 1 && !kSettles;
      const bool alike = singles.firing && singles.firing->in_short.start && outputs == sizeof(hn::Vec<D>);
      if (kCanBeAlike && sliding && alike)
        return sliding_singles<D, kValued, kSettles, kVectors, kCanBeAlike>(d, singles, weights, at, outputs, from,
                                                                            sums + at);
      if (sliding)
        return sliding_singles<D, kValued, kSettles, kVectors, false>(d, singles, weights, at, outputs, from,
                                                                      sums + at);
    }
    return single_positions<D, kValued, kSettles, kVectors>(d, singles, weights, at, outputs, from, sums + at);
  }
  if constexpr (kVectors > 1)
    some_vectors<D, kValued, kSettles, kVectors - 1>(d, singles, now, sliding, at, outputs, sums);
}
// Outputs from `at` on in vectors of D, or narrower ones where one of them would be half empty. What the last one reads
// beyond them is not written.
template <class D, bool kValued, bool kSettles>
HWY_INLINE void add_singles_from(D d, const Singles& singles, std::size_t at, std::int32_t* sums) {
  const bool sliding = singles.columns == 3 && singles.stride == 1 && singles.dilation == 1;
  // Narrower vectors come alone: what is left for one of them is half of a wider one at most.
  constexpr bool kWhole = sizeof(hn::Vec<D>) == sizeof(hn::Vec<I16>);
  constexpr std::size_t kMost = kWhole ? kSingleRegisters / (HWY_TARGET == HWY_AVX3 ? 4 : 2) : 1;
  constexpr std::size_t kMostSliding = kWhole ? kSingleRegisters / 6 : 1;
  const std::size_t lanes = hn::Lanes(hn::Repartition<std::int8_t, D>()), most = sliding ? kMostSliding : kMost;
  while (at < singles.outputs) {
    const std::size_t left = singles.outputs - at, vectors = (left + lanes - 1) / lanes;
    if constexpr (sizeof(hn::Vec<D>) > 16)
      if (2 * left <= lanes) return add_singles_from<hn::Half<D>, kValued, kSettles>(hn::Half<D>(), singles, at, sums);
    const std::size_t now = vectors < most ? vectors : most, outputs = left < now * lanes ? left : now * lanes;
    some_vectors<D, kValued, kSettles, kMost>(d, singles, now, sliding, at, outputs, sums);
    at += outputs;
  }
}

bool may_outgrow(const Singles& singles) {
  const std::uint32_t* const totals = singles.values ? singles.totals : singles.starts;
  const std::size_t reach = (singles.columns - 1) * singles.dilation + 1;  // counts what dilation leaves out, too
  if (totals[(singles.positions - 1) * singles.stride + reach] - totals[0] <= singles.most) return false;
  for (std::size_t x = 0; x < singles.positions; ++x)
    if (totals[x * singles.stride + reach] - totals[x * singles.stride] > singles.most) return true;
  return false;
}

void add_singles(const Singles& singles, std::int32_t* sums) {
  const bool settles = may_outgrow(singles);
  if (settles && singles.firing && singles.firing->in_short.start) {  // sums begin with what is in memory
    Firing firing = *singles.firing;
    firing.in_short.start = nullptr;
    Singles settled = singles;
    settled.firing = &firing;
    return add_singles(settled, sums);
  }
  if (singles.values) {
    settles ? add_singles_from<I16, true, true>(I16(), singles, 0, sums)
            : add_singles_from<I16, true, false>(I16(), singles, 0, sums);
  } else {
    settles ? add_singles_from<I16, false, true>(I16(), singles, 0, sums)
            : add_singles_from<I16, false, false>(I16(), singles, 0, sums);
  }
}
