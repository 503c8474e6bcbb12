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

  // Bit i: neuron first + i is above its threshold. `wild` gathers 0 x: a 0 of either sign, or a NaN where x is not finite.
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
    wild = bits_of_both(wild, mul(x, all(0)));
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
      wild = bits_of_both(wild, all(v[i] * 0));
      if (v[i] > limit.of(i)) fired |= 1u << (i - first);
    }
    return fired;
  }
};

// Puts right what is above its threshold.
template <bool kAlike>
struct Firings {
  double* const v;
  const double *const threshold, *const v_reset, *const limit;
  std::uint32_t* const fired;
  double* const spikes_of;
  const double most;
  const bool many, greater, subtract;
  std::size_t count = 0;
  bool finite = true;

  HWY_INLINE Firings(const Membranes& rule, const MembranePass& pass)
      : v(pass.v),
        threshold(rule.threshold),
        v_reset(rule.v_reset),
        limit(rule.limit),
        fired(pass.fired),
        spikes_of(pass.spikes),
        most(rule.most),
        many(rule.most != 1),
        greater(rule.comparison == Comparison::greater),
        subtract(rule.reset == Reset::subtract) {}

  // True if neuron i is above its threshold after its reset, too.
  HWY_INLINE bool fire(std::size_t i) {
    const std::size_t at = kAlike ? 0 : i;
    double spikes = 1;
    if (many) {
      // As loops.fire: a quotient that rounding brought to 1 or below still is one spike.
      const double times = v[i] / threshold[at];
      const double whole = greater ? std::ceil(times) - 1 : std::floor(times);
      spikes = whole < 1 ? 1 : whole > most ? most : whole;
      spikes_of[count] = spikes;
    }
    fired[count++] = static_cast<std::uint32_t>(i);
    const double after = subtract ? v[i] - spikes * threshold[at] : v_reset[at];
    v[i] = after;
    finite &= after - after == 0;
    return after > limit[at];
  }
};

// Who fired: bits of the neurons from firsts[j] on.
template <class Mask, std::size_t kMost>
struct Hits {
  std::uint32_t firsts[kMost + 1];
  Mask masks[kMost + 1];
  std::size_t some = 0;

  // Which of them fire no branch predictor can guess: those that did are gathered without branches, and so gone through.
  HWY_INLINE void note(std::size_t first, Mask fired) {
    firsts[some] = static_cast<std::uint32_t>(first);
    masks[some] = fired;
    some += fired != 0;
  }
  // Where `touched` is not null, those that are above their threshold still are marked in it.
  template <class F>
  HWY_INLINE void fire(F& firings, std::uint64_t* touched) {
    masks[some] = 0;
    std::uint32_t left = masks[0];
    for (std::size_t j = 0; j < some;) {
      const std::uint32_t i = firsts[j] + static_cast<std::uint32_t>(std::countr_zero(left));
      if (firings.fire(i) && touched) touched[i / 512] |= std::uint64_t{1} << (i / 8 % 64);
      left &= left - 1;
      j += left == 0;
      left = left != 0 ? left : masks[j];
    }
    some = 0;
  }
};

// Every neuron is stepped. `touched`: null, or where those are marked that would fire again.
template <class Loop, class F>
HWY_INLINE bool step_all(const Loop loop, std::size_t n, std::uint64_t* touched, F& firings) {
  constexpr std::size_t kGroup = 32, kGroups = 512;  // neurons to a note; notes at a time
  Hits<std::uint32_t, kGroups> hits;
  Eight wild = all(0);
  std::size_t i = 0;
  while (i + kGroup <= n) {
    for (std::size_t groups = 0; groups < kGroups && i + kGroup <= n; ++groups, i += kGroup) {
      std::uint32_t fired = 0;
      for (unsigned j = 0; j < kGroup; j += 8) fired |= loop.block(i + j, wild) << j;
      hits.note(i, fired);
    }
    hits.fire(firings, touched);
  }
  for (; i < n; i += 8) hits.note(i, i + 8 <= n ? loop.block(i, wild) : loop.last_block(i, n, wild));
  hits.fire(firings, touched);
  return any_bit_but_signs(wild);
}

// Only blocks that were touched are stepped.
template <class Loop, class F>
HWY_INLINE bool step_touched(const Loop loop, std::size_t n, std::uint64_t* touched, F& firings,
                             std::size_t& updated) {
  constexpr std::size_t kWords = 64;  // at a time
  const std::size_t whole = n / 8, words = (n + 8 * 64 - 1) / (8 * 64);  // blocks; words of bits
  Hits<std::uint8_t, 64 * kWords> hits;
  Eight wild = all(0);
  const bool last = whole * 8 < n && (touched[whole / 64] >> (whole % 64) & 1) != 0;
  for (std::size_t begin = 0; begin < words; begin += kWords) {
    for (std::size_t word = begin; word < HWY_MIN(words, begin + kWords); ++word) {
      std::uint64_t left = touched[word];
      if (left == 0) continue;
      touched[word] = 0;
      if (whole - word * 64 < 64) left &= (std::uint64_t{1} << (whole - word * 64)) - 1;
      updated += 8 * static_cast<std::size_t>(std::popcount(left));
      for (; left != 0; left &= left - 1) {
        const std::size_t first = word * 512 + 8 * static_cast<std::size_t>(std::countr_zero(left));
        hits.note(first, static_cast<std::uint8_t>(loop.block(first, wild)));
      }
    }
    hits.fire(firings, touched);
  }
  if (last) {
    hits.note(whole * 8, static_cast<std::uint8_t>(loop.last_block(whole * 8, n, wild)));
    hits.fire(firings, touched);
    updated += n - whole * 8;
  }
  return any_bit_but_signs(wild);
}

// A block that is looked for costs about as much as two in a row. If there are many, all are stepped and none marked.
HWY_INLINE bool few_touched(std::uint64_t* touched, std::size_t n) {
  const std::size_t words = (n + 8 * 64 - 1) / (8 * 64);
  std::size_t count = 0;
  for (std::size_t i = 0; i < words; ++i) count += static_cast<std::size_t>(std::popcount(touched[i]));
  if (count * 8 * 2 < n) return true;
  for (std::size_t i = 0; i < words; ++i) touched[i] = 0;
  return false;
}

template <Membranes::Update kUpdate, bool kAlike, bool kStartAlike>
MembranesStepped membranes_as(const Membranes& rule, const MembranePass& pass) {
  const MembraneLoop<kUpdate, kAlike, kStartAlike> loop(rule, pass);
  Firings<kAlike> firings(rule, pass);
  std::size_t updated = 0;
  bool wild;
  if (pass.touched && few_touched(pass.touched, pass.n)) {
    wild = step_touched(loop, pass.n, pass.touched, firings, updated);
  } else {
    wild = step_all(loop, pass.n, pass.touched, firings);
    updated = pass.n;
  }
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
