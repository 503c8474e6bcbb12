#include "snn/real/neurons/steps.hpp"

#include <cmath>

#include "snn/real/neurons/firing.hpp"
#include "snn/real/neurons/one_pass.hpp"

namespace syn::snn::real {
namespace {

template <class F>
void each_block(std::size_t neurons, F&& f) {
  for (std::size_t begin = 0; begin < neurons; begin += kBlock) f(begin, std::min(kBlock, neurons - begin));
}

void fill(std::span<double> variable, const Parameter& values) {
  for (std::size_t i = 0; i < variable.size(); ++i) variable[i] = values[values.size() == 1 ? 0 : i];
}

const double* zeros() {
  static constexpr double kZeros[kBlock]{};
  return kZeros;
}

// What the kinds have in common: how many neurons, and starting values of the named variables; the others start at 0.
class KindSteps : public Steps {
 public:
  KindSteps(std::size_t neurons, std::vector<Parameter> start) : n_(neurons), start_(std::move(start)) {}
  void start(std::span<double> state) const override {
    std::ranges::fill(state, 0.0);
    for (std::size_t i = 0; i < start_.size(); ++i) fill(state.subspan(i * n_, n_), start_[i]);
  }

 protected:
  template <class... Parts>
  std::uint64_t bytes_with(const Parts&... parts) const {
    std::uint64_t total = (parts.resident_bytes() + ... + 0);
    for (const Parameter& values : start_) total += values.capacity() * sizeof(double);
    return total;
  }

  std::size_t n_;

 private:
  std::vector<Parameter> start_;
};

Values gain_of(const Parameter& r, const Parameter& gain, double dt, std::size_t n) {
  return {gain.empty() ? combined([&](double value) { return value * dt; }, r) : gain, n};
}

class IfSteps final : public KindSteps {
 public:
  IfSteps(const If& kind, double dt, std::size_t n)
      : KindSteps(n, {kind.v0}),
        k_(gain_of(kind.r, kind.gain, dt, n)),
        firing_(kind.firing, n),
        one_pass_(kind.firing, Membranes::Update::add, {}, k_, {}, n) {}

  void step(const Loops& loops, const double* in, double* state, double* out) const override {
    each_block(n_, [&](std::size_t begin, std::size_t n) {
      double* v = state + begin;
      firing_.step(loops, begin, n, n_, v, state + n_, firing_.threshold(begin), out + begin,
                   [&] { loops.multiply_add(v, in + begin, k_.at(begin), n); });
    });
  }

  const Membranes* membranes() const override { return one_pass_.rule(); }

  std::uint64_t resident_bytes() const override { return bytes_with(k_, firing_, one_pass_); }

 private:
  Values k_;
  FiringSteps firing_;
  OnePass one_pass_;
};

class LifSteps final : public KindSteps {
 public:
  LifSteps(const Lif& kind, double dt, std::size_t n)
      : KindSteps(n, {kind.v0}),
        leak_(kind.membrane, dt, n),
        order_(kind.membrane.order),
        firing_(kind.firing, n),
        one_pass_(kind.firing,
                  order_ == InputOrder::after_decay ? Membranes::Update::leak_after : Membranes::Update::leak_before,
                  leak_.a, leak_.k, leak_.rest, n) {}

  void step(const Loops& loops, const double* in, double* state, double* out) const override {
    each_block(n_, [&](std::size_t begin, std::size_t n) {
      double* v = state + begin;
      firing_.step(loops, begin, n, n_, v, state + n_, firing_.threshold(begin), out + begin, [&] {
        loops.leak(v, in + begin, leak_.a.at(begin), leak_.k.at(begin), leak_.rest.at(begin), n, order_);
      });
    });
  }
  const Membranes* membranes() const override { return one_pass_.rule(); }

  std::uint64_t resident_bytes() const override { return bytes_with(leak_, firing_, one_pass_); }

