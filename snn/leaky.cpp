#include "snn/leaky.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace syn::snn {

LeakyNeurons::LeakyNeurons(const Population& population)
    : shape_(population.shape), neurons_(shape_.neurons()), row_(std::size_t{shape_.width} * shape_.channels) {
  const Membrane* membrane = membrane_of(population);
  SYN_ASSERT(membrane, population.name);
  current_ = !membrane->current_keep.empty();
  // What keeps all of itself need not be asked: many networks are stored as leaky with nothing that leaks.
  if (std::ranges::any_of(membrane->keep, [](std::int32_t keep) { return keep != kKeepAll; }))
    keep_ = laid_out(membrane->keep);
  current_keep_ = laid_out(membrane->current_keep);
  start_ = laid_out(membrane->start);
  step_.fraction = membrane->fraction;
  step_.potential_limit = membrane->potential_limit;
  step_.current_limit = membrane->current_limit;
  step_.reads_previous = membrane->reads_previous;
  step_.most = 1;
  const auto* leaky = std::get_if<Leaky>(&population.kind);
  const auto& bias = leaky ? leaky->bias : std::get<Readout>(population.kind).bias;
  bias_ = laid_out(bias);
  biased_ = std::ranges::any_of(bias, [](std::int32_t b) { return b != 0; });
  if (!leaky) return;
  threshold_ = laid_out(leaky->threshold);
  reset_ = laid_out(leaky->reset);
  adaptation_keep_ = laid_out(leaky->adaptation_keep);
  jump_ = laid_out(leaky->jump);
  adapts_ = !jump_.empty();
  held_ = leaky->refractory > 0;
  step_.adaptation_limit = leaky->adaptation_limit;
  step_.refractory = leaky->refractory;
  step_.most = static_cast<std::int32_t>(population.greatest);
  step_.subtracts = leaky->rule == Reset::subtract;
}

LeakyNeurons::Constants LeakyNeurons::laid_out(const std::vector<std::int32_t>& values) const {
  Constants out{.values = {}, .per_band = values.size() == shape_.channels};
  for (std::uint32_t x = 0; x < (out.per_band ? shape_.width : 1); ++x)
    out.values.insert(out.values.end(), values.begin(), values.end());
  return out;
}

std::uint64_t LeakyNeurons::resident_bytes() const {
  std::uint64_t count = 0;
  for (const Constants* c : {&keep_, &current_keep_, &bias_, &threshold_, &reset_, &adaptation_keep_, &jump_, &start_})
    count += c->values.size();
  return count * sizeof(std::int32_t);
}

kernels::LeakyState LeakyNeurons::band(std::span<std::int32_t> state, std::size_t at) const {
  std::int32_t* next = state.data() + at;
  const auto take = [&](bool there) {
    if (!there) return static_cast<std::int32_t*>(nullptr);
    std::int32_t* variable = next;
    next += neurons_;
    return variable;
  };
  // In this order, as variables() says.
  std::int32_t *potential = take(true), *current = take(current_), *adaptation = take(adapts_);
  return {potential, current, adaptation, take(held_)};
}

bool LeakyNeurons::start(std::span<std::int32_t> state) const {
  std::ranges::fill(state, 0);
  bool rest = true;
  for (std::size_t i = 0; i < neurons_; ++i) {
    const std::size_t at = i % row_, first = i - at;
    if (!start_.empty()) state[i] = *start_.at(first, at);
    if (!threshold_.empty()) rest &= std::max(state[i], 0) < *threshold_.at(first, at);
  }
  return rest;
}

kernels::LeakyStepped LeakyNeurons::step(const kernels::Table& kernels, std::size_t y, std::size_t at, std::size_t n,
                                         const std::int32_t* sums, std::span<std::int32_t> state, Count* out) const {
  const std::size_t first = y * row_;
  kernels::LeakyStep step = step_;
  step.keep = keep_.at(first, at);
  step.current_keep = current_keep_.at(first, at);
  step.bias = bias_.at(first, at);
  step.threshold = threshold_.at(first, at);
  step.reset = reset_.at(first, at);
  step.adaptation_keep = adaptation_keep_.at(first, at);
  step.jump = jump_.at(first, at);
  return kernels.step_leaky(step, sums, n, band(state, first + at), out);
}

std::uint64_t LeakyNeurons::rest(const kernels::Table& kernels, std::uint32_t times,
                                 std::span<std::int32_t> state) const {
  std::uint64_t leaks = 0;
  for (std::size_t first = 0; first < neurons_; first += row_) {
    const auto variables = band(state, first);
    if (!keep_.empty())
      leaks += kernels.leak_often(keep_.at(first, 0), times, variables.held, row_, variables.potential);
    if (adapts_) leaks += kernels.leak_often(adaptation_keep_.at(first, 0), times, nullptr, row_, variables.adaptation);
    if (held_)
      for (std::size_t i = 0; i < row_; ++i)
        variables.held[i] -= std::min(variables.held[i], static_cast<std::int32_t>(times));
  }
  return leaks;
}

}  // namespace syn::snn
