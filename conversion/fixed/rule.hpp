// What a kind of float neuron does in a step, written so that integers can follow: everything relative to rest, one
// number a neuron, channel-first, with dt already in it.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "snn/model.hpp"
#include "snn/real/model.hpp"

namespace syn::fixed {

// x = gain * input;  with a current: i = current_keep i + x, and x = i (of this step or the one before);
// v = keep v + x;  fires at threshold + b;  v -= reset + b or v = reset;  b = adaptation_keep b + jump * spikes
struct Rule {
  std::vector<double> gain, keep, rest, start;
  std::vector<double> current_keep;  // empty: there is no current
  bool reads_previous = false;
  bool fires = false;
  std::vector<double> threshold, reset;
  bool greater = true;  // fires above the threshold, not at it
  bool subtracts = false;
  std::uint32_t most = 1, refractory = 0;
  std::vector<double> adaptation_keep, jump;  // empty: the threshold stays
  bool peaks = false;                         // the float engine records the potential before its reset
};

// A refusal says what the integer profile lacks.
std::expected<Rule, std::string> rule_of(const snn::real::Neurons& neurons, double dt, std::size_t count);
// Of what hands on the sum it receives.
Rule relay_rule(std::size_t count);

}  // namespace syn::fixed
