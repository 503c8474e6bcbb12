#include "conversion/fixed/rule.hpp"

#include <algorithm>

#include "snn/real/exponential.hpp"

namespace syn::fixed {
namespace {

namespace real = snn::real;
using real::Parameter;
using Trouble = std::string;  // empty: none

std::vector<double> spread(const Parameter& parameter, std::size_t count) {
  return parameter.size() == 1 ? std::vector<double>(count, parameter[0]) : parameter;
}

// a and k of one step, as snn/real/neurons/values.hpp has them.
struct Decay {
  std::vector<double> keep, gain;
};
Decay decay_of(const Parameter& tau, const Parameter& scale, const Parameter& gain, real::Integration integration,
               real::InputOrder order, double dt, std::size_t count) {
  const auto taus = spread(tau, count), scales = spread(scale, count);
  Decay out;
  for (std::size_t i = 0; i < count; ++i) {
    const double part = dt / taus[i];
    const bool euler = integration == real::Integration::forward_euler;
    out.keep.push_back(euler ? 1 - part : real::exponential(-part));
    double k = integration == real::Integration::exponential_euler ? real::charged(part) : part;
    k = gain.empty() ? k * scales[i] : gain[gain.size() == 1 ? 0 : i];
    // a (x + k in) is a x + (a k) in.
    out.gain.push_back(order == real::InputOrder::before_decay ? out.keep.back() * k : k);
  }
  return out;
}

class Maker {
 public:
  Maker(double dt, std::size_t count) : dt_(dt), count_(count), rule_(relay_rule(count)) {}

  Rule take() { return std::move(rule_); }

  Trouble operator()(const real::Input&) { return "an input has no neurons"; }
  Trouble operator()(const real::Relay&) { return {}; }
  Trouble operator()(const real::Threshold& kind) {
    real::Firing firing{.threshold = kind.threshold, .comparison = kind.comparison};
    return fire(firing);
  }
  Trouble operator()(const real::If& kind) {
    integrate(kind.r, kind.gain, kind.v0);
    return fire(kind.firing);
  }
  Trouble operator()(const real::Integrator& kind) {
    integrate(kind.r, kind.gain, kind.v0);
    return {};
  }
  Trouble operator()(const real::Lif& kind) {
    if (auto trouble = membrane(kind.membrane, kind.v0); !trouble.empty()) return trouble;
    return fire(kind.firing);
  }
  Trouble operator()(const real::Li& kind) { return membrane(kind.membrane, kind.v0); }
  Trouble operator()(const real::AdaptiveLif& kind) {
    if (auto trouble = membrane(kind.membrane, kind.v0); !trouble.empty()) return trouble;
    if (auto trouble = fire(kind.firing); !trouble.empty()) return trouble;
    if (!zero(kind.b0)) return "its adaptation does not start at 0, as integer ones do";
    const auto tau = spread(kind.tau_adaptation, count_), scale = spread(kind.adaptation, count_),
               jump = spread(kind.jump, count_);
    for (std::size_t i = 0; i < count_; ++i) {
      rule_.adaptation_keep.push_back(real::exponential(-(dt_ / tau[i])));
      rule_.jump.push_back(scale[i] * jump[i]);
      if (rule_.subtracts && rule_.jump.back() < 0)
        return "its threshold adapts downwards and is subtracted: reset it to a value";
    }
    return {};
  }
  Trouble operator()(const real::CubaLif& kind) {
    if (auto trouble = current(kind.synapse, kind.membrane, kind.v0, kind.i0); !trouble.empty()) return trouble;
    return fire(kind.firing);
  }
  Trouble operator()(const real::CubaLi& kind) { return current(kind.synapse, kind.membrane, kind.v0, kind.i0); }
  Trouble operator()(const real::Izhikevich&) {
    return "Izhikevich neurons stay in the float profile: 0.04 v^2 multiplies an error of v by up to 7.4 a "
           "millisecond, "
           "so that no error bound holds to the next spike";
  }

