// Listing events and adding them. Included once per instruction set, behind eight.inl.

// A bit for each of 64 numbers: whether it is not 0 (a NaN is not).
template <class T>
HWY_INLINE std::uint64_t not_zero(const T* x) {
  const hn::ScalableTag<T> d;
  constexpr std::size_t kWide = HWY_LANES(T);
  const auto zero = hn::Zero(d);
  if constexpr (kWide < 8) {  // where bits are dear, ask first whether there are any
    auto any = hn::Ne(hn::LoadU(d, x), zero);
    for (std::size_t i = kWide; i < 64; i += kWide) any = hn::Or(any, hn::Ne(hn::LoadU(d, x + i), zero));
    if (hn::AllFalse(d, any)) return 0;
  }
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 64; i += kWide)
    word |= std::uint64_t{bits_of(d, hn::Ne(hn::LoadU(d, x + i), zero))} << i;
  return word;
}

// Appends the places of set bits of up to 64 words, the first of which is that of place `base`. How many there are in a
// word no branch predictor can guess: four are written, whatever they are, and as many counted as there were. `index` has
// room for three more than are found.
HWY_INLINE std::size_t append_bits(const std::uint64_t* words, std::size_t n, std::size_t base, std::uint32_t* index,
                                   std::size_t count) {
  std::uint64_t some[64 + 1];
  std::uint32_t at[64 + 1];
  std::size_t last = 0;
  for (std::size_t i = 0; i < n; ++i) {
    some[last] = words[i];
    at[last] = static_cast<std::uint32_t>(base + i * 64);
    last += words[i] != 0;
  }
  for (std::size_t i = 0; i < last; ++i) {
    std::uint64_t left = some[i];
    const auto found = static_cast<std::size_t>(std::popcount(left));
    for (std::size_t j = 0; j < found; j += 4) {
      for (std::size_t k = 0; k < 4; ++k, left &= left - 1)
        index[count + j + k] = at[i] + static_cast<std::uint32_t>(std::countr_zero(left));
    }
    count += found;
  }
  return count;
}

std::size_t list_bits(const std::uint64_t* words, std::size_t n, std::uint32_t* index) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < n; i += 64) count = append_bits(words + i, HWY_MIN(64, n - i), i * 64, index, count);
  return count;
}

template <class T>
HWY_INLINE std::size_t list_of(const T* row, std::size_t n, std::uint32_t* index, double* value) {
  std::size_t count = 0, i = 0;
  while (i + 64 <= n) {
    std::uint64_t words[64];
    const std::size_t base = i;
    std::size_t some = 0;
    for (; i + 64 <= n && some < 64; i += 64) words[some++] = not_zero(row + i);
    count = append_bits(words, some, base, index, count);
  }
  for (; i < n; ++i)
    if (row[i] != 0) index[count++] = static_cast<std::uint32_t>(i);
  for (std::size_t e = 0; e < count; ++e) value[e] = row[index[e]];
  return count;
}

std::size_t list(const double* row, std::size_t n, std::uint32_t* index, double* value) {
  return list_of(row, n, index, value);
}
std::size_t list_floats(const float* row, std::size_t n, std::uint32_t* index, double* value) {
  return list_of(row, n, index, value);
}

// kEights blocks of sums from `first` on, which stay in registers over all events.
template <std::size_t kEights>
HWY_INLINE void add_tile(Events events, const float* __restrict weights, std::size_t n, std::size_t first,
                         double* __restrict sums) {
  Eight tile[kEights];
  for (std::size_t j = 0; j < kEights; ++j) tile[j] = load(sums + first + 8 * j);
  for (std::size_t e = 0; e < events.count; ++e) {
    const float* row = weights + events.index[e] * n + first;
    const Eight x = all(events.value[e]);
    for (std::size_t j = 0; j < kEights; ++j) tile[j] = add(tile[j], mul(load(row + 8 * j), x));
  }
  for (std::size_t j = 0; j < kEights; ++j) store(tile[j], sums + first + 8 * j);
}

