// The ways to add a projection's sums to a band, over a Lane: what a word is on one instruction set.
//   events    of one position after the other (event_tile); taken once for three positions (sliding_tile); very few,
//             added to the sums in memory (scatter_events)
//   dense     blocks of positions share each load of a weight (dense_tile); a single position (single_tile)
// But for scattered events, a tile's sums stay in registers over all words of a position; the tile is the outer loop,
// so that its weights stay in the first cache where they fit. No guard: it is included once in each namespace that is
// compiled for an instruction set. A Lane has
//   Word, Sum          a vector of words; the sums of as many outputs
//   zero, all, load    nothing; one word in every lane; the weights of adjacent outputs
//   start, total       the sums that adjacent outputs begin with; from them and what was added, those they end with
//   Fires              how neurons fire, by vectors of such totals
//   add, settle, join
//   kHasTails          whether it multiplies two words at a time with half as many outputs: then
//                      two, keep_tail, fire_tail
//   kBounded           whether sums must be settled every Band::run (events) or Band::chunk (dense) words
//   kChains            into how many independent sums events are dealt where a tile has few outputs
//   kRegisters         how many sums (of kSumRegisters each) a dense tile may hold
//   kMostEvents        how many an event's tile
//   kScattered         fewer events than this percentage of the positions are added to sums in memory

// Sums are reached by indices that are constants before anything is inlined: else the compiler keeps them in memory.
// (And without lambdas, which would not be compiled for the instruction set.)
template <std::size_t kCount>
using Each = std::make_index_sequence<kCount>;

// `sum` is [position][vector].
template <class Lane, std::size_t kVectors, std::size_t kSums, std::size_t... I>
HWY_INLINE void start_sums(std::index_sequence<I...>, typename Lane::Sum (&sum)[kSums], const std::int32_t* from,
                           std::size_t pitch) {
  ((sum[I] = Lane::start(from + I / kVectors * pitch + I % kVectors * Lane::lanes())), ...);
}
template <class Lane, std::size_t kSums, std::size_t... I>
HWY_INLINE void zero_sums(std::index_sequence<I...>, typename Lane::Sum (&sum)[kSums]) {
  ((sum[I] = Lane::zero()), ...);
}
template <class Lane, std::size_t kSums, std::size_t... I>
HWY_INLINE void settle_sums(std::index_sequence<I...>, typename Lane::Sum (&sum)[kSums]) {
  (Lane::settle(sum[I]), ...);
}
// All chains into the first.
template <class Lane, std::size_t kVectors, std::size_t kSums, std::size_t... I>
HWY_INLINE void join_chains(std::index_sequence<I...>, typename Lane::Sum (&sum)[kSums]) {
  (Lane::join(sum[I % kVectors], sum[kVectors + I]), ...);
}