 private:
  static bool zero(const Parameter& parameter) {
    return std::ranges::all_of(parameter, [](double value) { return value == 0; });
  }
  void integrate(const Parameter& r, const Parameter& gain, const Parameter& v0) {
    rule_.keep.assign(count_, 1);
    rule_.gain = spread(gain.empty() ? r : gain, count_);
    if (gain.empty())
      for (double& k : rule_.gain) k *= dt_;
    rule_.start = spread(v0, count_);
  }
  static Trouble unusable(const std::vector<double>& keep, real::Integration integration) {
    if (integration == real::Integration::exact)
      return "it resets between two steps (exact integration): choose exponential Euler";
    if (std::ranges::any_of(keep, [](double a) { return a < 0; }))
      return "its time constant is shorter than dt, so that forward Euler turns its sign over: choose a smaller dt or "
             "exponential Euler";
    return {};
  }
  Trouble membrane(const real::Membrane& m, const Parameter& v0) {
    const Decay decay = decay_of(m.tau, m.r, m.gain, m.integration, m.order, dt_, count_);
    rule_.keep = decay.keep;
    rule_.gain = decay.gain;
    rule_.rest = spread(m.v_leak, count_);
    rule_.start = spread(v0, count_);
    for (std::size_t i = 0; i < count_; ++i) rule_.start[i] -= rule_.rest[i];
    return unusable(rule_.keep, m.integration);
  }
  Trouble current(const real::Synapse& s, const real::Membrane& m, const Parameter& v0, const Parameter& i0) {
    if (auto trouble = membrane(m, v0); !trouble.empty()) return trouble;
    if (!zero(i0)) return "its current does not start at 0, as integer ones do";
    const bool before = s.order == real::InputOrder::before_decay;
    if (s.read == real::CurrentRead::undecayed && !before)
      return "its membrane reads the current before it has decayed, which integer ones do not";
    // With the input before the decay, the undecayed current x obeys x' = a x + k in: a current read after its update.
    const auto order = s.read == real::CurrentRead::undecayed ? real::InputOrder::after_decay : s.order;
    const Decay decay = decay_of(s.tau, s.w_in, s.gain, s.integration, order, dt_, count_);
    rule_.current_keep = decay.keep;
    for (std::size_t i = 0; i < count_; ++i)
      rule_.gain[i] *= decay.gain[i];  // the current counts as what v gains of it
    rule_.reads_previous = s.read == real::CurrentRead::previous;
    return unusable(decay.keep, s.integration);
  }
  Trouble fire(const real::Firing& firing) {
    if (firing.order != real::Order::update_fire_reset && firing.order != real::Order::reset_update_fire)
      return "it fires or resets a step late, which integer neurons do not: choose another dialect";
    rule_.fires = true;
    rule_.peaks = firing.order == real::Order::reset_update_fire;
    rule_.greater = firing.comparison == real::Comparison::greater;
    rule_.subtracts = firing.reset == real::Reset::subtract;
    rule_.most = firing.most;
    rule_.refractory = firing.refractory;
    if (firing.refractory > std::uint32_t{snn::kGreatestRefractory}) return "it is refractory for too many steps";
    rule_.threshold = spread(firing.threshold, count_);
    rule_.reset = rule_.subtracts ? rule_.threshold : spread(firing.v_reset, count_);
    for (std::size_t i = 0; i < count_; ++i) {
      rule_.threshold[i] -= rule_.rest[i];
      if (!rule_.subtracts) rule_.reset[i] -= rule_.rest[i];
      if (rule_.subtracts && !(rule_.reset[i] > 0)) return "it subtracts a threshold that is not above 0";
      if (rule_.most > 1 && rule_.rest[i] != 0) return "it fires several times a step and rests elsewhere than at 0";
    }
    if (rule_.most > 1 && !rule_.subtracts) return "it fires several times a step and resets to a value";
    return {};
  }

  double dt_;
  std::size_t count_;
  Rule rule_;
};

}  // namespace

Rule relay_rule(std::size_t count) {
  const std::vector<double> zeros(count, 0);
  Rule rule;
  rule.gain.assign(count, 1);
  rule.keep = rule.rest = rule.start = zeros;
  return rule;
}

std::expected<Rule, std::string> rule_of(const real::Neurons& neurons, double dt, std::size_t count) {
  Maker maker(dt, count);
  if (auto trouble = std::visit(maker, neurons); !trouble.empty()) return std::unexpected(std::move(trouble));
  return maker.take();
}

}  // namespace syn::fixed
