// Few single counts: each is added in 16 bits to sums in memory, of all positions that it reaches. No guard:
// kernels.cpp includes it in each namespace that is compiled for an instruction set, behind singles-inl.hpp.
//
// Two neighbours of one pixel are taken together, because what a core does least of is storing. Of a vector of weights,
// sums lie as a SingleSum: its first vector and its second side by side, which are brought into order when their
// neurons fire. Where all counts are 1, whole lanes add up in the first, and the upper bytes in the second.

template <class D>
HWY_INLINE void add_to_memory(D d, hn::Vec<D> sum, std::int16_t* to) {
  hn::Store(hn::Add(hn::Load(d, to), sum), d, to);
}

// What two events hold in common: their counts, or which lanes of the other one count.
template <class D, bool kValued>
struct Both {
  HWY_INLINE Both(D d, unsigned of_both, unsigned both)
      : counts(hn::Set(d, static_cast<std::int16_t>(kValued ? of_both : 0u - both))),
        bias(hn::Set(d, static_cast<std::int16_t>(kSingleBias * (1 + static_cast<int>(both))))) {}
  hn::Vec<D> counts, bias;
};
template <class D, bool kValued>
HWY_INLINE void scatter_two(D d, const Both<D, kValued>& both, const std::int8_t* weights, const std::int8_t* others,
                            std::int16_t* sums) {
  SingleSum<D> sum(hn::Zero(d), hn::Zero(d));
  if constexpr (kValued) {
    add_two(d, both.counts, weights, others, sum);
  } else {
    const auto one = hn::BitCast(d, single_weights(d, weights));
    const auto other = hn::And(hn::BitCast(d, single_weights(d, others)), both.counts);
    sum.first = hn::Add(hn::Sub(one, both.bias), other);
    sum.second = hn::Add(hn::ShiftRight<8>(one), hn::ShiftRight<8>(other));
  }
  add_to_memory(d, sum.first, sums);
  add_to_memory(d, sum.second, sums + hn::Lanes(d));
}

// One row of positions. With kVectors > 0 so many are a row of weights, and the kernel has three columns.
template <class D, bool kValued, std::size_t kVectors, std::size_t... I>
HWY_INLINE void scatter_columns(std::index_sequence<I...>, D d, const Both<D, kValued>& both,
                                const std::int8_t* weights, const std::int8_t* others, std::size_t column,
                                std::int16_t* sums) {
  constexpr std::size_t kVector = sizeof(hn::Vec<D>);
  (scatter_two<D, kValued>(d, both, weights + I / kVectors * column + I % kVectors * kVector,
                           others + I / kVectors * column + I % kVectors * kVector,
                           sums + I % kVectors * kVector - I / kVectors * kVectors * kVector),
   ...);
}
template <class D, bool kValued, std::size_t kVectors>
HWY_INLINE void scatter_row(D d, const Both<D, kValued>& both, const Scatter& scatter, const std::int8_t* weights,
                            const std::int8_t* others, std::int16_t* sums) {
  if constexpr (kVectors > 0) {
    scatter_columns<D, kValued, kVectors>(Each<3 * kVectors>(), d, both, weights, others, scatter.column, sums);
  } else {
    for (std::size_t c = 0; c < scatter.columns; ++c)
      for (std::size_t at = c * scatter.column; at < c * scatter.column + scatter.row; at += sizeof(hn::Vec<D>))
        scatter_two<D, kValued>(d, both, weights + at, others + at, sums + at - c * (scatter.column + scatter.row));
  }
}
template <class D, bool kValued, std::size_t kVectors>
void scatter_all(D d, const Scatter& of_all) {
  const Scatter scatter = of_all;  // which no store of a sum can change
  const std::size_t row = kVectors > 0 ? kVectors * sizeof(hn::Vec<D>) : scatter.row;
  const std::uint64_t reciprocal = (std::uint64_t{1} << 32) / scatter.channels + 1;
  for (std::size_t e = 0; e < scatter.count;) {
    const std::size_t event = scatter.events[e], pixel = event * reciprocal >> 32, first = pixel * scatter.channels;
    // Without a branch, which would not be foreseen. (What lies behind the last event is not counted.)
    const unsigned is_both = static_cast<unsigned>(scatter.events[e + 1] < first + scatter.channels) &
                             static_cast<unsigned>(e + 1 < scatter.count);
    const std::size_t weights = (event - first) * row, others = (scatter.events[e + is_both] - first) * row;
    const unsigned counts = kValued ? scatter.values[e] + (scatter.values[e + is_both] & (0u - is_both)) * 256u : 0;
    const Both<D, kValued> both(d, counts, is_both);
    e += 1 + is_both;
    for (const ScatterTarget& target : scatter.targets)
      scatter_row<D, kValued, kVectors>(d, both, scatter, target.weights + weights, target.weights + others,
                                        target.sums + pixel * row);
  }
}
template <class D, bool kValued>
HWY_INLINE void scatter_from(D d, const Scatter& scatter) {
  if constexpr (sizeof(hn::Vec<D>) > 16)
    if (scatter.row % sizeof(hn::Vec<D>) != 0) return scatter_from<hn::Half<D>, kValued>(hn::Half<D>(), scatter);
  constexpr bool kWhole = sizeof(hn::Vec<D>) == sizeof(hn::Vec<I16>);  // narrower ones come alone
  const std::size_t vectors = scatter.columns == 3 ? scatter.row / sizeof(hn::Vec<D>) : 0;
  if (vectors == 1) return scatter_all<D, kValued, 1>(d, scatter);
  if (kWhole && vectors == 2) return scatter_all < D, kValued, kWhole ? 2 : 0 > (d, scatter);
  if (kWhole && vectors == 4) return scatter_all < D, kValued, kWhole ? 4 : 0 > (d, scatter);
  scatter_all<D, kValued, 0>(d, scatter);
}
void scatter_singles(const Scatter& scatter) {
  scatter.values ? scatter_from<I16, true>(I16(), scatter) : scatter_from<I16, false>(I16(), scatter);
}

