// The bodies of loops.hpp's table. Included once per instruction set by loops.cpp, inside that set's namespace; hence
// no guard. Conditions are selections, so that compilers can vectorise; nothing here may depend on the order of lanes.

void leak(double* __restrict x, const double* __restrict in, const double* __restrict a, const double* __restrict k,
          const double* __restrict rest, std::size_t n, InputOrder order) {
  if (order == InputOrder::after_decay) {
    for (std::size_t i = 0; i < n; ++i) x[i] = (rest[i] + a[i] * (x[i] - rest[i])) + k[i] * in[i];
  } else {
    for (std::size_t i = 0; i < n; ++i) x[i] = rest[i] + a[i] * ((x[i] + k[i] * in[i]) - rest[i]);
  }
}

void multiply_add(double* __restrict x, const double* __restrict in, const double* __restrict k, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) x[i] = x[i] + k[i] * in[i];
}

void combine(double* __restrict out, const double* __restrict x, const double* __restrict k,
             const double* __restrict in, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = x[i] + k[i] * in[i];
}

void fire(double* __restrict spikes, const double* __restrict v, const double* __restrict threshold, std::size_t n,
          Comparison comparison, double most) {
  if (most == 1) {
    if (comparison == Comparison::greater) {
      for (std::size_t i = 0; i < n; ++i) spikes[i] = v[i] > threshold[i] ? 1.0 : 0.0;
    } else {
      for (std::size_t i = 0; i < n; ++i) spikes[i] = v[i] >= threshold[i] ? 1.0 : 0.0;
    }
    return;
  }
  // As often as the threshold goes into v; a quotient that rounding brought to 1 or below still is one spike.
  for (std::size_t i = 0; i < n; ++i) {
    const bool above = comparison == Comparison::greater ? v[i] > threshold[i] : v[i] >= threshold[i];
    const double times = v[i] / threshold[i];
    const double whole = comparison == Comparison::greater ? std::ceil(times) - 1 : std::floor(times);
    const double bounded = whole < 1 ? 1 : whole > most ? most : whole;
    spikes[i] = above ? bounded : 0.0;
  }
}

void subtract(double* __restrict v, const double* __restrict spikes, const double* __restrict threshold,
              std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) v[i] = v[i] - spikes[i] * threshold[i];
}

void set(double* __restrict v, const double* __restrict spikes, const double* __restrict value, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) v[i] = spikes[i] > 0 ? value[i] : v[i];
}

void hold(double* __restrict v, const double* __restrict kept, const double* __restrict held, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) v[i] = held[i] > 0 ? kept[i] : v[i];
}

void refract(double* __restrict spikes, double* __restrict held, double steps, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    spikes[i] = held[i] > 0 ? 0.0 : spikes[i];
    const double left = held[i] > 0 ? held[i] - 1 : 0.0;
    held[i] = spikes[i] > 0 ? steps : left;
  }
}

void izhikevich(double* __restrict v, double* __restrict u, const double* __restrict in, const double* __restrict a,
                const double* __restrict b, const double* __restrict peak, std::size_t n, double dt_ms,
                std::uint32_t substeps, double* __restrict spikes) {
  const double part = dt_ms / substeps;
  for (std::uint32_t step = 0; step < substeps; ++step)
    for (std::size_t i = 0; i < n; ++i)
      v[i] = v[i] + part * ((((0.04 * v[i]) * v[i] + 5 * v[i]) + 140) - u[i] + in[i]);
  for (std::size_t i = 0; i < n; ++i) u[i] = u[i] + (dt_ms * a[i]) * (b[i] * v[i] - u[i]);
  for (std::size_t i = 0; i < n; ++i) spikes[i] = v[i] >= peak[i] ? 1.0 : 0.0;
}

void lif(double* __restrict v, const double* __restrict in, const double* __restrict a, const double* __restrict k,
         const double* __restrict rest, const double* __restrict threshold, const double* __restrict v_reset,
         std::size_t n, double* __restrict spikes) {
  for (std::size_t i = 0; i < n; ++i) {
    const double next = (rest[i] + a[i] * (v[i] - rest[i])) + k[i] * in[i];
    const bool fired = next > threshold[i];
    spikes[i] = fired ? 1.0 : 0.0;
    v[i] = fired ? v_reset[i] : next;
  }
}

// By the exponent's bits, in integers: a sum of doubles would have to be added in order.
bool finite(const double* __restrict x, std::size_t n) {
  constexpr std::uint64_t kExponent = std::uint64_t{0x7ff} << 52;
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::uint64_t word;
    std::memcpy(&word, x + i, sizeof word);
    // The addition carries into bit 63 if and only if the exponent is all ones.
    any |= (word & kExponent) + (std::uint64_t{1} << 52);
  }
  return any >> 63 == 0;
}

