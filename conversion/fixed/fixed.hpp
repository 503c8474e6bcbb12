// A model of the float profile, as NIR files are lowered to, in integers: int8 weights in units of each target channel,
// potentials in fixed point, leaks in 32768ths; code `step`. docs/neurons.md has the rules and their error bounds.
// Deliberately not here: how far the result is from float on somebody's data (distance.hpp).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "snn/model.hpp"
#include "snn/real/model.hpp"

namespace syn::fixed {

// How an input's numbers become counts: q = clamp(floor(x * scale + zero + 1/2), 0, 255).
struct InputCode {
  double scale = 1;
  std::uint32_t zero = 0;
  bool exact = true;                    // whether every number that was seen is met
  std::uint32_t least = 0, most = 255;  // counts that were seen; bounds are stated for these
};
// Of all numbers that an input has: whole multiples of the smallest, where counts up to 255 meet them all, else the
// range in 255 parts. Nothing given: whole numbers from 0 to 255.
InputCode code_for(std::span<const float> values);

struct Options {
  std::uint32_t steps = 1;         // T of the model
  std::vector<InputCode> inputs;   // of each of the model's inputs; empty: whole numbers
  std::uint32_t most_spikes = 15;  // of neurons that may fire as often in a step as their threshold fits
};

// A float population that has become neurons of the integer model. Vectors are by float index, channel-first.
struct Place {
  std::uint32_t real = 0, population = 0;  // indices in the two models
  std::vector<std::uint32_t> neuron;       // where each lies in the integer population
  std::vector<double> unit, rest;          // potential = integer * unit + rest
  // How far the potential can be from float's while both are given the same input spikes and have fired alike, T steps
  // long, whatever the spikes: rounding of weights, bias, leaks, truncation, resets, and of inputs that are not exact.
  std::vector<double> bound;
  std::vector<double> threshold;  // in float's unit, absolute; empty: does not fire
  bool records_peaks = false;     // float's recorded potential is the one before the reset
  bool limits_bind = false;       // a potential could meet its stored limits, which float does not have
};

struct Fixed {
  snn::Model model;
  std::vector<Place> places;             // in the model's order
  std::vector<std::uint32_t> source_of;  // of each float input: its Source
  // Of each integer population: by how many steps its counts come before float's; late sums are pooled before they
  // wait.
  std::vector<std::uint32_t> ahead;
  std::vector<std::string> remarks;
};

// Refuses by the population's name what integers do not have, and says what would do.
Expected<Fixed> to_integer(const snn::real::Model& model, const Options& options);

}  // namespace syn::fixed
