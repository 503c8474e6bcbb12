// Parameters as the loops read them: an array a block, whether there is one value for all neurons (then the same 2 kB
// serve every block and stay in the cache) or one a neuron. Internal to snn/real.
#pragma once

#include <algorithm>
#include <bit>
#include <vector>

#include "core/assert.hpp"
#include "snn/real/exponential.hpp"
#include "snn/real/loops.hpp"

namespace syn::snn::real {

class Values {
 public:
  Values() : Values(Parameter{0}, 1) {}
  Values(const Parameter& parameter, std::size_t neurons) : alike_(all_alike(parameter)) {
    SYN_ASSERT(parameter.size() == 1 || parameter.size() == neurons, parameter.size(), neurons);
    values_ = alike_ ? std::vector<double>(std::min(kBlock, neurons), parameter[0]) : parameter;
  }
  // From neuron `begin`, a multiple of kBlock, to the end of its block.
  const double* at(std::size_t begin) const { return values_.data() + (alike_ ? 0 : begin); }
  bool alike() const { return alike_; }
  std::uint64_t resident_bytes() const { return values_.capacity() * sizeof values_[0]; }

 private:
  // By bits: 0 and -0 are two numbers. Files often repeat one number for every neuron.
  static bool all_alike(const Parameter& parameter) {
    return std::ranges::all_of(parameter, [&](double value) {
      return std::bit_cast<std::uint64_t>(value) == std::bit_cast<std::uint64_t>(parameter[0]);
    });
  }

  std::vector<double> values_;
  bool alike_;
};

// f of each neuron's values; one value if all parameters have one.
template <class F, class... Parameters>
Parameter combined(F&& f, const Parameters&... parameters) {
  const std::size_t n = std::max({parameters.size()...});
  Parameter out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = f(parameters[parameters.size() == 1 ? 0 : i]...);
  return out;
}

// a and k of dx/dt = (target - x) / tau over one step; see Integration.
struct Leak {
  Values a, k, rest;

  Leak(const Parameter& tau, const Parameter& scale, const Parameter& gain, const Parameter& target,
       Integration integration, double dt, std::size_t n)
      : a(combined(
              [&](double t) { return integration == Integration::forward_euler ? 1 - dt / t : exponential(-(dt / t)); },
              tau),
          n),
        k(!gain.empty() ? gain
                        : combined(
                              [&](double t, double s) {
                                const bool exponential_gain =
                                    integration == Integration::exponential_euler || integration == Integration::exact;
                                return (exponential_gain ? charged(dt / t) : dt / t) * s;
                              },
                              tau, scale),
          n),
        rest(target, n) {}
  std::uint64_t resident_bytes() const { return a.resident_bytes() + k.resident_bytes() + rest.resident_bytes(); }
  Leak(const Membrane& m, double dt, std::size_t n) : Leak(m.tau, m.r, m.gain, m.v_leak, m.integration, dt, n) {}
  Leak(const Synapse& s, double dt, std::size_t n) : Leak(s.tau, s.w_in, s.gain, {0}, s.integration, dt, n) {}
};

}  // namespace syn::snn::real
