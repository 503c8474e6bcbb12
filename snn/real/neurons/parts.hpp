// What neuron kinds are made of: parameters, a leaky membrane, a leaky synaptic current, and the rule by which a
// potential becomes spikes. Frameworks agree on the equations and differ in how they step them, so every choice is a
// field here: stored in the file, never implied (docs/neurons.md says which framework makes which).
// Deliberately not here: stepping (neurons/steps.hpp).
//
// Each part and each neuron kind lists its fields once, in `fields`; reading, writing and checking all walk that list.
// A visitor has parameter(name, Parameter&, Range), option(name, enumeration&, last) and count(name, uint32&, most).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace syn::snn::real {

using Parameter = std::vector<double>;  // one value for all neurons, or one a neuron

enum class Range : std::uint8_t { any, positive, empty_or_any };

// How dx/dt = (target - x) / tau becomes one step of dt. a is what is kept of x, k what one unit of input adds:
//   forward_euler             a = 1 - dt/tau      k = dt/tau
//   exponential_euler         a = exp(-dt/tau)    k = 1 - a      exact while the input is constant over the step
//   unnormalised_exponential  a = exp(-dt/tau)    k = dt/tau
//   exact                     exponential_euler, and a neuron that crosses its threshold inside a step is reset at the
//                             time of crossing and charges again for the rest of the step
enum class Integration : std::uint8_t { forward_euler, exponential_euler, unnormalised_exponential, exact };

// after_decay: x = a x + k in; before_decay: x = a (x + k in), so that the new input leaks at once.
enum class InputOrder : std::uint8_t { after_decay, before_decay };

// tau dv/dt = (v_leak - v) + r in. The decay is towards v_leak.
struct Membrane {
  Parameter tau{1};  // seconds
  Parameter r{1};
  Parameter v_leak{0};
  Parameter gain;  // k itself, in place of what `integration` makes of tau and r; empty: as it makes it
  Integration integration = Integration::forward_euler;
  InputOrder order = InputOrder::after_decay;
  bool operator==(const Membrane&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    v.parameter("tau_mem", self.tau, Range::positive);
    v.parameter("r", self.r, Range::any);
    v.parameter("v_leak", self.v_leak, Range::any);
    v.parameter("gain_mem", self.gain, Range::empty_or_any);
    v.option("integration_mem", self.integration, Integration::exact);
    v.option("order_mem", self.order, InputOrder::before_decay);
  }
};

// Which current the membrane reads: the one of the step before, the one after this step's update, or (Norse) the old
// one plus this step's input, not yet decayed.
enum class CurrentRead : std::uint8_t { previous, updated, undecayed };

// tau di/dt = -i + w_in * in
struct Synapse {
  Parameter tau{1};  // seconds
  Parameter w_in{1};
  Parameter gain;  // k w_in itself, as in Membrane
  Integration integration = Integration::forward_euler;
  InputOrder order = InputOrder::after_decay;
  CurrentRead read = CurrentRead::updated;
  bool operator==(const Synapse&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    v.parameter("tau_syn", self.tau, Range::positive);
    v.parameter("w_in", self.w_in, Range::any);
    v.parameter("gain_syn", self.gain, Range::empty_or_any);
    v.option("integration_syn", self.integration, Integration::unnormalised_exponential);
    v.option("order_syn", self.order, InputOrder::before_decay);
    v.option("read", self.read, CurrentRead::undecayed);
  }
};

enum class Comparison : std::uint8_t { greater, greater_or_equal };
enum class Reset : std::uint8_t { to_value, subtract };  // subtract: v -= spikes * threshold

// What happens when, inside one step. "Last spikes" are those found one step earlier.
//   update_fire_reset  the potential handed out and recorded is the one after the reset (Norse, sinabs, Rockpool)
//   reset_update_fire  last spikes reset first; the peak is what is recorded
//   update_reset_fire  last spikes reset the updated potential: this step's input is lost to a reset to a value, and a
//                      subtraction comes after one more decay (snnTorch with reset_delay)
//   fire_update_reset  the potential of the step before fires now, one step late, and is reset after the update (Spyx)
//   fire_reset_update  the same, reset before the update
enum class Order : std::uint8_t {
  update_fire_reset,
  reset_update_fire,
  update_reset_fire,
  fire_update_reset,
  fire_reset_update
};

inline constexpr std::uint32_t kManySpikes = 1 << 20;  // `most`: as many as the potential holds
inline constexpr std::uint32_t kMostRefractory = 1 << 20;

struct Firing {
  Parameter threshold{1};
  Parameter v_reset{0};  // for Reset::to_value
  Comparison comparison = Comparison::greater;
  Reset reset = Reset::to_value;
  Order order = Order::update_fire_reset;
  std::uint32_t refractory = 0;  // steps after a spike in which the membrane is held and cannot fire
  std::uint32_t most = 1;        // spikes in one step; above 1: as many times as the threshold goes into v (sinabs)
  bool operator==(const Firing&) const = default;

  template <class Self, class V>
  static void fields(Self& self, V&& v) {
    v.parameter("threshold", self.threshold, Range::any);
    v.parameter("v_reset", self.v_reset, Range::any);
    v.option("comparison", self.comparison, Comparison::greater_or_equal);
    v.option("reset", self.reset, Reset::subtract);
    v.option("firing_order", self.order, Order::fire_reset_update);
    v.count("refractory", self.refractory, kMostRefractory);
    v.count("most", self.most, kManySpikes);
  }
};

}  // namespace syn::snn::real
