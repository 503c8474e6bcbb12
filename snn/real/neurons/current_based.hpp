// Neurons whose input is a synaptic current that leaks by itself: firing (CubaLIF) and not (CubaLI, hands on its
// potential).
#pragma once

#include "snn/real/neurons/parts.hpp"

namespace syn::snn::real {

struct CubaLif {
  static constexpr std::string_view kName = "cuba_lif";
  Synapse synapse;
  Membrane membrane;
  Firing firing;
  Parameter v0{0}, i0{0};
  bool operator==(const CubaLif&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    Synapse::fields(self.synapse, v);
    Membrane::fields(self.membrane, v);
    Firing::fields(self.firing, v);
    v.parameter("v0", self.v0, Range::any);
    v.parameter("i0", self.i0, Range::any);
  }
};

struct CubaLi {
  static constexpr std::string_view kName = "cuba_li";
  Synapse synapse;
  Membrane membrane;
  Parameter v0{0}, i0{0};
  bool operator==(const CubaLi&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    Synapse::fields(self.synapse, v);
    Membrane::fields(self.membrane, v);
    v.parameter("v0", self.v0, Range::any);
    v.parameter("i0", self.i0, Range::any);
  }
};

}  // namespace syn::snn::real
