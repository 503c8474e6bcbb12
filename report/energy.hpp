// An estimate of arithmetic energy: operations counted here times what each costs in Horowitz's table for a 45 nm
// process at 0.9 V ("Computing's energy problem (and what we can do about it)", ISSCC 2014, figure 1.1.9). It compares
// amounts of arithmetic; no device was measured, and what moving data costs, which is more on any CPU, is not in it.
// Deliberately not here: the device model of the simulator (sim/), whose joules are busy time times watts.
#pragma once

#include "report/activity.hpp"
#include "snn/model.hpp"

namespace syn::report {

// Picojoules an operation.
struct Horowitz {
  static constexpr double add_int32 = 0.1, add_float32 = 0.9, multiply_int8 = 0.2, multiply_float32 = 3.7;
  // Products of int8 are summed in 32 bits, in the engine as in any int8 network.
  static constexpr double mac_int8 = multiply_int8 + add_int32, mac_float32 = multiply_float32 + add_float32;
  // A count of more than eight bits times an int8 weight: two products of eight bits, shifted and added.
  static constexpr double mac_wide = 2 * multiply_int8 + 2 * add_int32;
};

// Of one inference; operations are means over the inferences that were seen.
struct Energy {
  double dense = 0;  // multiply-adds of the network: every weight at every place, borders left out, zero or not
  double graded_events = 0, wide_events = 0;  // non-zero counts meeting non-zero weights: one multiply-add each
  double binary_spikes = 0;                   // the same, spike by spike: one addition each
  double pixel_events = 0;                    // pixels meeting weights: multiply-adds in every code
  double neurons = 0, updates = 0;  // neurons; and how often they take their input if spikes come step by step
  // Microjoules. Everyone pays one addition a neuron and update, for its bias.
  double network_float32 = 0, network_int8 = 0;
  double graded = 0;  // events as multiply-adds; 0 in `step` code, which has none but pixels
  double binary = 0;  // spikes as additions
};

// `seen` of a Glass over this model.
Energy energy(const snn::Model& model, const Glass::Seen& seen);

}  // namespace syn::report