 private:
  Leak leak_;
  InputOrder order_;
  FiringSteps firing_;
  OnePass one_pass_;
};

// Exponential Euler with the reset at the time of crossing. The input is constant over the step, so the potential
// follows v_end + (v0 - v_end) e^(-t/tau), v_end = v_leak + r in. It meets the threshold where the exponential has
// fallen to q = (threshold - v_end) / (v0 - v_end); of the step's decay a the share a / q is left for charging again
// from v_reset.
class ExactLifSteps final : public KindSteps {
 public:
  ExactLifSteps(const Lif& kind, double dt, std::size_t n)
      : KindSteps(n, {kind.v0}), leak_(kind.membrane, dt, n), r_(kind.membrane.r, n), firing_(kind.firing, n) {}

  void step(const Loops&, const double* in, double* state, double* out) const override {
    each_block(n_, [&](std::size_t begin, std::size_t n) {
      const double *a = leak_.a.at(begin), *r = r_.at(begin), *rest = leak_.rest.at(begin);
      const double *threshold = firing_.threshold(begin), *v_reset = firing_.v_reset(begin);
      for (std::size_t i = 0; i < n; ++i) {
        state[begin + i] =
            neuron(state[begin + i], rest[i] + r[i] * in[begin + i], a[i], threshold[i], v_reset[i], out[begin + i]);
      }
    });
  }

  std::uint64_t resident_bytes() const override { return bytes_with(leak_, r_, firing_); }

 private:
  bool above(double v, double threshold) const {
    return firing_.rule().comparison == Comparison::greater ? v > threshold : v >= threshold;
  }
  double neuron(double v0, double v_end, double a, double threshold, double v_reset, double& spikes) const {
    double v = v_end + a * (v0 - v_end);
    spikes = 0;
    if (!above(v, threshold)) return v;
    // A neuron that began above its threshold crosses it at once.
    double left = v0 < threshold ? a / ((threshold - v_end) / (v0 - v_end)) : a;
    for (;;) {
      v = v_end + left * (v_reset - v_end);
      spikes += 1;
      if (!above(v, threshold) || spikes >= firing_.rule().most) return v;
      if (!(v_reset < threshold)) return v;  // it would fire for ever
      left = left / ((threshold - v_end) / (v_reset - v_end));
    }
  }

  Leak leak_;
  Values r_;
  FiringSteps firing_;
};

class AdaptiveLifSteps final : public KindSteps {
 public:
  AdaptiveLifSteps(const AdaptiveLif& kind, double dt, std::size_t n)
      : KindSteps(n, {kind.v0, kind.b0}),
        leak_(kind.membrane, dt, n),
        order_(kind.membrane.order),
        firing_(kind.firing, n),
        adaptation_(kind.adaptation, n),
        fade_(kind.tau_adaptation, kind.jump, kind.jump, {0}, Integration::exponential_euler, dt, n) {}

  void step(const Loops& loops, const double* in, double* state, double* out) const override {
    each_block(n_, [&](std::size_t begin, std::size_t n) {
      double *v = state + begin, *b = state + n_ + begin;
      double threshold[kBlock];
      loops.combine(threshold, firing_.threshold(begin), adaptation_.at(begin), b, n);
      firing_.step(loops, begin, n, n_, v, state + 2 * n_, threshold, out + begin, [&] {
        loops.leak(v, in + begin, leak_.a.at(begin), leak_.k.at(begin), leak_.rest.at(begin), n, order_);
      });
      loops.leak(b, out + begin, fade_.a.at(begin), fade_.k.at(begin), zeros(), n, InputOrder::after_decay);
    });
  }

  std::uint64_t resident_bytes() const override { return bytes_with(leak_, firing_, adaptation_, fade_); }

 private:
  Leak leak_;
  InputOrder order_;
  FiringSteps firing_;
  Values adaptation_;
  Leak fade_;
};

// Synaptic current and membrane of CubaLif and CubaLi.
class Cuba {
 public:
  Cuba(const Synapse& synapse, const Membrane& membrane, double dt, std::size_t n)
      : current_(synapse, dt, n),
        membrane_(membrane, dt, n),
        synapse_order_(synapse.order),
        membrane_order_(membrane.order),
        read_(synapse.read) {}

