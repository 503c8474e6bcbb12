#include "snn/real/buffers.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace syn::snn::real {

namespace {

constexpr double kZero = 0;

}  // namespace

Buffers::Buffers(const Compiled& compiled)
    : compiled_(compiled), rows_(compiled.buffer_rows), sums_(compiled.buffer_sums), bits_(compiled.buffer_bits) {
  std::size_t sum = 0, part = 0, room = 0, moved = 0, channels = 0;
  for (const auto& p : compiled.populations) {
    if (p.in_place) {
      std::ranges::copy(p.starts, sums_.begin() + static_cast<std::ptrdiff_t>(p.sums));
      if (!p.place_of.empty()) moved = std::max(moved, p.neurons);
      channels = std::max<std::size_t>(channels, p.channels);
      continue;
    }
    if (p.input >= 0 || p.way == Way::passed || p.way == Way::pooled) continue;
    sum = std::max(sum, p.neurons);
    if (p.projections.size() > 1) part = std::max(part, p.neurons);
    for (const auto& projection : p.projections) room = std::max(room, projection.synapses->scratch());
  }
  sum_.resize(sum), part_.resize(part), scratch_.resize(room), fired_.resize(moved), first_of_.resize(channels),
      spikes_.resize(moved);
  for (std::size_t i = 0; i < compiled.lists.size(); ++i) {
    const CompiledPopulation& p = compiled.populations[compiled.lists[i].population];
    List& list = lists_.emplace_back();
    if (i < compiled.populations.size() && !p.listed) continue;
    list.index.resize(p.neurons + kListSlack);
    list.value.assign(p.neurons, 1.0);  // and so it stays where no spike is anything else
  }
}

std::uint64_t Buffers::bytes() const {
  std::uint64_t total =
      (rows_.size() + sums_.size() + sum_.size() + part_.size() + scratch_.size() + spikes_.size()) * sizeof(double) +
      bits_.size() * sizeof bits_[0] + (fired_.size() + first_of_.size()) * sizeof fired_[0];
  for (const List& list : lists_)
    total += list.index.size() * sizeof list.index[0] + list.value.size() * sizeof list.value[0];
  return total;
}

std::size_t Buffers::slot(const State& state, const CompiledPopulation& p, std::uint64_t delay) const {
  return p.ring_rows == 1 ? 0 : (state.step + p.ring_rows - delay) % p.ring_rows;
}
const double* Buffers::row(const State& state, const CompiledPopulation& p, std::uint64_t delay) const {
  if (p.ring_rows == 1) return rows_.data() + p.row;
  return state.values.data() + p.row + slot(state, p, delay) * p.neurons;
}
double* Buffers::row(State& state, const CompiledPopulation& p) {
  if (p.ring_rows == 1) return rows_.data() + p.row;
  return state.values.data() + p.row + slot(state, p, 0) * p.neurons;
}
std::uint64_t* Buffers::bits(State& state, const CompiledPopulation& p) {
  if (p.ring_rows == 1) return bits_.data() + p.bits;
  return state.spikes.data() + p.bits + slot(state, p, 0) * p.words;
}
const std::uint64_t* Buffers::bits(const State& state, const CompiledPopulation& p, std::uint64_t delay) const {
  if (p.ring_rows == 1) return bits_.data() + p.bits;
  return state.spikes.data() + p.bits + slot(state, p, delay) * p.words;
}

// What was not 0 when this slot was last written becomes 0. `now` still is the list of the step before.
void Buffers::clear(State& state, const CompiledPopulation& p, const List& now) {
  std::uint64_t* words = bits(state, p);
  double* values = p.keeps_rows ? row(state, p) : nullptr;
  if (p.ring_rows == 1 && now.all) {
    for (std::size_t e = 0; e < now.count; ++e) words[now.index[e] / 64] = 0;
    if (values)
      for (std::size_t e = 0; e < now.count; ++e) values[now.index[e]] = 0;
    return;
  }
  for (std::size_t w = 0; w < p.words; ++w) {
    if (values)
      for (std::uint64_t word = words[w]; word != 0; word &= word - 1)
        values[w * 64 + static_cast<std::size_t>(std::countr_zero(word))] = 0;
    words[w] = 0;
  }
}

