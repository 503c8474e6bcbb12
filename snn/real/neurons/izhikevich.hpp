// Izhikevich's neuron (2003, "Simple model of spiking neurons"): time in milliseconds, potential in millivolts.
//   dv/dt = 0.04 v^2 + 5 v + 140 - u + in,   du/dt = a (b v - u),   v >= peak: v = c, u += d
// Forward Euler. v takes `substeps` steps of dt / substeps (the paper's program takes 2 of 0.5 ms), then u one of dt
// from the new v; then the peak is tested, and both are reset in the same step.
#pragma once

#include "snn/real/neurons/parts.hpp"

namespace syn::snn::real {

inline constexpr std::uint32_t kMostSubsteps = 1024;

struct Izhikevich {
  static constexpr std::string_view kName = "izhikevich";
  Parameter a{0.02}, b{0.2}, c{-65}, d{8};
  Parameter peak{30};
  Parameter v0{-65}, u0{-13};
  std::uint32_t substeps = 2;
  bool operator==(const Izhikevich&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    v.parameter("a", self.a, Range::any);
    v.parameter("b", self.b, Range::any);
    v.parameter("c", self.c, Range::any);
    v.parameter("d", self.d, Range::any);
    v.parameter("peak", self.peak, Range::any);
    v.parameter("v0", self.v0, Range::any);
    v.parameter("u0", self.u0, Range::any);
    v.count("substeps", self.substeps, kMostSubsteps);
  }
};

}  // namespace syn::snn::real