// A tile ends with sums, or with counts where the band fires: kPositions positions from `x` on, whose first sums begin
// with from[0] and belong to sums[0].
template <class Lane, std::size_t kVectors, std::size_t kSums, std::size_t... I>
HWY_INLINE void keep_sums(std::index_sequence<I...>, const typename Lane::Sum (&sum)[kSums], const std::int32_t* from,
                          std::size_t pitch, std::int32_t* sums) {
  (Lane::Fires::keep(Lane::total(sum[I], from + I / kVectors * pitch + I % kVectors * Lane::lanes()),
                     sums + I / kVectors * pitch + I % kVectors * Lane::lanes()),
   ...);
}
template <class Lane, std::size_t kVectors, std::size_t kFirst, class Volley, std::size_t kSums, std::size_t... Pair>
HWY_INLINE void fire_position(std::index_sequence<Pair...>, const Volley& volley,
                              const typename Lane::Sum (&sum)[kSums], const std::int32_t* from, std::size_t at,
                              Count* out) {
  const std::size_t lanes = Lane::lanes();
  (Lane::Fires::fire(volley, at + 2 * Pair * lanes, Lane::total(sum[kFirst + 2 * Pair], from + 2 * Pair * lanes),
                     Lane::total(sum[kFirst + 2 * Pair + 1], from + (2 * Pair + 1) * lanes), out + 2 * Pair * lanes),
   ...);
  constexpr std::size_t kLast = kVectors - 1;
  if constexpr (kVectors % 2 != 0)
    Lane::Fires::fire(volley, at + kLast * lanes, Lane::total(sum[kFirst + kLast], from + kLast * lanes),
                      out + kLast * lanes);
}
// Where a vector is a whole position, two positions are as good as two vectors of one: constants repeat.
template <class Lane, std::size_t kSums, std::size_t... Pair>
HWY_INLINE void fire_pairs(std::index_sequence<Pair...>, const ShortVolley& volley,
                           const typename Lane::Sum (&sum)[kSums], const std::int32_t* from, Count* out) {
  const std::size_t lanes = Lane::lanes();
  (Lane::Fires::fire(volley, 0, Lane::total(sum[2 * Pair], from + 2 * Pair * lanes),
                     Lane::total(sum[2 * Pair + 1], from + (2 * Pair + 1) * lanes), out + 2 * Pair * lanes),
   ...);
}
// (Volleys are copies, which no store of a count can change.)
template <class Lane, std::size_t kVectors, class Volley, std::size_t kSums, std::size_t... P>
HWY_INLINE void fire_positions(std::index_sequence<P...>, const Volley volley, std::size_t pitch,
                               const typename Lane::Sum (&sum)[kSums], const std::int32_t* from, std::size_t at,
                               Count* out) {
  if constexpr (kVectors == 1 && kSums % 2 == 0 && std::is_same_v<Volley, ShortVolley>)
    if (pitch == Lane::lanes()) return fire_pairs<Lane>(Each<kSums / 2>(), volley, sum, from, out);
  (fire_position<Lane, kVectors, P * kVectors>(Each<kVectors / 2>(), volley, sum, from + P * pitch, at,
                                               out + P * pitch),
   ...);
}
template <class Lane, std::size_t kVectors, std::size_t kSums>
HWY_INLINE void finish_tile(const Band& band, const typename Lane::Sum (&sum)[kSums], std::size_t x, std::size_t at,
                            const std::int32_t* from, std::int32_t* sums) {
  if (band.firing) {
    const Firing& firing = *band.firing;
    Count* const out = firing.out + x * band.pitch + at;
    constexpr Each<kSums / kVectors> kPositions;
    if (firing.is_short) {
      fire_positions<Lane, kVectors>(kPositions, firing.in_short, band.pitch, sum, from, at, out);
    } else {
      fire_positions<Lane, kVectors>(kPositions, firing.volley, band.pitch, sum, from, at, out);
    }
  } else {
    keep_sums<Lane, kVectors>(Each<kSums>(), sum, from, band.pitch, sums);
  }
}
// Of sums in chains, the first one's: what all were joined into.
template <class Lane, std::size_t kVectors, std::size_t kSums, std::size_t... V>
HWY_INLINE void finish_first(std::index_sequence<V...>, const Band& band, const typename Lane::Sum (&sum)[kSums],
                             std::size_t x, std::size_t at, const std::int32_t* from, std::int32_t* sums) {
  const typename Lane::Sum first[kVectors] = {sum[V]...};
  finish_tile<Lane, kVectors>(band, first, x, at, from, sums);
}