// This step's events, for those who read them late or whole.
void Buffers::keep(State& state, const CompiledPopulation& p, const List& now) {
  if (!p.keeps_bits) return;
  std::uint64_t* words = bits(state, p);
  for (std::size_t e = 0; e < now.count; ++e) words[now.index[e] / 64] |= std::uint64_t{1} << (now.index[e] % 64);
  if (!p.keeps_rows) return;
  double* values = row(state, p);
  for (std::size_t e = 0; e < now.count; ++e) values[now.index[e]] = now.value[e];
}

// The values of what is listed; those that came to 0 are none.
void Buffers::values_of(const CompiledPopulation& p, const double* row, List& list) const {
  if (!p.graded) return;
  std::size_t count = 0;
  for (std::size_t e = 0; e < list.count; ++e) {
    const std::uint32_t at = list.index[e];
    list.index[count] = at;
    list.value[count] = row[at];
    count += row[at] != 0;
  }
  list.all = count == list.count;
  list.count = count;
}

void Buffers::list_delayed(const State& state) {
  for (std::size_t i = compiled_.populations.size(); i < lists_.size(); ++i) {
    const CompiledPopulation& p = compiled_.populations[compiled_.lists[i].population];
    const std::uint32_t delay = compiled_.lists[i].delay;
    List& list = lists_[i];
    if (hands_on_events(p.way)) {
      list.count = compiled_.loops->list_bits(bits(state, p, delay), p.words, list.index.data());
      if (p.keeps_rows) values_of(p, row(state, p, delay), list);
    } else {
      list.count = compiled_.loops->list(row(state, p, delay), p.neurons, list.index.data(), list.value.data());
    }
  }
}

Reading Buffers::reading(const State& state, const CompiledProjection& projection) const {
  const CompiledPopulation& from = compiled_.populations[projection.from];
  Reading out{.events = {}, .row = nullptr, .ring = nullptr, .step = state.step, .ring_rows = from.ring_rows};
  if (projection.list >= 0) {
    out.events = lists_[static_cast<std::size_t>(projection.list)].events();
  } else {
    out.row = row(state, from, projection.delay);
    out.ring = from.ring_rows == 1 ? out.row : state.values.data() + from.row;
  }
  return out;
}

// The input sum of one population, channel-first; what is returned stays until the next call. A population without
// projections receives 0.
double* Buffers::input(const State& state, const CompiledPopulation& p, Work& work) {
  if (p.projections.empty()) std::fill_n(sum_.data(), p.neurons, 0.0);
  for (std::size_t i = 0; i < p.projections.size(); ++i) {
    const CompiledProjection& projection = p.projections[i];
    double* target = i == 0 ? sum_.data() : part_.data();
    work.synaptic_operations +=
        projection.synapses->sum(*compiled_.loops, reading(state, projection), scratch_.data(), target);
    if (i > 0)
      for (std::size_t n = 0; n < p.neurons; ++n) sum_[n] = sum_[n] + part_[n];
  }
  return sum_.data();
}

bool Buffers::feed(const float* in, std::size_t n, List& now) const {
  now.count = compiled_.loops->list_floats(in, n, now.index.data(), now.value.data());
  return compiled_.loops->finite(now.value.data(), now.count);
}

bool Buffers::pool(State& state, const CompiledPopulation& p, List& now, Work& work) {
  double* sums = row(state, p);
  std::uint64_t* reached = bits(state, p);
  const Events events = reading(state, p.projections[0]).events;
  work.synaptic_operations += p.pooling->reach(*compiled_.loops, events, sums, reached);
  now.count = compiled_.loops->list_bits(reached, p.words, now.index.data());
  if (p.pooling->divisor() != 1)
    for (std::size_t e = 0; e < now.count; ++e) sums[now.index[e]] = sums[now.index[e]] / p.pooling->divisor();
  values_of(p, sums, now);
  return compiled_.loops->finite(now.value.data(), now.count);
}

