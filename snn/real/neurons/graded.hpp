// Populations that hand on numbers: leaky and plain integrators (their potential), and the two without state: inputs
// and relays. And Threshold, which makes spikes of numbers without any state.
#pragma once

#include "snn/real/neurons/parts.hpp"

namespace syn::snn::real {

struct Li {
  static constexpr std::string_view kName = "li";
  Membrane membrane;
  Parameter v0{0};
  bool operator==(const Li&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    Membrane::fields(self.membrane, v);
    v.parameter("v0", self.v0, Range::any);
  }
};

// dv/dt = r in
struct Integrator {
  static constexpr std::string_view kName = "integrator";
  Parameter r{1};
  Parameter gain;  // as in If
  Parameter v0{0};
  bool operator==(const Integrator&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    v.parameter("r", self.r, Range::any);
    v.parameter("gain", self.gain, Range::empty_or_any);
    v.parameter("v0", self.v0, Range::any);
  }
};

// 1 where the input sum is above the threshold, else 0.
struct Threshold {
  static constexpr std::string_view kName = "threshold";
  Parameter threshold{1};
  Comparison comparison = Comparison::greater;
  bool operator==(const Threshold&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    v.parameter("threshold", self.threshold, Range::any);
    v.option("comparison", self.comparison, Comparison::greater_or_equal);
  }
};

// Fed from outside, one number a neuron and step. No projection leads here.
struct Input {
  static constexpr std::string_view kName = "input";
  bool operator==(const Input&) const = default;
  template <class Self, class V>
  static void fields(Self&, V&&) {}
};

// Hands on its input sum in the same step: what stands between two projections that follow each other, or an output.
struct Relay {
  static constexpr std::string_view kName = "relay";
  bool operator==(const Relay&) const = default;
  template <class Self, class V>
  static void fields(Self&, V&&) {}
};

}  // namespace syn::snn::real