// Neighbouring events go to chains of sums in turn, so that none waits for the one before: `sum` is [chain][vector].
template <class Lane, std::size_t kVectors, std::size_t kChain, std::size_t kSums, std::size_t... V>
HWY_INLINE void add_event(std::index_sequence<V...>, std::uint32_t value, const std::uint32_t* row,
                          typename Lane::Sum (&sum)[kSums]) {
  const auto counts = Lane::all(value);
  (Lane::add(sum[kChain * kVectors + V], counts, Lane::load(row + V * Lane::lanes())), ...);
}
template <class Lane, std::size_t kVectors, std::size_t kSums, std::size_t... E>
HWY_INLINE void add_some_events(std::index_sequence<E...>, const std::uint32_t* values, const std::uint32_t* offsets,
                                const std::uint32_t* weights, typename Lane::Sum (&sum)[kSums]) {
  (add_event<Lane, kVectors, E % (kSums / kVectors)>(Each<kVectors>(), values[E], weights + offsets[E], sum), ...);
}
constexpr std::size_t kEventsAtOnce = 4;
template <class Lane>
constexpr std::size_t chains_of(std::size_t vectors) {
  return Lane::kChains == 1 || vectors >= 8 ? 1 : vectors >= 2 ? 2 : Lane::kChains;
}
// The first n of kEventsAtOnce, the others as words of zeros; n > 0. By arithmetic: of a condition the compiler would
// make the branch that this is to spare.
template <class Lane, std::size_t kVectors, std::size_t kSums, std::size_t... E>
HWY_INLINE void add_last_events(std::index_sequence<E...>, const std::uint32_t* values, const std::uint32_t* offsets,
                                std::size_t n, const std::uint32_t* weights, typename Lane::Sum (&sum)[kSums]) {
  (add_event<Lane, kVectors, E % (kSums / kVectors)>(Each<kVectors>(), values[E] & (0u - (E < n)),
                                                     weights + offsets[E & (std::size_t{0} - (E < n))], sum),
   ...);
}

// `left`: of a bounded Lane, how many more words before sums must be settled.
template <class Lane, std::size_t kVectors, std::size_t kSums>
HWY_INLINE void add_range(const std::uint32_t* values, const std::uint32_t* offsets, std::size_t n,
                          const std::uint32_t* weights, std::size_t run, std::size_t& left,
                          typename Lane::Sum (&sum)[kSums]) {
  if constexpr (Lane::kBounded) {
    for (std::size_t e = 0; e != n;) {
      const std::size_t now = left < n - e ? left : n - e;
      for (const std::size_t last = e + now; e != last; ++e)
        add_some_events<Lane, kVectors>(Each<1>(), values + e, offsets + e, weights, sum);
      left -= now;
      if (left != 0) continue;
      settle_sums<Lane>(Each<kSums>(), sum);
      left = run;
    }
  } else {
    std::size_t e = 0;
    for (; e + kEventsAtOnce <= n; e += kEventsAtOnce)
      add_some_events<Lane, kVectors>(Each<kEventsAtOnce>(), values + e, offsets + e, weights, sum);
    // The rest together: how many there are is a branch that is not foreseen.
    if (e < n) add_last_events<Lane, kVectors>(Each<kEventsAtOnce>(), values + e, offsets + e, n - e, weights, sum);
  }
}

// A window of positions that slides over the pixels, for kernels of kPixels adjacent ones and stride 1: an event is
// taken once, for all the positions it reaches. `sum` is [how far the position lies before the pixel][vector].
template <class Lane, std::size_t kSums, std::size_t... I>
HWY_INLINE void slide_sums(std::index_sequence<I...>, typename Lane::Sum (&sum)[kSums]) {
  constexpr std::size_t kStep = kSums - sizeof...(I);
  ((sum[kSums - 1 - I] = sum[kSums - 1 - I - kStep]), ...);
}
template <class Lane, std::size_t kVectors, std::size_t kSums, std::size_t... V>
HWY_INLINE void finish_last(std::index_sequence<V...>, const Band& band, const typename Lane::Sum (&sum)[kSums],
                            std::size_t x, std::size_t at, const std::int32_t* from, std::int32_t* sums) {
  const typename Lane::Sum last[kVectors] = {sum[kSums - kVectors + V]...};
  finish_tile<Lane, kVectors>(band, last, x, at, from, sums);
}
template <class Lane, std::size_t kVectors, std::size_t kSums, std::size_t... I>
HWY_INLINE void add_sliding(std::index_sequence<I...>, std::uint32_t value, const std::uint32_t* row, std::size_t pixel,
                            typename Lane::Sum (&sum)[kSums]) {
  const auto counts = Lane::all(value);
  (Lane::add(sum[I], counts, Lane::load(row + I / kVectors * pixel + I % kVectors * Lane::lanes())), ...);
}
template <class Lane, std::size_t kVectors, std::size_t kPixels>
void sliding_tile(const Band& band, std::size_t at, const std::int32_t* from, std::int32_t* sums) {
  constexpr std::size_t kSums = kPixels * kVectors;
  const Stretch& stretch = band.stretches[0];
  const std::uint32_t* weights = band.packed + (stretch.event_weights + static_cast<std::int64_t>(at));
  from += at;
  sums += at;
  typename Lane::Sum sum[kSums];
  zero_sums<Lane>(Each<kSums>(), sum);
  for (std::size_t pixel = 0; pixel < band.positions + kPixels - 1; ++pixel, weights -= band.pixel_weights) {
    slide_sums<Lane>(Each<kSums - kVectors>(), sum);
    if (pixel < band.positions)
      start_sums<Lane, kVectors>(Each<kVectors>(), sum, from + pixel * band.pitch, band.pitch);
    for (std::size_t e = stretch.starts[pixel]; e < stretch.starts[pixel + 1]; ++e)
      add_sliding<Lane, kVectors>(Each<kSums>(), band.values[e], weights + band.offsets[e], band.pixel_weights, sum);
    if (pixel + 1 < kPixels) continue;
    const std::size_t x = pixel + 1 - kPixels, done = x * band.pitch;
    finish_last<Lane, kVectors>(Each<kVectors>(), band, sum, x, at, from + done, sums + done);
  }
}

