// How a framework steps what NIR leaves open: the rules by which its own importer (or its own export, read back) runs a
// NIR file. One small file a framework in dialects/; this is what they have in common.
// Where a framework refuses or overlooks a parameter that its rules could well take, the file's value counts.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "snn/real/model.hpp"

namespace syn::nir {

enum class Dialect : std::uint8_t { nir_euler, norse, snntorch, sinabs, rockpool, spikingjelly, nengo, spyx };

// What one unit of input adds to an IF or I neuron in a step.
enum class Charge : std::uint8_t {
  r_dt,       // NIR's equation
  r,          // a step is the unit of time
  one,        // r is overlooked
  r_dt_is_1,  // r dt, and anything but 1 is refused
};
// What one unit of input adds to a leaky current or potential.
enum class Gain : std::uint8_t { of_file, r_is_one, one };  // r or w_in, times what the integration says; without r; 1

struct Rules {
  std::string_view name;
  std::string_view sentence;  // for people: what it does, in one line
  snn::real::Integration integration = snn::real::Integration::forward_euler;
  snn::real::InputOrder synapse_order = snn::real::InputOrder::after_decay;  // of CubaLIF's and CubaLI's current
  snn::real::InputOrder leaky_order = snn::real::InputOrder::after_decay;    // of LI
  Charge charge = Charge::r;
  Gain lif_gain = Gain::of_file, li_gain = Gain::of_file, cuba_gain = Gain::of_file;
  snn::real::Comparison comparison = snn::real::Comparison::greater;
  snn::real::Reset reset = snn::real::Reset::to_value, if_reset = snn::real::Reset::to_value;
  snn::real::Order order = snn::real::Order::update_fire_reset;
  std::uint32_t most = 1;  // spikes in a step
};

const Rules& rules_of(Dialect dialect);
std::optional<Dialect> dialect_named(std::string_view name);
std::span<const std::string_view> dialect_names();

}  // namespace syn::nir
