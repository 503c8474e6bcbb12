#include "snn/bands.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace syn::snn {
namespace {

template <class Vector>
void at_least(Vector& buffer, std::size_t n) {
  if (buffer.size() < n + kernels::kSlack) buffer.resize(n + kernels::kSlack);
}

Linear::Listed listed_of(const Input& input, PartScratch& scratch) {
  return {.values = scratch.values.data(),
          .offsets = scratch.offsets.data(),
          .singles = scratch.singles.data(),
          .single_values = scratch.single_values.data(),
          .starts = scratch.starts.data(),
          .totals = scratch.totals.data(),
          .scattered = scratch.scattered.data(),
          .copy = scratch.copy.data() + input.copy_at,
          .rows = scratch.rows.data() + input.rows_at};
}

std::uint8_t* copy_of(const Input& input, PartScratch& scratch) {
  return reinterpret_cast<std::uint8_t*>(scratch.copy.data() + input.copy_at);
}

}  // namespace

PartScratch& part_scratch(const Compiled& compiled) {
  thread_local PartScratch scratch;
  at_least(scratch.copy, compiled.room.copies);
  at_least(scratch.values, compiled.room.events);
  at_least(scratch.offsets, compiled.room.events);
  at_least(scratch.singles, compiled.room.singles);
  at_least(scratch.single_values, compiled.room.singles);
  at_least(scratch.starts, compiled.room.starts);
  at_least(scratch.totals, compiled.room.starts);
  at_least(scratch.scattered, compiled.room.scattered);
  at_least(scratch.rows, compiled.room.rows);
  at_least(scratch.band, compiled.band);
  return scratch;
}

void open_input(const Compiled& compiled, const kernels::Table& kernels, const Input& input, const Count* counts,
                const Part& part, bool fires, PartScratch& scratch) {
  if (input.linear >= 0)
    compiled.linears[static_cast<std::size_t>(input.linear)].open(kernels, counts, part, listed_of(input, scratch),
                                                                  fires);
  if (input.channelwise >= 0) {
    compiled.channelwise[static_cast<std::size_t>(input.channelwise)].open(kernels, counts, part.first_row,
                                                                           part.last_row, copy_of(input, scratch));
  }
}

const std::int32_t* add_band(const Compiled& compiled, const kernels::Table& kernels, const Stage& stage,
                             const Input& input, const Count* counts, const Part& part, std::size_t y,
                             const std::int32_t* from, std::int32_t* sums, const kernels::Firing* firing,
                             PartScratch& scratch) {
  const auto row = static_cast<std::int64_t>(y);
  if (input.linear >= 0)
    return compiled.linears[static_cast<std::size_t>(input.linear)].add_row(kernels, listed_of(input, scratch), part,
                                                                            row, from, sums, firing);
  if (input.channelwise >= 0)
    return compiled.channelwise[static_cast<std::size_t>(input.channelwise)].add_row(
        kernels, counts, copy_of(input, scratch), row, from, sums, firing);
  if (from != sums) std::copy_n(from, stage.band, sums);
  add_sum_pool(std::get<SumPool>(*input.connection), compiled.stages[input.from].population->shape,
               stage.population->shape, counts, row, sums);
  return sums;
}

std::size_t fire_bands(const Compiled& compiled, const kernels::Table& kernels, const Input& input, const Part& part,
                       std::size_t y, const std::int32_t* from, std::size_t from_pitch, std::int32_t* sums,
                       const kernels::Firing& firing, PartScratch& scratch) {
  if (input.linear >= 0)
    return compiled.linears[static_cast<std::size_t>(input.linear)].fire_rows(kernels, listed_of(input, scratch), part,
                                                                              y, from, from_pitch, sums, firing);
  if (input.channelwise >= 0 && compiled.channelwise[static_cast<std::size_t>(input.channelwise)].fire_rows(
                                    kernels, copy_of(input, scratch), y, part.last_row, firing))
    return part.last_row - y;
  return 0;
}

void sum_inputs(const Compiled& compiled, const kernels::Table& kernels, std::uint32_t population,
                std::span<const std::span<const Count>> counts, std::span<std::int32_t> sums) {
  SYN_ASSERT(population < compiled.stages.size(), population);
  const Stage& stage = compiled.stages[population];
  SYN_ASSERT(sums.size() == stage.neurons, sums.size(), stage.neurons);
  PartScratch& scratch = part_scratch(compiled);
  const Shape& shape = stage.population->shape;
  const Part whole{0, shape.height, 0, shape.channels};
  for (const Input& input : stage.inputs) {
    SYN_ASSERT(counts[input.from].size() == compiled.stages[input.from].neurons, input.from, counts[input.from].size());
    SYN_ASSERT(!std::holds_alternative<MaxPool>(*input.connection), stage.population->name);
    open_input(compiled, kernels, input, counts[input.from].data(), whole, false, scratch);
  }
  for (std::size_t y = 0; y < shape.height; ++y) {
    std::fill_n(scratch.band.data(), stage.band, 0);
    for (const Input& input : stage.inputs)
      add_band(compiled, kernels, stage, input, counts[input.from].data(), whole, y, scratch.band.data(),
               scratch.band.data(), nullptr, scratch);
    std::copy_n(scratch.band.data(), stage.band, sums.data() + y * stage.band);
  }
}

}  // namespace syn::snn