// kVectors vectors of outputs from `at` on, at every position.
template <class Lane, std::size_t kVectors>
void event_tile(const Band& band, std::size_t at, const std::int32_t* from, std::int32_t* sums) {
  constexpr std::size_t kSliding = 3;
  if constexpr (!Lane::kBounded && kSliding * kVectors * Lane::kSumRegisters <= Lane::kRegisters)
    if (band.stretch_count == 1 && band.stride == 1 && band.pixels == kSliding)
      return sliding_tile<Lane, kVectors, kSliding>(band, at, from, sums);
  constexpr std::size_t kChains = chains_of<Lane>(kVectors);
  const std::uint32_t* const packed = band.packed + at;
  from += at;
  sums += at;
  for (std::size_t x = 0; x < band.positions; ++x, from += band.pitch, sums += band.pitch) {
    typename Lane::Sum sum[kChains * kVectors];
    zero_sums<Lane>(Each<kChains * kVectors>(), sum);
    start_sums<Lane, kVectors>(Each<kVectors>(), sum, from, band.pitch);
    std::size_t left = band.run;
    for (std::size_t s = 0; s < band.stretch_count; ++s) {
      const Stretch& stretch = band.stretches[s];
      const std::uint32_t* starts = stretch.starts + x * band.stride;
      const std::uint32_t* weights =
          packed + (stretch.event_weights - static_cast<std::int64_t>(x * band.stride * band.pixel_weights));
      const std::size_t begin = starts[0], n = starts[band.pixels] - begin;
      add_range<Lane, kVectors>(band.values + begin, band.offsets + begin, n, weights, band.run, left, sum);
    }
    join_chains<Lane, kVectors>(Each<(kChains - 1) * kVectors>(), sum);
    settle_sums<Lane>(Each<kVectors>(), sum);
    finish_first<Lane, kVectors>(Each<kVectors>(), band, sum, x, at, from, sums);
  }
}