void rows(Events events, const float* __restrict weights, std::size_t n, double* __restrict sums) {
  constexpr std::size_t kTile = kParts == 1 ? 8 : 4;
  std::size_t o = 0;
  for (; o + 8 * kTile <= n; o += 8 * kTile) add_tile<kTile>(events, weights, n, o, sums);
  for (; o + 8 <= n; o += 8) add_tile<1>(events, weights, n, o, sums);
  for (std::size_t e = 0; e < events.count && o < n; ++e) {
    const float* row = weights + events.index[e] * n;
    const double x = events.value[e];
    for (std::size_t j = o; j < n; ++j) sums[j] = sums[j] + static_cast<double>(row[j]) * x;
  }
}

std::uint64_t columns(Events events, const std::uint32_t* __restrict begin, const std::uint32_t* __restrict target,
                      const float* __restrict weights, double* __restrict sums, std::uint64_t* touched) {
  std::uint64_t products = 0;
  for (std::size_t e = 0; e < events.count; ++e) {
    const std::uint32_t first = begin[events.index[e]], last = begin[events.index[e] + 1];
    const double x = events.value[e];
    for (std::uint32_t i = first; i < last; ++i) sums[target[i]] += static_cast<double>(weights[i]) * x;
    if (touched)
      for (std::uint32_t i = first; i < last; ++i) touched[target[i] / 512] |= std::uint64_t{1} << (target[i] / 8 % 64);
    products += last - first;
  }
  return products;
}

// Marks the blocks of `n` sums from `first` on.
HWY_INLINE void mark(std::uint64_t* touched, std::size_t first, std::size_t n) {
  const std::size_t block = first / kMarked, count = (first + n - 1) / kMarked - block + 1, bit = block % 64;
  if (bit + count <= 64) {
    touched[block / 64] |= ~std::uint64_t{0} >> (64 - count) << bit;
    return;
  }
  for (std::size_t b = block; b < block + count; ++b) touched[b / 64] |= std::uint64_t{1} << (b % 64);
}

HWY_INLINE void add_row(double* __restrict sums, const float* __restrict weights, Eight x, double value,
                        std::size_t n) {
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) store(add(load(sums + i), mul(load(weights + i), x)), sums + i);
  for (; i < n; ++i) sums[i] = sums[i] + static_cast<double>(weights[i]) * value;
}

// Where an event comes from, and the runs of its row and column.
struct Landing {
  std::uint32_t channel;
  const Run *y, *y_end, *x, *x_end;
  HWY_INLINE Landing(const Windows& w, std::uint32_t index) : channel(w.positions(index)) {
    const std::uint32_t position = index - channel * w.positions.divisor;
    const std::uint32_t row = w.width(position), column = position - row * w.width.divisor;
    y = w.y.runs + w.y.begin[row], y_end = w.y.runs + w.y.begin[row + 1];
    x = w.x.runs + w.x.begin[column], x_end = w.x.runs + w.x.begin[column + 1];
  }
};

// Rows whose length is known: nothing is asked on the way.
template <std::size_t kEights>
HWY_INLINE void add_rows(double* __restrict sums, const float* __restrict weights, const Patches& p,
                         std::uint32_t rows, Eight x) {
  for (std::uint32_t row = 0; row < rows; ++row, sums += p.sums_row, weights += p.weights_row)
    for (std::size_t i = 0; i < 8 * kEights; i += 8) store(add(load(sums + i), mul(load(weights + i), x)), sums + i);
}

