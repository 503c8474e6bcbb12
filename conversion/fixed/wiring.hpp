// A float projection as one of the integer profile, its weights still double: layouts are turned channel-last, grids
// and groups are spelled out, and what the weights mean per count of their source is folded in.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "snn/model.hpp"
#include "snn/real/model.hpp"

namespace syn::fixed {

// Where a float value comes from: counts of an integer population, some steps late, times a factor for each neuron
// (by float index, channel-first; empty: 1). A relay is a sum of these.
struct Term {
  std::uint32_t from = 0, delay = 0;
  std::vector<double> factor;
};

// One side of a projection: its shape in both profiles, and where float neuron i lies, channel-last.
struct Side {
  snn::real::Shape real;
  snn::Shape shape;
  std::vector<std::uint32_t> place;
};
// {n} becomes 1 x 1 x n; {channels, width} and {channels, height, width} stay grids.
std::expected<Side, std::string> side_of(const snn::real::Shape& shape);

struct Wire {
  std::uint32_t from = 0, to = 0, delay = 0;
  snn::Connection connection;   // its geometry; weights and multipliers are empty
  std::vector<double> weights;  // in that connection's own layout: what one count adds
};

// `amplitude`: what one count of the source means, a channel; `gain`: what a target neuron makes of its input, by float
// index. A refusal says what integer synapses lack.
std::expected<Wire, std::string> wire_of(const snn::real::Connection& connection, const Side& from, const Side& to,
                                         const std::vector<double>& amplitude, const std::vector<double>& factor,
                                         const std::vector<double>& gain);
// What it adds to every target neuron in every step, by float index; empty: nothing.
std::vector<double> bias_of(const snn::real::Connection& connection, const Side& to);

}  // namespace syn::fixed