// Few events: each is added to the sums in memory of all positions that it reaches, and nothing is done for the others.
template <class Lane>
void scatter_events(const Band& band, std::int32_t* sums) {
  for (std::size_t s = 0; s < band.stretch_count; ++s) {
    const Stretch& stretch = band.stretches[s];
    const std::size_t reached = (band.positions - 1) * band.stride + band.pixels;
    for (std::size_t pixel = 0; pixel < reached; ++pixel) {
      const std::size_t first = pixel < band.pixels ? 0 : (pixel - band.pixels) / band.stride + 1;
      const std::size_t last = pixel / band.stride < band.positions ? pixel / band.stride : band.positions - 1;
      for (std::uint32_t e = stretch.starts[pixel]; e < stretch.starts[pixel + 1]; ++e) {
        const auto counts = Lane::all(band.values[e]);
        for (std::size_t x = first; x <= last; ++x) {
          const std::uint32_t* weights =
              band.packed + (stretch.event_weights + static_cast<std::int64_t>(band.offsets[e]) -
                             static_cast<std::int64_t>(x * band.stride * band.pixel_weights));
          std::int32_t* to = sums + x * band.pitch;
          for (std::size_t o = 0; o < band.outputs; o += Lane::lanes()) {
            auto sum = Lane::start(to + o);
            Lane::add(sum, counts, Lane::load(weights + o));
            Lane::settle(sum);
            Lane::Fires::keep(Lane::total(sum, to + o), to + o);
          }
        }
      }
    }
  }
}
// Neurons whose sums are in memory.
template <class Lane, class Volley>
HWY_INLINE void fire_kept(const Band& band, const Volley volley, const std::int32_t* sums) {
  const std::size_t lanes = Lane::lanes();
  Count* out = band.firing->out;
  for (std::size_t x = 0; x < band.positions; ++x, sums += band.pitch, out += band.pitch) {
    std::size_t o = 0;
    for (; o + 2 * lanes <= band.outputs; o += 2 * lanes)
      Lane::Fires::fire(volley, o, Lane::Fires::load(sums + o), Lane::Fires::load(sums + o + lanes), out + o);
    if (o < band.outputs) Lane::Fires::fire(volley, o, Lane::Fires::load(sums + o), out + o);
  }
}
HWY_INLINE std::size_t event_count(const Band& band) {
  std::size_t n = 0;
  for (std::size_t s = 0; s < band.stretch_count; ++s)
    n += band.stretches[s].starts[(band.positions - 1) * band.stride + band.pixels] - band.stretches[s].starts[0];
  return n;
}

// One word of kPosition's counts, and its weights.
template <class Lane, std::size_t kPosition, std::size_t kVectors, std::size_t kSums, std::size_t... V>
HWY_INLINE void add_word(std::index_sequence<V...>, const std::byte* counts, const typename Lane::Word (&row)[kVectors],
                         typename Lane::Sum (&sum)[kSums]) {
  std::uint32_t word = 0;
  std::memcpy(&word, counts, 4);
  const auto value = Lane::all(word);
  (Lane::add(sum[kPosition * kVectors + V], value, row[V]), ...);
}
// Positions are reached from every fifth: one and three strides in registers serve all of them.
constexpr std::size_t kReach = 5;
template <class Lane, std::size_t kVectors, std::size_t kBases, std::size_t kSums, std::size_t... P>
HWY_INLINE void add_words(std::index_sequence<P...>, const std::byte* const (&counts)[kBases], std::size_t stride,
                          const typename Lane::Word (&row)[kVectors], typename Lane::Sum (&sum)[kSums]) {
  (add_word<Lane, P>(Each<kVectors>(), counts[P / kReach] + P % kReach * stride, row, sum), ...);
}
template <class Lane, std::size_t kVectors, std::size_t... V>
HWY_INLINE void load_row(std::index_sequence<V...>, const std::uint32_t* weights,
                         typename Lane::Word (&row)[kVectors]) {
  ((row[V] = Lane::load(weights + V * Lane::lanes())), ...);
}

// kPositions positions from `x` on, kVectors vectors of outputs from `at` on: one load of a weight serves all of them.
template <class Lane, std::size_t kPositions, std::size_t kVectors>
void dense_tile(const Band& band, std::size_t x, std::size_t at, const std::int32_t* from, std::int32_t* sums) {
  constexpr std::size_t kBases = (kPositions + kReach - 1) / kReach;
  constexpr Each<kPositions * kVectors> kAll;
  const std::size_t stride = band.stride_bytes;
  from += x * band.pitch + at;
  sums += x * band.pitch + at;
  typename Lane::Sum sum[kPositions * kVectors];
  start_sums<Lane, kVectors>(kAll, sum, from, band.pitch);
  const std::size_t chunk = Lane::kBounded ? band.chunk : band.words;
  for (std::size_t s = 0; s < band.stretch_count; ++s) {
    const std::uint32_t* weights = band.packed + (band.stretches[s].weights + static_cast<std::int64_t>(at));
    const std::byte* counts[kBases];
    for (std::size_t b = 0; b < kBases; ++b)
      counts[b] = band.stretches[s].counts + band.skipped + (x + b * kReach) * stride;
    for (std::size_t i = 0; i < band.words;) {
      const std::size_t end = chunk < band.words - i ? i + chunk : band.words;
      for (; i < end; ++i, weights += band.row) {
        typename Lane::Word row[kVectors];
        load_row<Lane>(Each<kVectors>(), weights, row);
        add_words<Lane, kVectors>(Each<kPositions>(), counts, stride, row, sum);
        for (auto& base : counts) base += 4;
      }
      settle_sums<Lane>(kAll, sum);
    }
  }
  finish_tile<Lane, kVectors>(band, sum, x, at, from, sums);
}