// Channel-last spikes by channel: within one they ascend as it is.
void Buffers::sort(const CompiledPopulation& p, std::size_t fired, List& now) {
  std::uint32_t* next = first_of_.data();
  std::fill_n(next, p.channels, 0u);
  for (std::size_t e = 0; e < fired; ++e) {
    fired_[e] = p.place_of[fired_[e]];
    ++next[p.positions(fired_[e])];
  }
  std::uint32_t first = 0;
  for (std::uint32_t c = 0; c < p.channels; ++c) first += std::exchange(next[c], first);
  for (std::size_t e = 0; e < fired; ++e) {
    const std::uint32_t at = next[p.positions(fired_[e])]++;
    now.index[at] = fired_[e];
    if (p.graded) now.value[at] = spikes_[e];
  }
}

bool Buffers::membrane(State& state, const CompiledPopulation& p, List& now, Work& work) {
  const bool moved = !p.place_of.empty();
  MembranePass pass{.n = p.neurons,
                    .v = state.values.data() + p.variables,
                    .sums = nullptr,
                    .start = &kZero,
                    .start_alike = true,
                    .touched = p.marks ? state.awake.data() + p.awake : nullptr,
                    .fired = moved ? fired_.data() : now.index.data(),
                    .spikes = moved ? spikes_.data() : now.value.data()};
  if (p.in_place) {
    pass.sums = sums_.data() + p.sums;
    pass.start = p.starts.data(), pass.start_alike = p.starts_alike;
    work.synaptic_operations +=
        p.projections[0].synapses->add(*compiled_.loops, reading(state, p.projections[0]), pass.sums, pass.touched);
  } else {
    pass.sums = input(state, p, work);
  }
  const MembranesStepped stepped = compiled_.loops->membranes(*p.steps->membranes(), pass);
  work.neuron_updates += stepped.updated;
  now.count = stepped.fired;
  if (moved) sort(p, stepped.fired, now);
  keep(state, p, now);
  return stepped.finite;
}

bool Buffers::step(State& state, std::uint32_t population, const float* in, Work& work) {
  const CompiledPopulation& p = compiled_.populations[population];
  const Loops& loops = *compiled_.loops;
  List& now = lists_[population];
  if (p.keeps_bits) clear(state, p, now);
  switch (p.way) {
    case Way::fed:
      if (!feed(in, p.neurons, now)) return false;
      keep(state, p, now);
      return true;
    case Way::passed: {
      const Events events = reading(state, p.projections[0]).events;
      std::copy_n(events.index, events.count, now.index.data());
      std::copy_n(events.value, events.count, now.value.data());
      now.count = events.count;
      keep(state, p, now);
      return true;
    }
    case Way::pooled:
      return pool(state, p, now, work);
    case Way::membrane:
      return membrane(state, p, now, work);
    case Way::stepped:
    case Way::relayed:
      break;
  }
  const double* sums = input(state, p, work);
  double* out = row(state, p);
  double* variables = state.values.data() + p.variables;
  if (p.steps) {
    p.steps->step(loops, sums, variables, out);
    work.neuron_updates += p.neurons;
  } else {
    std::copy_n(sums, p.neurons, out);
  }
  if (p.listed) now.count = loops.list(out, p.neurons, now.index.data(), now.value.data());
  return loops.finite(p.named == 0 ? out : variables, std::max(p.named, std::size_t{1}) * p.neurons);
}

void Buffers::copy_output(const State& state, std::uint32_t population, double* to) const {
  const CompiledPopulation& p = compiled_.populations[population];
  if (p.keeps_rows) {
    std::copy_n(row(state, p, 0), p.neurons, to);
    return;
  }
  std::fill_n(to, p.neurons, 0.0);
  const List& now = lists_[population];
  for (std::size_t e = 0; e < now.count; ++e) to[now.index[e]] = now.value[e];
}

}  // namespace syn::snn::real
