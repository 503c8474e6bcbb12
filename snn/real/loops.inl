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