  // Steps the current; leaves what the membrane is to read in `seen`.
  void current(const Loops& loops, std::size_t begin, std::size_t n, const double* in, double* i, double* seen) const {
    const double* k = current_.k.at(begin);
    if (read_ == CurrentRead::previous) std::memcpy(seen, i, n * sizeof *i);
    if (read_ == CurrentRead::undecayed) loops.combine(seen, i, k, in, n);
    loops.leak(i, in, current_.a.at(begin), k, zeros(), n, synapse_order_);
    if (read_ == CurrentRead::updated) std::memcpy(seen, i, n * sizeof *i);
  }
  void membrane(const Loops& loops, std::size_t begin, std::size_t n, const double* seen, double* v) const {
    loops.leak(v, seen, membrane_.a.at(begin), membrane_.k.at(begin), membrane_.rest.at(begin), n, membrane_order_);
  }

  std::uint64_t resident_bytes() const { return current_.resident_bytes() + membrane_.resident_bytes(); }

 private:
  Leak current_, membrane_;
  InputOrder synapse_order_, membrane_order_;
  CurrentRead read_;
};

class CubaLifSteps final : public KindSteps {
 public:
  CubaLifSteps(const CubaLif& kind, double dt, std::size_t n)
      : KindSteps(n, {kind.v0, kind.i0}), cuba_(kind.synapse, kind.membrane, dt, n), firing_(kind.firing, n) {}

  void step(const Loops& loops, const double* in, double* state, double* out) const override {
    each_block(n_, [&](std::size_t begin, std::size_t n) {
      double *v = state + begin, *i = state + n_ + begin;
      double seen[kBlock];
      cuba_.current(loops, begin, n, in + begin, i, seen);
      firing_.step(loops, begin, n, n_, v, state + 2 * n_, firing_.threshold(begin), out + begin,
                   [&] { cuba_.membrane(loops, begin, n, seen, v); });
    });
  }

  std::uint64_t resident_bytes() const override { return bytes_with(cuba_, firing_); }

 private:
  Cuba cuba_;
  FiringSteps firing_;
};

class CubaLiSteps final : public KindSteps {
 public:
  CubaLiSteps(const CubaLi& kind, double dt, std::size_t n)
      : KindSteps(n, {kind.v0, kind.i0}), cuba_(kind.synapse, kind.membrane, dt, n) {}

  void step(const Loops& loops, const double* in, double* state, double* out) const override {
    each_block(n_, [&](std::size_t begin, std::size_t n) {
      double seen[kBlock];
      cuba_.current(loops, begin, n, in + begin, state + n_ + begin, seen);
      cuba_.membrane(loops, begin, n, seen, state + begin);
    });
    std::memcpy(out, state, n_ * sizeof *out);
  }

  std::uint64_t resident_bytes() const override { return bytes_with(cuba_); }

 private:
  Cuba cuba_;
};

class LiSteps final : public KindSteps {
 public:
  LiSteps(const Li& kind, double dt, std::size_t n)
      : KindSteps(n, {kind.v0}), leak_(kind.membrane, dt, n), order_(kind.membrane.order) {}

  void step(const Loops& loops, const double* in, double* state, double* out) const override {
    each_block(n_, [&](std::size_t begin, std::size_t n) {
      loops.leak(state + begin, in + begin, leak_.a.at(begin), leak_.k.at(begin), leak_.rest.at(begin), n, order_);
    });
    std::memcpy(out, state, n_ * sizeof *out);
  }

  std::uint64_t resident_bytes() const override { return bytes_with(leak_); }

 private:
  Leak leak_;
  InputOrder order_;
};

class IntegratorSteps final : public KindSteps {
 public:
  IntegratorSteps(const Integrator& kind, double dt, std::size_t n)
      : KindSteps(n, {kind.v0}), k_(gain_of(kind.r, kind.gain, dt, n)) {}

  void step(const Loops& loops, const double* in, double* state, double* out) const override {
    each_block(
        n_, [&](std::size_t begin, std::size_t n) { loops.multiply_add(state + begin, in + begin, k_.at(begin), n); });
    std::memcpy(out, state, n_ * sizeof *out);
  }

  std::uint64_t resident_bytes() const override { return bytes_with(k_); }

 private:
  Values k_;
};

class ThresholdSteps final : public KindSteps {
 public:
  ThresholdSteps(const Threshold& kind, std::size_t n)
      : KindSteps(n, {}), threshold_(kind.threshold, n), comparison_(kind.comparison) {}