std::uint64_t patches(Events events, const Patches& p, double* __restrict sums, std::uint64_t* __restrict touched) {
  std::uint64_t products = 0;
  for (std::size_t e = 0; e < events.count; ++e) {
    const std::uint32_t index = events.index[e], channel = p.positions(index);
    const Patch patch = p.patches[index - channel * p.positions.divisor];
    const double value = events.value[e];
    const Eight x = all(value);
    const float* from = p.weights + channel * p.channel_weights + patch.weights;
    double* to = sums + patch.sums;
    if (touched)
      for (std::uint32_t row = 0; row < patch.rows; ++row) mark(touched, patch.sums + row * p.sums_row, patch.row);
    switch (patch.row) {  // two or three kernel positions of 8 or 16 channels are most of what there is
      case 16:
        add_rows<2>(to, from, p, patch.rows, x);
        break;
      case 24:
        add_rows<3>(to, from, p, patch.rows, x);
        break;
      case 32:
        add_rows<4>(to, from, p, patch.rows, x);
        break;
      case 48:
        add_rows<6>(to, from, p, patch.rows, x);
        break;
      default:
        for (std::uint32_t row = 0; row < patch.rows; ++row, to += p.sums_row, from += p.weights_row)
          add_row(to, from, x, value, patch.row);
    }
    products += std::uint64_t{patch.rows} * patch.row;
  }
  return products;
}

// `count` target positions from `at` on, of the group whose first target channel is `group`.
HWY_INLINE void add_run(const Windows& w, double* __restrict sums, std::uint64_t* touched, const float* weight,
                        std::size_t at, std::size_t group, std::size_t count, Eight x, double value) {
  const std::size_t targets = w.group_targets;
  for (std::size_t j = 0; j < count; ++j, weight += targets) {
    if (w.channel_last) {
      add_row(sums + (at + j) * w.channels + group, weight, x, value, targets);
      if (touched) mark(touched, (at + j) * w.channels + group, targets);
    } else {
      for (std::size_t o = 0; o < targets; ++o)
        sums[(group + o) * w.target_positions + at + j] += static_cast<double>(weight[o]) * value;
    }
  }
}

std::uint64_t windows(Events events, const Windows& w, double* __restrict sums, std::uint64_t* touched) {
  const std::size_t targets = w.group_targets;
  std::uint64_t products = 0;
  for (std::size_t e = 0; e < events.count; ++e) {
    const Landing from(w, events.index[e]);
    const double value = events.value[e];
    const Eight x = all(value);
    const float* kernels = w.weights + std::size_t{from.channel} * w.kernel_area * targets;
    const std::size_t group = w.group_sources(from.channel) * targets;
    for (const Run* rows = from.y; rows != from.y_end; ++rows) {
      for (std::uint32_t row = 0; row < rows->count; ++row) {
        for (const Run* run = from.x; run != from.x_end; ++run) {
          const float* weight = kernels + (std::size_t{rows->kernel + row} * w.kernel_width + run->kernel) * targets;
          const std::size_t at = std::size_t{rows->target + row} * w.target_width + run->target;
          add_run(w, sums, touched, weight, at, group, run->count, x, value);
          products += run->count * targets;
        }
      }
    }
  }
  return products;
}

std::uint64_t pools(Events events, const Windows& w, double* __restrict sums, std::uint64_t* reached) {
  std::uint64_t additions = 0;
  for (std::size_t e = 0; e < events.count; ++e) {
    const Landing from(w, events.index[e]);
    const double value = events.value[e];
    for (const Run* row = from.y; row != from.y_end; ++row) {
      for (const Run* run = from.x; run != from.x_end; ++run) {
        const std::size_t first = std::size_t{from.channel} * w.target_positions +
                                  std::size_t{row->target} * w.target_width + run->target;
        for (std::size_t at = first; at < first + run->count; ++at) {
          sums[at] += value;
          if (reached) reached[at / 64] |= std::uint64_t{1} << (at % 64);
        }
        additions += run->count;
      }
    }
  }
  return additions;
}

std::uint64_t moves(Events events, const std::uint32_t* __restrict target, double* __restrict sums,
                    std::uint64_t* __restrict reached) {
  std::uint64_t additions = 0;
  for (std::size_t e = 0; e < events.count; ++e) {
    const std::uint32_t at = target[events.index[e]];
    if (at == kNowhere) continue;
    sums[at] += events.value[e];
    reached[at / 64] |= std::uint64_t{1} << (at % 64);
    ++additions;
  }
  return additions;
}