template <class D>
HWY_INLINE SingleSum<D> taken(D d, std::int16_t* sums) {
  const SingleSum<D> sum(hn::Load(d, sums), hn::Load(d, sums + hn::Lanes(d)));
  hn::Store(hn::Zero(d), d, sums);
  hn::Store(hn::Zero(d), d, sums + hn::Lanes(d));
  return sum;
}
// One SingleSum, from output `at` on, of positions that begin alike.
template <class D, bool kValued>
void fire_alike(D d, const Scattered& row, std::size_t at) {
  const std::size_t positions = row.positions, pitch = row.pitch, pixel = row.row;
  const AlikeNeurons<D> neurons(d, row.firing->in_short, at);
  std::int16_t* sums = row.sums + at;
  Count* out = row.firing->out + at;
  for (std::size_t x = 0; x < positions; ++x, out += pitch, sums += pixel) {
    const SingleSum<D> sum = taken(d, sums);
    const auto first = first_of<D, kValued>(d, sum, 0);
    neurons.fire(d, lower_in_order(d, first, sum.second), upper_in_order(d, first, sum.second), out);
  }
}
template <class D, bool kValued>
HWY_INLINE void fire_scattered_from(D d, const Scattered& row) {
  if constexpr (sizeof(hn::Vec<D>) > 16)
    if (row.row % sizeof(hn::Vec<D>) != 0) return fire_scattered_from<hn::Half<D>, kValued>(hn::Half<D>(), row);
  const std::size_t lanes = hn::Lanes(d), outputs = row.outputs, pitch = row.pitch, pixel = row.row;
  const ShortVolley volley = row.firing->in_short;
  if (volley.start && outputs % (2 * lanes) == 0) {
    for (std::size_t at = 0; at < outputs; at += 2 * lanes) fire_alike<D, kValued>(d, row, at);
    return;
  }
  const std::int32_t* from = row.from;
  std::int16_t* sums = row.sums;
  Count* out = row.firing->out;
  for (std::size_t x = 0; x < row.positions; ++x, from += pitch, out += pitch, sums += pixel) {
    for (std::size_t at = 0; at < outputs; at += 2 * lanes) {
      const SingleSum<D> sum = taken(d, sums + at);
      fire_blocks(d, first_of<D, kValued>(d, sum, 0), sum.second, outputs - at < 2 * lanes ? outputs - at : 2 * lanes,
                  from + at, volley, at, out + at);
    }
  }
}
void fire_scattered(const Scattered& row) {
  row.valued ? fire_scattered_from<I16, true>(I16(), row) : fire_scattered_from<I16, false>(I16(), row);
}