  void step(const Loops& loops, const double* in, double*, double* out) const override {
    each_block(n_, [&](std::size_t begin, std::size_t n) {
      loops.fire(out + begin, in + begin, threshold_.at(begin), n, comparison_, 1);
    });
  }

  std::uint64_t resident_bytes() const override { return bytes_with(threshold_); }

 private:
  Values threshold_;
  Comparison comparison_;
};

class IzhikevichSteps final : public KindSteps {
 public:
  IzhikevichSteps(const Izhikevich& kind, double dt, std::size_t n)
      : KindSteps(n, {kind.v0, kind.u0}),
        a_(kind.a, n),
        b_(kind.b, n),
        c_(kind.c, n),
        d_(kind.d, n),
        peak_(kind.peak, n),
        dt_ms_(dt * 1000),
        substeps_(kind.substeps) {}

  void step(const Loops& loops, const double* in, double* state, double* out) const override {
    each_block(n_, [&](std::size_t begin, std::size_t n) {
      double *v = state + begin, *u = state + n_ + begin, *spikes = out + begin;
      loops.izhikevich(v, u, in + begin, a_.at(begin), b_.at(begin), peak_.at(begin), n, dt_ms_, substeps_, spikes);
      loops.set(v, spikes, c_.at(begin), n);
      loops.multiply_add(u, spikes, d_.at(begin), n);
    });
  }

  std::uint64_t resident_bytes() const override { return bytes_with(a_, b_, c_, d_, peak_); }

 private:
  Values a_, b_, c_, d_, peak_;
  double dt_ms_;
  std::uint32_t substeps_;
};

struct Maker {
  double dt;
  std::size_t n;

  std::unique_ptr<const Steps> operator()(const Input&) const { return nullptr; }
  std::unique_ptr<const Steps> operator()(const Relay&) const { return nullptr; }
  std::unique_ptr<const Steps> operator()(const Threshold& kind) const {
    return std::make_unique<ThresholdSteps>(kind, n);
  }
  std::unique_ptr<const Steps> operator()(const Lif& kind) const {
    if (kind.membrane.integration == Integration::exact) return std::make_unique<ExactLifSteps>(kind, dt, n);
    return std::make_unique<LifSteps>(kind, dt, n);
  }
  std::unique_ptr<const Steps> operator()(const If& kind) const { return std::make_unique<IfSteps>(kind, dt, n); }
  std::unique_ptr<const Steps> operator()(const AdaptiveLif& kind) const {
    return std::make_unique<AdaptiveLifSteps>(kind, dt, n);
  }
  std::unique_ptr<const Steps> operator()(const CubaLif& kind) const {
    return std::make_unique<CubaLifSteps>(kind, dt, n);
  }
  std::unique_ptr<const Steps> operator()(const CubaLi& kind) const {
    return std::make_unique<CubaLiSteps>(kind, dt, n);
  }
  std::unique_ptr<const Steps> operator()(const Li& kind) const { return std::make_unique<LiSteps>(kind, dt, n); }
  std::unique_ptr<const Steps> operator()(const Integrator& kind) const {
    return std::make_unique<IntegratorSteps>(kind, dt, n);
  }
  std::unique_ptr<const Steps> operator()(const Izhikevich& kind) const {
    return std::make_unique<IzhikevichSteps>(kind, dt, n);
  }
};

}  // namespace

std::size_t named_variables_of(const Neurons& neurons) {
  return std::visit(
      [](const auto& kind) -> std::size_t {
        if constexpr (
            requires { kind.u0; } || requires { kind.i0; } || requires { kind.b0; })
          return 2;
        if constexpr (requires { kind.v0; }) return 1;
        return 0;
      },
      neurons);
}

std::size_t variables_of(const Neurons& neurons) {
  const std::size_t own = named_variables_of(neurons);
  return std::visit(
      [&](const auto& kind) {
        if constexpr (requires { kind.firing; }) return own + FiringSteps::variables(kind.firing);
        return own;
      },
      neurons);
}

std::unique_ptr<const Steps> steps_for(const Neurons& neurons, double dt, std::size_t count) {
  return std::visit(Maker{dt, count}, neurons);
}

}  // namespace syn::snn::real
