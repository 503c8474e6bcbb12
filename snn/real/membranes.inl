// Integrate-and-fire in one pass. Few neurons fire: potentials are stored as they are after the update, and those above
// the threshold are put right one by one.

// Where the lines of a pass are, in registers: what is behind a pointer would be read again after every store.
template <bool kAlike>
struct Parameters {
  const double* values;
  Eight one;
  HWY_INLINE explicit Parameters(const double* v) : values(v), one(all(*v)) {}
  HWY_INLINE Eight at(std::size_t i) const {
    if constexpr (kAlike) return one;
    return load(values + i);
  }
  HWY_INLINE double of(std::size_t i) const { return values[kAlike ? 0 : i]; }
};

template <Membranes::Update kUpdate, bool kAlike, bool kStartAlike>
struct MembraneLoop {
  double* const v;
  double* const sums;
  const Parameters<kAlike> a, k, rest, limit;
  const Parameters<kStartAlike> start;

  HWY_INLINE MembraneLoop(const Membranes& rule, const MembranePass& pass)
      : v(pass.v), sums(pass.sums), a(rule.a), k(rule.k), rest(rule.rest), limit(rule.limit), start(pass.start) {}

  // Bit i: neuron first + i is above its threshold. `wild` gathers x - x: 0, or a NaN where x is not finite.
  HWY_INLINE unsigned block(std::size_t first, Eight& wild) const {
    const Eight before = load(v + first), in = mul(k.at(first), load(sums + first));
    Eight x;
    if constexpr (kUpdate == Membranes::Update::add) {
      x = add(before, in);
    } else if constexpr (kUpdate == Membranes::Update::leak_after) {
      x = add(add(rest.at(first), mul(a.at(first), sub(before, rest.at(first)))), in);
    } else {
      x = add(rest.at(first), mul(a.at(first), sub(add(before, in), rest.at(first))));
    }
    store(x, v + first);
    store(start.at(first), sums + first);
    wild = bits_of_both(wild, sub(x, x));
    return above(x, limit.at(first));
  }
  // The same for the neurons behind the last whole block.
  unsigned last_block(std::size_t first, std::size_t n, Eight& wild) const {
    unsigned fired = 0;
    for (std::size_t i = first; i < n; ++i) {
      const double in = k.of(i) * sums[i], before = v[i];
      if constexpr (kUpdate == Membranes::Update::add) {
        v[i] = before + in;
      } else if constexpr (kUpdate == Membranes::Update::leak_after) {
        v[i] = (rest.of(i) + a.of(i) * (before - rest.of(i))) + in;
      } else {
        v[i] = rest.of(i) + a.of(i) * ((before + in) - rest.of(i));
      }
      sums[i] = start.of(i);
      wild = bits_of_both(wild, all(v[i] - v[i]));
      if (v[i] > limit.of(i)) fired |= 1u << (i - first);
    }
    return fired;
  }
};

// Puts right what is above its threshold.
struct Firings {
  const Membranes& rule;
  const MembranePass& pass;
  std::size_t count = 0;
  bool finite = true;

  double of(const double* values, std::size_t i) const { return values[rule.alike ? 0 : i]; }
  // True if neuron i is above its threshold after its reset, too.
  HWY_INLINE bool fire(std::size_t i) {
    const double v = pass.v[i], threshold = of(rule.threshold, i);
    double spikes = 1;
    if (rule.most != 1) {
      // As loops.fire: a quotient that rounding brought to 1 or below still is one spike.
      const double times = v / threshold;
      const double whole = rule.comparison == Comparison::greater ? std::ceil(times) - 1 : std::floor(times);
      spikes = whole < 1 ? 1 : whole > rule.most ? rule.most : whole;
      pass.spikes[count] = spikes;
    }
    pass.fired[count++] = static_cast<std::uint32_t>(i);
    const double after = rule.reset == Reset::subtract ? v - spikes * threshold : of(rule.v_reset, i);
    pass.v[i] = after;
    finite &= after - after == 0;
    return after > of(rule.limit, i);
  }
};