// The same with a tail: half a vector of outputs is a vector for two words at a time, which are adjacent in the counts.
template <class Lane, std::size_t kSums, std::size_t... P>
HWY_INLINE void add_tails(std::index_sequence<P...>, const std::byte* counts, std::size_t stride,
                          typename Lane::Word weights, typename Lane::Sum (&sum)[kSums]) {
  (Lane::add(sum[P], Lane::two(counts + P * stride), weights), ...);
}
template <class Lane, std::size_t kVectors, std::size_t kSums, std::size_t... P>
HWY_INLINE void add_words_from(std::index_sequence<P...>, const std::byte* counts, std::size_t stride,
                               const typename Lane::Word (&row)[kVectors], typename Lane::Sum (&sum)[kSums]) {
  (add_word<Lane, P>(Each<kVectors>(), counts + P * stride, row, sum), ...);
}
template <class Lane, std::size_t kSums, std::size_t... P>
HWY_INLINE void finish_tails(std::index_sequence<P...>, const Band& band, const typename Lane::Sum (&sum)[kSums],
                             std::size_t x, std::size_t at, const std::int32_t* from, std::int32_t* sums) {
  if (band.firing && band.firing->is_short) {
    Count* out = band.firing->out + x * band.pitch + at;
    (Lane::fire_tail(sum[P], from + P * band.pitch, band.firing->in_short, at, out + P * band.pitch), ...);
  } else if (band.firing) {
    Count* out = band.firing->out + x * band.pitch + at;
    (Lane::fire_tail(sum[P], from + P * band.pitch, band.firing->volley, at, out + P * band.pitch), ...);
  } else {
    (Lane::keep_tail(sum[P], from + P * band.pitch, sums + P * band.pitch), ...);
  }
}
template <class Lane, std::size_t kPositions, std::size_t kVectors>
void dense_tile_with_tail(const Band& band, std::size_t x, std::size_t at, const std::int32_t* from,
                          std::int32_t* sums) {
  constexpr Each<kPositions * kVectors> kAll;
  constexpr Each<kPositions> kTails;
  const std::size_t stride = band.stride_bytes, outputs = kVectors * Lane::lanes();
  from += x * band.pitch + at;
  sums += x * band.pitch + at;
  typename Lane::Sum sum[kPositions * kVectors], tail[kPositions];
  start_sums<Lane, kVectors>(kAll, sum, from, band.pitch);
  zero_sums<Lane>(kTails, tail);
  for (std::size_t s = 0; s < band.stretch_count; ++s) {
    const std::uint32_t* weights = band.packed + (band.stretches[s].weights + static_cast<std::int64_t>(at));
    const std::uint32_t* tails = band.tail + band.stretches[s].tail;
    const std::byte* counts = band.stretches[s].counts + band.skipped + x * stride;
    for (std::size_t i = 0; i < band.words; i += 2, tails += kTile, counts += 4) {
      add_tails<Lane>(kTails, counts, stride, Lane::load(tails), tail);
      typename Lane::Word row[kVectors];
      load_row<Lane>(Each<kVectors>(), weights, row);
      add_words_from<Lane, kVectors>(kTails, counts, stride, row, sum);
      weights += band.row;
      counts += 4;
      if (i + 1 == band.words) break;
      load_row<Lane>(Each<kVectors>(), weights, row);
      add_words_from<Lane, kVectors>(kTails, counts, stride, row, sum);
      weights += band.row;
    }
  }
  finish_tile<Lane, kVectors>(band, sum, x, at, from, sums);
  finish_tails<Lane>(kTails, band, tail, x, at + outputs, from + outputs, sums + outputs);
}

