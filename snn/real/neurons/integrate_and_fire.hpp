// Neurons that integrate their input directly and fire: without leak, with leak, and with a threshold that adapts.
#pragma once

#include "snn/real/neurons/parts.hpp"

namespace syn::snn::real {

// dv/dt = r in, stepped as v += r dt in (nothing leaks, so that all integrations agree).
struct If {
  static constexpr std::string_view kName = "if";
  Parameter r{1};
  Parameter gain;  // what one unit of input adds, in place of r dt; empty: r dt
  Firing firing;
  Parameter v0{0};
  bool operator==(const If&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    v.parameter("r", self.r, Range::any);
    v.parameter("gain", self.gain, Range::empty_or_any);
    Firing::fields(self.firing, v);
    v.parameter("v0", self.v0, Range::any);
  }
};

struct Lif {
  static constexpr std::string_view kName = "lif";
  Membrane membrane;
  Firing firing;
  Parameter v0{0};
  bool operator==(const Lif&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    Membrane::fields(self.membrane, v);
    Firing::fields(self.firing, v);
    v.parameter("v0", self.v0, Range::any);
  }
};

// A LIF whose threshold is threshold + adaptation * b; b decays by exp(-dt / tau_adaptation) a step and gains `jump` a
// spike (Bellec et al. 2018, "Long short-term memory and learning-to-learn in networks of spiking neurons", eqs. 1-2,
// where jump = 1 - exp(-dt / tau)). The threshold of a step is the one before its own spike; a subtracting reset takes
// that threshold.
struct AdaptiveLif {
  static constexpr std::string_view kName = "adaptive_lif";
  Membrane membrane;
  Firing firing;
  Parameter tau_adaptation{1};  // seconds
  Parameter adaptation{1};      // threshold per unit of b
  Parameter jump{1};
  Parameter v0{0}, b0{0};
  bool operator==(const AdaptiveLif&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    Membrane::fields(self.membrane, v);
    Firing::fields(self.firing, v);
    v.parameter("tau_adaptation", self.tau_adaptation, Range::positive);
    v.parameter("adaptation", self.adaptation, Range::any);
    v.parameter("jump", self.jump, Range::any);
    v.parameter("v0", self.v0, Range::any);
    v.parameter("b0", self.b0, Range::any);
  }
};

}  // namespace syn::snn::real
