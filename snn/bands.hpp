// What projections add to one row of positions of a population (a band), for the part of it that one thread computes.
// Internal to snn/.
// Deliberately not here: neurons, state, the order of execution (run.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "snn/compiled.hpp"

namespace syn::snn {

using Part = Linear::Part;

// Memory of one part, kept by its thread for the next one: the steady state allocates nothing.
struct PartScratch {
  LineVector<std::byte> copy;
  std::vector<std::uint32_t> values, offsets, starts, totals;
  std::vector<std::uint16_t> singles;
  std::vector<std::uint8_t> single_values;
  LineVector<std::int16_t> scattered;
  std::vector<Linear::Row> rows;
  LineVector<std::int32_t> band;     // has a kernel's slack
  std::vector<const Input*> inputs;  // those that have something to add
};
PartScratch& part_scratch(const Compiled& compiled);  // this thread's, large enough

// Makes ready what `part` reads of this projection's source. `fires`: who calls asks fire_bands before add_band, with
// short firing.
void open_input(const Compiled& compiled, const kernels::Table& kernels, const Input& input, const Count* counts,
                const Part& part, bool fires, PartScratch& scratch);
// sums = from + one projection's sums for band `y`; both are those of the part's first neuron of it. from == sums, or
// apart from them. Returns where the sums are, as Linear::add_row does; null if the neurons of `firing` (or null)
// fired.
const std::int32_t* add_band(const Compiled& compiled, const kernels::Table& kernels, const Stage& stage,
                             const Input& input, const Count* counts, const Part& part, std::size_t y,
                             const std::int32_t* from, std::int32_t* sums, const kernels::Firing* firing,
                             PartScratch& scratch);

// Where bands of the part from `y` on can fire at once, they do: returns how many. Their sums are from[..], one band's
// from_pitch behind the one's before, and this projection's. `firing` is that of band `y`, and the others' follow it;
// `sums` is memory for one band.
std::size_t fire_bands(const Compiled& compiled, const kernels::Table& kernels, const Input& input, const Part& part,
                       std::size_t y, const std::int32_t* from, std::size_t from_pitch, std::int32_t* sums,
                       const kernels::Firing& firing, PartScratch& scratch);

// All of one population's sums: engine.hpp.
void sum_inputs(const Compiled& compiled, const kernels::Table& kernels, std::uint32_t population,
                std::span<const std::span<const Count>> counts, std::span<std::int32_t> sums);

}  // namespace syn::snn
