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

template <class T>
HWY_INLINE std::size_t list_of(const T* row, std::size_t n, std::uint32_t* index, double* value) {
  std::size_t count = 0, i = 0;
  for (; i + 64 <= n; i += 64) {
    for (std::uint64_t word = not_zero(row + i); word != 0; word &= word - 1) {
      const std::size_t at = i + static_cast<std::size_t>(std::countr_zero(word));
      index[count] = static_cast<std::uint32_t>(at);
      value[count++] = row[at];
    }
  }
  for (; i < n; ++i) {
    if (row[i] == 0) continue;
    index[count] = static_cast<std::uint32_t>(i);
    value[count++] = row[i];
  }
  return count;
}

std::size_t list(const double* row, std::size_t n, std::uint32_t* index, double* value) {
  return list_of(row, n, index, value);
}
std::size_t list_floats(const float* row, std::size_t n, std::uint32_t* index, double* value) {
  return list_of(row, n, index, value);
}
std::size_t list_bits(const std::uint64_t* words, std::size_t n, std::uint32_t* index) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::uint64_t word = words[i]; word != 0; word &= word - 1)
      index[count++] = static_cast<std::uint32_t>(i * 64 + static_cast<std::size_t>(std::countr_zero(word)));
  return count;
}

void rows(Events events, const float* __restrict weights, std::size_t n, double* __restrict sums) {
  constexpr std::size_t kTile = 4;  // sums of a tile stay in registers over all events
  std::size_t o = 0;
  for (; o + 8 * kTile <= n; o += 8 * kTile) {
    Eight tile[kTile];
    for (std::size_t j = 0; j < kTile; ++j) tile[j] = load(sums + o + 8 * j);
    for (std::size_t e = 0; e < events.count; ++e) {
      const float* row = weights + events.index[e] * n + o;
      const Eight x = all(events.value[e]);
      for (std::size_t j = 0; j < kTile; ++j) tile[j] = add(tile[j], mul(load(row + 8 * j), x));
    }
    for (std::size_t j = 0; j < kTile; ++j) store(tile[j], sums + o + 8 * j);
  }
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
  const std::size_t from = first / kMarked, to = (first + n - 1) / kMarked;
  for (std::size_t block = from; block <= to;) {
    const std::size_t word = block / 64, end = std::min(to + 1, (word + 1) * 64);
    const std::uint64_t below = end % 64 == 0 ? ~std::uint64_t{0} : (std::uint64_t{1} << (end % 64)) - 1;
    touched[word] |= below & (~std::uint64_t{0} << (block % 64));
    block = end;
  }
}

HWY_INLINE void add_row(double* __restrict sums, const float* __restrict weights, double value, std::size_t n) {
  const Eight x = all(value);
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) store(add(load(sums + i), mul(load(weights + i), x)), sums + i);
  for (; i < n; ++i) sums[i] = sums[i] + static_cast<double>(weights[i]) * value;
}

std::uint64_t windows(Events events, const Windows& w, double* __restrict sums, std::uint64_t* touched) {
  std::uint64_t products = 0;
  const std::size_t targets = w.group_targets;
  for (std::size_t e = 0; e < events.count; ++e) {
    const std::uint32_t channel = w.positions(events.index[e]);
    const std::uint32_t position = events.index[e] - channel * w.positions.divisor;
    const std::uint32_t y = w.width(position), x = position - y * w.width.divisor;
    const double value = events.value[e];
    const float* kernels = w.weights + std::size_t{channel} * w.kernel_area * targets;
    const std::size_t group = w.group_sources(channel) * targets;
    for (std::uint32_t hy = w.y.begin[y]; hy < w.y.begin[y + 1]; ++hy) {
      const Run row = w.y.runs[hy];
      for (std::uint32_t hx = w.x.begin[x]; hx < w.x.begin[x + 1]; ++hx) {
        const Run run = w.x.runs[hx];
        const float* weight = kernels + (std::size_t{row.kernel} * w.kernel_width + run.kernel) * targets;
        const std::size_t at = std::size_t{row.target} * w.target_width + run.target, n = run.count * targets;
        products += n;
        if (!w.channel_last) {
          for (std::size_t j = 0; j < run.count; ++j)
            for (std::size_t o = 0; o < targets; ++o)
              sums[(group + o) * w.target_positions + at + j] += static_cast<double>(weight[j * targets + o]) * value;
        } else if (targets == w.channels) {
          add_row(sums + at * targets, weight, value, n);
          if (touched) mark(touched, at * targets, n);
        } else {
          for (std::size_t j = 0; j < run.count; ++j) {
            add_row(sums + (at + j) * w.channels + group, weight + j * targets, value, targets);
            if (touched) mark(touched, (at + j) * w.channels + group, targets);
          }
        }
      }
    }
  }
  return products;
}

std::uint64_t pools(Events events, const Windows& w, double* __restrict sums, std::uint64_t* reached) {
  std::uint64_t additions = 0;
  for (std::size_t e = 0; e < events.count; ++e) {
    const std::uint32_t channel = w.positions(events.index[e]);
    const std::uint32_t position = events.index[e] - channel * w.positions.divisor;
    const std::uint32_t y = w.width(position), x = position - y * w.width.divisor;
    for (std::uint32_t hy = w.y.begin[y]; hy < w.y.begin[y + 1]; ++hy) {
      for (std::uint32_t hx = w.x.begin[x]; hx < w.x.begin[x + 1]; ++hx) {
        const Run run = w.x.runs[hx];
        const std::size_t first = std::size_t{channel} * w.target_positions +
                                  std::size_t{w.y.runs[hy].target} * w.target_width + run.target;
        for (std::size_t at = first; at < first + run.count; ++at) {
          sums[at] += events.value[e];
          if (reached) reached[at / 64] |= std::uint64_t{1} << (at % 64);
        }
        additions += run.count;
      }
    }
  }
  return additions;
}
