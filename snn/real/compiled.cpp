#include "snn/real/compiled.hpp"

#include <algorithm>
#include <bit>

namespace syn::snn::real {

namespace {

// Regions begin on cache lines.
constexpr std::size_t whole_lines(std::size_t doubles) {
  return (doubles + 7) / 8 * 8;
}
constexpr std::size_t words_for(std::size_t bits) {
  return (bits + 63) / 64;
}

// Brings what is one a neuron into another order.
struct Reordering {
  const std::vector<std::uint32_t>& place_of;

  void parameter(std::string_view, Parameter& p, Range) const {
    if (p.size() != place_of.size()) return;
    Parameter moved(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) moved[i] = p[place_of[i]];
    p = std::move(moved);
  }
  template <class E>
  void option(std::string_view, E&, E) const {}
  void count(std::string_view, std::uint32_t&, std::uint32_t) const {}
};

std::vector<std::uint32_t> places(std::size_t neurons, std::uint32_t channels) {
  const std::size_t positions = neurons / channels;
  std::vector<std::uint32_t> out(neurons);
  for (std::size_t i = 0; i < neurons; ++i)
    out[i] = static_cast<std::uint32_t>(i % channels * positions + i / channels);
  return out;
}

bool is_zero(double x) {
  return x == 0;
}

}  // namespace

Compiled::Compiled(Model checked, const Loops& with)
    : model(std::move(checked)), loops(&with), populations(model.populations.size()), order(step_order(model)) {
  const auto delays = longest_delays(model);
  for (std::uint32_t i = 0; i < populations.size(); ++i) lists.push_back({i, 0});
  for (std::size_t i = 0; i < model.inputs.size(); ++i)
    populations[model.inputs[i].population].input = static_cast<std::int64_t>(i);
  for (const Projection& projection : model.projections)
    populations[projection.to].projections.push_back(
        {projection.from, projection.delay, -1, synapses_for(model, projection)});
  for (std::size_t i = 0; i < populations.size(); ++i) compile(i, delays[i]);
  // Who is read how is known only now.
  for (CompiledPopulation& p : populations) {
    for (CompiledProjection& projection : p.projections) {
      if (projection.synapses->reads_events() || p.way == Way::passed) {
        projection.list = list_of(projection.from, projection.delay);
      } else {
        populations[projection.from].keeps_rows = true;
      }
    }
  }
  for (CompiledPopulation& p : populations) place(p);
}

// What a population is by itself.
void Compiled::compile(std::size_t index, std::uint32_t longest_delay) {
  const Population& population = model.populations[index];
  CompiledPopulation& p = populations[index];
  p.neurons = neurons_of(population.shape);
  p.ring_rows = std::uint64_t{longest_delay} + 1;
  p.variable_count = variables_of(population.neurons);
  p.named = named_variables_of(population.neurons);
  const Projection* only = nullptr;
  if (p.projections.size() == 1)
    only = &*std::ranges::find(model.projections, static_cast<std::uint32_t>(index), &Projection::to);
  p.graded = true;
  if (p.input >= 0) {
    p.way = Way::fed;
  } else if (std::holds_alternative<Relay>(population.neurons)) {
    p.way = Way::relayed;
    if (only && std::holds_alternative<Identity>(only->connection)) p.way = Way::passed;
    if (only && std::holds_alternative<Pool>(only->connection)) {
      p.way = Way::pooled;
      p.pooling = pooling_for(model, *only);
      p.keeps_rows = true;  // sums are added up in them
    }
  } else {
    p.steps = steps_for(population.neurons, model.dt, p.neurons);
    const Membranes* rule = p.steps->membranes();
    if (!rule) return;
    p.way = Way::membrane;
    p.graded = rule->most != 1;
    auto in_place = only ? p.projections[0].synapses->in_place() : std::nullopt;
    if (!in_place) return;
    p.in_place = true;
    p.starts = std::move(in_place->starts);
    p.starts_alike = std::ranges::all_of(p.starts, [&](double x) { return x == p.starts[0]; });  // none is -0
    // A silent neuron of the others moves by itself.
    p.marks = in_place->marks && rule->update == Membranes::Update::add && std::ranges::all_of(p.starts, is_zero);
    if (in_place->channels_last == 0) return;
    p.place_of = places(p.neurons, in_place->channels_last);
    p.channels = in_place->channels_last;
    const auto neurons_in_all = static_cast<std::uint32_t>(p.neurons);
    p.positions = Divisor::of(neurons_in_all / p.channels, neurons_in_all);
    Neurons neurons = population.neurons;
    std::visit([&]<class Kind>(Kind& kind) { Kind::fields(kind, Reordering{p.place_of}); }, neurons);
    p.steps = steps_for(neurons, model.dt, p.neurons);
  }
}

// Where it keeps what.
void Compiled::place(CompiledPopulation& p) {
  const bool late = p.ring_rows > 1;
  if (hands_on_events(p.way)) {
    p.listed = true;
    if (p.graded && late) p.keeps_rows = true;
    p.keeps_bits = late || p.keeps_rows;
  } else {
    p.keeps_rows = true;
  }
  if (p.keeps_rows) {
    std::size_t& total = late ? state_values : buffer_rows;
    p.row = total;
    total = whole_lines(total + p.ring_rows * p.neurons);
  }
  if (p.keeps_bits) {
    p.words = words_for(p.neurons);
    std::size_t& total = late ? state_bits : buffer_bits;
    p.bits = total;
    total += p.ring_rows * p.words;
  }
  p.variables = state_values;
  state_values = whole_lines(state_values + p.variable_count * p.neurons);
  if (p.in_place) {
    p.sums = buffer_sums;
    buffer_sums = whole_lines(buffer_sums + p.neurons);
  }
  if (p.marks) {
    p.awake = state_awake;
    state_awake += words_for((p.neurons + kMarked - 1) / kMarked);
  }
}

std::int64_t Compiled::list_of(std::uint32_t population, std::uint32_t delay) {
  if (delay == 0) {
    populations[population].listed = true;
    return population;
  }
  for (std::size_t i = populations.size(); i < lists.size(); ++i)
    if (lists[i].population == population && lists[i].delay == delay) return static_cast<std::int64_t>(i);
  lists.push_back({population, delay});
  return static_cast<std::int64_t>(lists.size() - 1);
}

std::uint64_t Compiled::resident_bytes() const {
  std::uint64_t total = 0;
  for (const auto& p : populations) {
    for (const auto& projection : p.projections) total += projection.synapses->resident_bytes();
    if (p.pooling) total += p.pooling->resident_bytes();
    if (p.steps) total += p.steps->resident_bytes();
    total += p.starts.size() * sizeof(double) + p.place_of.size() * sizeof(std::uint32_t);
  }
  return total;
}

}  // namespace syn::snn::real