// All words of a single position, kVectors vectors of outputs from `at` on: in chains, as events are.
template <class Lane, std::size_t kVectors, std::size_t kSums, std::size_t... E>
HWY_INLINE void add_some_words(std::index_sequence<E...>, const std::byte* counts, const std::uint32_t* weights,
                               std::size_t row, typename Lane::Sum (&sum)[kSums]) {
  std::uint32_t words[sizeof...(E)];
  std::memcpy(words, counts, sizeof words);
  (add_event<Lane, kVectors, E % (kSums / kVectors)>(Each<kVectors>(), words[E], weights + E * row, sum), ...);
}
template <class Lane, std::size_t kVectors>
void single_tile(const Band& band, std::size_t at, const std::int32_t* from, std::int32_t* sums) {
  constexpr std::size_t kChains = chains_of<Lane>(kVectors);
  typename Lane::Sum sum[kChains * kVectors];
  zero_sums<Lane>(Each<kChains * kVectors>(), sum);
  start_sums<Lane, kVectors>(Each<kVectors>(), sum, from + at, band.pitch);
  for (std::size_t s = 0; s < band.stretch_count; ++s) {
    const std::uint32_t* weights = band.packed + (band.stretches[s].weights + static_cast<std::int64_t>(at));
    const std::byte* counts = band.stretches[s].counts;
    std::size_t i = 0;
    for (; i + kEventsAtOnce <= band.words; i += kEventsAtOnce)
      add_some_words<Lane, kVectors>(Each<kEventsAtOnce>(), counts + 4 * i, weights + i * band.row, band.row, sum);
    for (; i < band.words; ++i)
      add_some_words<Lane, kVectors>(Each<1>(), counts + 4 * i, weights + i * band.row, band.row, sum);
  }
  join_chains<Lane, kVectors>(Each<(kChains - 1) * kVectors>(), sum);
  settle_sums<Lane>(Each<kVectors>(), sum);
  finish_first<Lane, kVectors>(Each<kVectors>(), band, sum, 0, at, from + at, sums + at);
}

// `now` positions, at most kPositions.
template <class Lane, std::size_t kPositions, std::size_t kVectors, bool kWithTail>
void some_positions(const Band& band, std::size_t now, std::size_t x, std::size_t at, const std::int32_t* from,
                    std::int32_t* sums) {
  if (now == kPositions) {
    if constexpr (kWithTail) {
      return dense_tile_with_tail<Lane, kPositions, kVectors>(band, x, at, from, sums);
    } else {
      return dense_tile<Lane, kPositions, kVectors>(band, x, at, from, sums);
    }
  }
  if constexpr (kPositions > 1) some_positions<Lane, kPositions - 1, kVectors, kWithTail>(band, now, x, at, from, sums);
}

// A row in as few tiles as the registers allow, of much the same size: 14 positions are 7 and 7, not 8 and six times 1.
template <class Lane, std::size_t kVectors, bool kWithTail = false>
void dense_rows(const Band& band, std::size_t at, const std::int32_t* from, std::int32_t* sums) {
  constexpr std::size_t kSums = (kVectors + kWithTail) * Lane::kSumRegisters;
  constexpr std::size_t kPositions = Lane::kRegisters / kSums < 1 ? 1 : Lane::kRegisters / kSums;
  // Of a single vector of outputs many positions are taken together: there is little else to hide a load behind.
  constexpr std::size_t kAtOnce = kVectors == 1 ? 14 : 8;
  constexpr std::size_t kMost = kPositions < kAtOnce ? kPositions : kAtOnce;
  for (std::size_t x = 0; x < band.positions;) {
    const std::size_t left = band.positions - x, tiles = (left + kMost - 1) / kMost, now = (left + tiles - 1) / tiles;
    some_positions<Lane, kMost, kVectors, kWithTail>(band, now, x, at, from, sums);
    x += now;
  }
}