// Every neuron is stepped.
template <class Loop>
bool step_all(const Loop& loop, std::size_t n, Firings& firings) {
  const std::size_t whole = n / 8 * 8;
  Eight wild = all(0);
  for (std::size_t i = 0; i < whole; i += 8)
    for (unsigned fired = loop.block(i, wild); fired != 0; fired &= fired - 1)
      firings.fire(i + static_cast<std::size_t>(std::countr_zero(fired)));
  for (unsigned fired = loop.last_block(whole, n, wild); fired != 0; fired &= fired - 1)
    firings.fire(whole + static_cast<std::size_t>(std::countr_zero(fired)));
  return any_bit(wild);
}

// Only blocks that were touched are stepped. A share of them fires that no branch predictor can guess, so who did is
// gathered first, without branches.
template <class Loop>
bool step_touched(const Loop& loop, std::size_t n, std::uint64_t* touched, Firings& firings, std::size_t& updated) {
  const std::size_t whole = n / 8 * 8;
  Eight wild = all(0);
  for (std::size_t word = 0; word * 512 < n; ++word) {
    if (touched[word] == 0) continue;
    std::uint32_t firsts[64 + 1];
    unsigned masks[64 + 1];
    std::size_t some = 0;
    for (std::uint64_t left = touched[word]; left != 0; left &= left - 1) {
      const std::size_t first = word * 512 + 8 * static_cast<std::size_t>(std::countr_zero(left));
      if (first >= n) break;
      firsts[some] = static_cast<std::uint32_t>(first);
      masks[some] = first < whole ? loop.block(first, wild) : loop.last_block(first, n, wild);
      some += masks[some] != 0;
      updated += HWY_MIN(8, n - first);
    }
    touched[word] = 0;
    masks[some] = 0;
    unsigned left = masks[0];
    for (std::size_t j = 0; j < some;) {
      const std::size_t i = firsts[j] + static_cast<std::size_t>(std::countr_zero(left));
      touched[word] |= std::uint64_t{firings.fire(i)} << (firsts[j] / 8 % 64);
      left &= left - 1;
      j += left == 0;
      left = left != 0 ? left : masks[j];
    }
  }
  return any_bit(wild);
}

template <Membranes::Update kUpdate, bool kAlike, bool kStartAlike>
MembranesStepped membranes_as(const Membranes& rule, const MembranePass& pass) {
  const MembraneLoop<kUpdate, kAlike, kStartAlike> loop(rule, pass);
  Firings firings{rule, pass};
  std::size_t updated = pass.touched ? 0 : pass.n;
  const bool wild = pass.touched ? step_touched(loop, pass.n, pass.touched, firings, updated)
                                 : step_all(loop, pass.n, firings);
  // What was not finite may have been reset since.
  const bool finite_now = firings.finite && (!wild || finite(pass.v, pass.n));
  return {firings.count, updated, finite_now};
}

template <Membranes::Update kUpdate>
MembranesStepped membranes_by(const Membranes& rule, const MembranePass& pass) {
  if (rule.alike) {
    if (pass.start_alike) return membranes_as<kUpdate, true, true>(rule, pass);
    return membranes_as<kUpdate, true, false>(rule, pass);
  }
  if (pass.start_alike) return membranes_as<kUpdate, false, true>(rule, pass);
  return membranes_as<kUpdate, false, false>(rule, pass);
}

MembranesStepped membranes(const Membranes& rule, const MembranePass& pass) {
  switch (rule.update) {
    case Membranes::Update::add:
      return membranes_by<Membranes::Update::add>(rule, pass);
    case Membranes::Update::leak_after:
      return membranes_by<Membranes::Update::leak_after>(rule, pass);
    case Membranes::Update::leak_before:
      break;
  }
  return membranes_by<Membranes::Update::leak_before>(rule, pass);
}