std::size_t list(const double* __restrict row, std::size_t n, std::uint32_t* __restrict index,
                 double* __restrict value) {
  constexpr std::size_t kGroup = 64, kPart = 8;
  std::size_t count = 0, i = 0;
  // Most rows are nearly empty: ask for a group at a time whether any bit but the sign's is set.
  for (; i + kGroup <= n; i += kGroup) {
    std::uint64_t any[kPart] = {};
    for (std::size_t j = 0; j < kGroup; j += kPart) {
      std::uint64_t words[kPart];
      std::memcpy(words, row + i + j, sizeof words);
      for (std::size_t k = 0; k < kPart; ++k) any[k] |= words[k];
    }
    std::uint64_t all = 0;
    for (const std::uint64_t word : any) all |= word;
    if (all << 1 == 0) continue;
    for (std::size_t j = i; j < i + kGroup; ++j) {  // without branches: what is not counted is written over
      index[count] = static_cast<std::uint32_t>(j);
      value[count] = row[j];
      count += row[j] != 0;
    }
  }
  for (; i < n; ++i) {
    if (row[i] == 0) continue;
    index[count] = static_cast<std::uint32_t>(i);
    value[count++] = row[i];
  }
  return count;
}

void rows(Events events, const float* __restrict weights, std::size_t n, double* __restrict sums) {
  constexpr std::size_t kTile = 32;  // sums of a tile stay in registers over all events
  std::size_t o = 0;
  for (; o + kTile <= n; o += kTile) {
    double tile[kTile];
    for (std::size_t j = 0; j < kTile; ++j) tile[j] = sums[o + j];
    for (std::size_t e = 0; e < events.count; ++e) {
      const float* row = weights + events.index[e] * n + o;
      const double x = events.value[e];
      for (std::size_t j = 0; j < kTile; ++j) tile[j] = tile[j] + static_cast<double>(row[j]) * x;
    }
    for (std::size_t j = 0; j < kTile; ++j) sums[o + j] = tile[j];
  }
  for (std::size_t e = 0; e < events.count && o < n; ++e) {
    const float* row = weights + events.index[e] * n;
    const double x = events.value[e];
    for (std::size_t j = o; j < n; ++j) sums[j] = sums[j] + static_cast<double>(row[j]) * x;
  }
}

std::uint64_t columns(Events events, const std::uint32_t* __restrict begin, const std::uint32_t* __restrict target,
                      const float* __restrict weights, double* __restrict sums) {
  std::uint64_t products = 0;
  for (std::size_t e = 0; e < events.count; ++e) {
    const std::uint32_t first = begin[events.index[e]], last = begin[events.index[e] + 1];
    const double x = events.value[e];
    for (std::uint32_t i = first; i < last; ++i) sums[target[i]] += static_cast<double>(weights[i]) * x;
    products += last - first;
  }
  return products;
}

std::uint64_t windows(Events events, const Windows& w, double* __restrict sums) {
  std::uint64_t products = 0;
  const std::size_t targets = w.group_targets;
  for (std::size_t e = 0; e < events.count; ++e) {
    const std::uint32_t channel = events.index[e] / w.positions, position = events.index[e] % w.positions;
    const std::uint32_t y = position / w.width, x = position % w.width;
    const double value = events.value[e];
    const float* kernels = w.weights + std::size_t{channel} * w.kernel_area * targets;
    double* group = sums + std::size_t{channel / w.group_sources} * targets * w.channel_stride;
    for (std::uint32_t hy = w.y.begin[y]; hy < w.y.begin[y + 1]; ++hy) {
      const Hit row = w.y.hits[hy];
      for (std::uint32_t hx = w.x.begin[x]; hx < w.x.begin[x + 1]; ++hx) {
        const Hit column = w.x.hits[hx];
        const float* weight = kernels + (std::size_t{row.kernel} * w.kernel_width + column.kernel) * targets;
        double* sum = group + (std::size_t{row.target} * w.target_width + column.target) * w.position_stride;
        if (w.channel_stride == 1) {
          for (std::size_t o = 0; o < targets; ++o) sum[o] = sum[o] + static_cast<double>(weight[o]) * value;
        } else {
          for (std::size_t o = 0; o < targets; ++o) sum[o * w.channel_stride] += static_cast<double>(weight[o]) * value;
        }
        products += targets;
      }
    }
  }
  return products;
}

std::uint64_t pools(Events events, const Windows& w, double* __restrict sums) {
  std::uint64_t additions = 0;
  for (std::size_t e = 0; e < events.count; ++e) {
    const std::uint32_t channel = events.index[e] / w.positions, position = events.index[e] % w.positions;
    const std::uint32_t y = position / w.width, x = position % w.width;
    double* plane = sums + std::size_t{channel} * w.channel_stride;
    for (std::uint32_t hy = w.y.begin[y]; hy < w.y.begin[y + 1]; ++hy) {
      for (std::uint32_t hx = w.x.begin[x]; hx < w.x.begin[x + 1]; ++hx) {
        plane[std::size_t{w.y.hits[hy].target} * w.target_width + w.x.hits[hx].target] += events.value[e];
        ++additions;
      }
    }
  }
  return additions;
}