// `now` vectors of outputs, at most kVectors.
template <class Lane, std::size_t kVectors>
void some_events(const Band& band, std::size_t now, std::size_t at, const std::int32_t* from, std::int32_t* sums) {
  if (now == kVectors) return event_tile<Lane, kVectors>(band, at, from, sums);
  if constexpr (kVectors > 1) some_events<Lane, kVectors - 1>(band, now, at, from, sums);
}
template <class Lane, std::size_t kVectors>
void some_singles(const Band& band, std::size_t now, std::size_t at, const std::int32_t* from, std::int32_t* sums) {
  if (now == kVectors) return single_tile<Lane, kVectors>(band, at, from, sums);
  if constexpr (kVectors > 1) some_singles<Lane, kVectors - 1>(band, now, at, from, sums);
}
template <class Lane, std::size_t kVectors>
void some_dense(const Band& band, std::size_t now, std::size_t at, const std::int32_t* from, std::int32_t* sums) {
  if (now == kVectors) return dense_rows<Lane, kVectors>(band, at, from, sums);
  if constexpr (kVectors > 1) some_dense<Lane, kVectors - 1>(band, now, at, from, sums);
}

// Outputs are taken by as many vectors at a time as there are registers for; lanes divide them.
template <class Lane>
void add_events(const Band& band, std::int32_t* sums) {
  constexpr std::size_t kMost = Lane::kMostEvents;
  const std::size_t lanes = Lane::lanes();
  if constexpr (Lane::kScattered > 0)
    if (event_count(band) * 100 < band.positions * Lane::kScattered) {
      if (band.from && band.from != sums)
        std::memcpy(sums, band.from, ((band.positions - 1) * band.pitch + band.outputs) * sizeof *sums);
      scatter_events<Lane>(band, sums);
      if (!band.firing) return;
      band.firing->is_short ? fire_kept<Lane>(band, band.firing->in_short, sums)
                            : fire_kept<Lane>(band, band.firing->volley, sums);
      return;
    }
  for (std::size_t at = 0; at < band.outputs;) {
    const std::size_t left = (band.outputs - at) / lanes, now = left < kMost ? left : kMost;
    some_events<Lane, kMost>(band, now, at, band.from ? band.from : sums, sums);
    at += now * lanes;
  }
}

// As many outputs from `at` on as are taken at a time; returns where the next ones begin.
template <class Lane>
HWY_INLINE std::size_t dense_outputs(const Band& band, std::size_t at, std::int32_t* sums) {
  const std::int32_t* const from = band.from ? band.from : sums;
  const std::size_t lanes = Lane::lanes();
  const bool single = !Lane::kBounded && band.positions == 1;
  constexpr std::size_t kWide = Lane::kRegisters / Lane::kSumRegisters >= 12 ? 4 : 3;
  const std::size_t most = single ? Lane::kMostEvents : kWide;
  std::size_t left = (band.outputs - at) / lanes;
  if constexpr (Lane::kHasTails) {
    if (band.tail && left == 1) {
      dense_rows<Lane, 1, true>(band, at, from, sums);
      return band.outputs;
    }
    if (band.tail) --left;  // the last vector goes with the tail
  }
  const std::size_t now = left < most ? left : most;
  if constexpr (!Lane::kBounded)
    if (single) some_singles<Lane, Lane::kMostEvents>(band, now, at, from, sums);
  if (!single) some_dense<Lane, kWide>(band, now, at, from, sums);
  return at + now * lanes;
}

template <class Lane>
void add_dense(const Band& band, std::int32_t* sums) {
  std::size_t at = 0;
  if (band.rows == 1) {
    while (at < band.outputs) at = dense_outputs<Lane>(band, at, sums);
    return;
  }
  Firing firing = *band.firing;
  Band row = band;
  row.firing = &firing;
  for (std::size_t next = 0; at < band.outputs; at = next) {
    for (std::size_t r = 0; r < band.rows; ++r) {
      row.from = band.from + r * band.from_row;
      row.skipped = r * band.row_bytes;
      firing.out = band.firing->out + r * band.positions * band.pitch;
      next = dense_outputs<Lane>(row, at, sums);
    }
  }
}
