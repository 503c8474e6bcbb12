// Integrate-and-fire in one pass. What fires is rare: potentials are stored as they are after the update, and those
// above the threshold are put right one by one.

struct MembraneStep {
  const Membranes& rule;
  const MembranePass& pass;
  std::size_t count = 0, updated = 0;

  double of(const double* values, std::size_t i) const { return values[rule.alike ? 0 : i]; }
  double updated_potential(double v, double in, std::size_t i) const {
    const double k = of(rule.k, i);
    if (rule.update == Membranes::Update::add) return v + k * in;
    const double a = of(rule.a, i), rest = of(rule.rest, i);
    if (rule.update == Membranes::Update::leak_after) return (rest + a * (v - rest)) + k * in;
    return rest + a * ((v + k * in) - rest);
  }
  // Neuron i is above its threshold. True if it still is after its reset.
  bool fires(std::size_t i) {
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
    if (rule.reset == Reset::subtract) {
      pass.v[i] = v - spikes * threshold;
    } else {
      pass.v[i] = of(rule.v_reset, i);
    }
    return pass.v[i] > of(rule.limit, i);
  }
};

// Numbers for all neurons stay in registers, others are read a block at a time.
template <bool kAlike>
struct Eights {
  const double* values;
  Eight one;
  HWY_INLINE explicit Eights(const double* v) : values(v), one(kAlike ? all(*v) : all(0)) {}
  HWY_INLINE Eight at(std::size_t i) const {
    if constexpr (kAlike) return one;
    return load(values + i);
  }
};

template <Membranes::Update kUpdate, bool kAlike, bool kStartAlike>
struct MembraneBlocks {
  MembraneStep step;
  Eights<kAlike> a, k, rest, limit;
  Eights<kStartAlike> start;
  Eight wild = all(0);  // x - x is 0, or a NaN where x is not finite

  HWY_INLINE MembraneBlocks(const Membranes& rule, const MembranePass& pass)
      : step{rule, pass}, a(rule.a), k(rule.k), rest(rule.rest), limit(rule.limit), start(pass.start) {}

  // True if one of the block is to be stepped again though nothing may reach it.
  HWY_INLINE bool block(std::size_t i) {
    double *v = step.pass.v + i, *sums = step.pass.sums + i;
    const Eight before = load(v), in = mul(k.at(i), load(sums));
    Eight x;
    if constexpr (kUpdate == Membranes::Update::add) {
      x = add(before, in);
    } else if constexpr (kUpdate == Membranes::Update::leak_after) {
      x = add(add(rest.at(i), mul(a.at(i), sub(before, rest.at(i)))), in);
    } else {
      x = add(rest.at(i), mul(a.at(i), sub(add(before, in), rest.at(i))));
    }
    store(x, v);
    store(start.at(i), sums);
    unsigned fired = above(x, limit.at(i));
    bool again = false;
    if (fired != 0) {
      for (; fired != 0; fired &= fired - 1) again |= step.fires(i + static_cast<std::size_t>(std::countr_zero(fired)));
      x = load(v);
    }
    wild = bits_of_both(wild, sub(x, x));
    return again;
  }

  // Neurons behind the last whole block; true as above.
  bool rest_of(std::size_t i) {
    bool again = false;
    for (; i < step.pass.n; ++i) {
      double& v = step.pass.v[i];
      v = step.updated_potential(v, step.pass.sums[i], i);
      step.pass.sums[i] = step.pass.start[kStartAlike ? 0 : i];
      if (v > step.of(step.rule.limit, i)) again |= step.fires(i);
      wild = bits_of_both(wild, all(v - v));
    }
    return again;
  }

  MembranesStepped run() {
    const std::size_t n = step.pass.n, whole = n / 8 * 8;
    std::uint64_t* touched = step.pass.touched;
    if (!touched) {
      for (std::size_t i = 0; i < whole; i += 8) block(i);
      rest_of(whole);
      return {step.count, n, !any_bit(wild)};
    }
    for (std::size_t word = 0; word * 512 < n; ++word) {
      std::uint64_t again = 0;
      for (std::uint64_t left = touched[word]; left != 0; left &= left - 1) {
        const std::size_t i = word * 512 + 8 * static_cast<std::size_t>(std::countr_zero(left));
        if (i < whole) {
          again |= block(i) ? left & (~left + 1) : 0;
          step.updated += 8;
        } else if (i < n) {
          again |= rest_of(i) ? left & (~left + 1) : 0;
          step.updated += n - i;
        }
      }
      touched[word] = again;
    }
    return {step.count, step.updated, !any_bit(wild)};
  }
};

template <Membranes::Update kUpdate>
MembranesStepped membranes_by(const Membranes& rule, const MembranePass& pass) {
  if (rule.alike) {
    if (pass.start_alike) return MembraneBlocks<kUpdate, true, true>(rule, pass).run();
    return MembraneBlocks<kUpdate, true, false>(rule, pass).run();
  }
  if (pass.start_alike) return MembraneBlocks<kUpdate, false, true>(rule, pass).run();
  return MembraneBlocks<kUpdate, false, false>(rule, pass).run();
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
