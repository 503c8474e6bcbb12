// The schedule. On entry to step t every ring holds the outputs of the steps before t that somebody still reads, zeros
// where there were none. Then
//   1. delayed taps are listed: what is read of steps t-d, d >= 1, is complete
//   2. each population in topological order: its zero-delay sources are complete, so its projections are summed, its
//      neurons step, its output row of step t is written, and its zero-delay taps are listed
//   3. outputs and records are copied
// On exit the rings hold step t. Nothing else carries over.
#include "snn/real/engine.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "snn/real/neurons/steps.hpp"
#include "snn/real/synapses.hpp"

namespace syn::snn::real {
namespace {

// One population's output at one delay, as events.
struct Tap {
  std::uint32_t population, delay;
};

struct CompiledProjection {
  std::uint32_t from, delay;
  std::int64_t tap = -1;  // -1: reads whole rows
  std::unique_ptr<const Synapses> synapses;
};

struct CompiledPopulation {
  std::size_t neurons = 0;
  std::uint64_t ring_rows = 1;
  std::size_t ring = 0, variables = 0;          // where in State::values
  std::size_t variable_count = 0, named = 0;    // named ones come first
  std::int64_t input = -1;                      // index into Window::in
  std::unique_ptr<const Steps> steps;           // null: hands on its input sum, or is fed
  std::vector<CompiledProjection> projections;  // into it, in model order
  std::vector<std::size_t> taps;                // its own of delay 0
};

constexpr std::string_view kStateMagic{"SYNREAL\1", 8};
constexpr std::size_t kStateHead = 24;  // magic, step, number of values
constexpr std::uint64_t kMostStep = std::uint64_t{1} << 62;

}  // namespace

struct Engine::Compiled {
  Model model;
  const Loops* loops = nullptr;
  std::vector<CompiledPopulation> populations;
  std::vector<std::uint32_t> order;
  std::vector<Tap> taps;
  std::vector<std::size_t> delayed_taps;
  std::size_t state_values = 0;

  explicit Compiled(Model checked) : model(std::move(checked)), order(step_order(model)) {
    const auto delays = longest_delays(model);
    for (std::size_t i = 0; i < model.populations.size(); ++i) {
      const Population& population = model.populations[i];
      CompiledPopulation& p = populations.emplace_back();
      p.neurons = neurons_of(population.shape);
      p.ring_rows = delays[i] + 1;
      p.variable_count = variables_of(population.neurons);
      p.named = named_variables_of(population.neurons);
      p.ring = state_values;
      p.variables = p.ring + p.ring_rows * p.neurons;
      state_values = p.variables + p.variable_count * p.neurons;
      p.steps = steps_for(population.neurons, model.dt, p.neurons);
    }
    for (std::size_t i = 0; i < model.inputs.size(); ++i)
      populations[model.inputs[i].population].input = static_cast<std::int64_t>(i);
    for (const Projection& projection : model.projections) {
      CompiledProjection compiled{projection.from, projection.delay, -1, synapses_for(model, projection)};
      if (compiled.synapses->reads_events()) compiled.tap = tap_of(projection.from, projection.delay);
      populations[projection.to].projections.push_back(std::move(compiled));
    }
  }

  std::int64_t tap_of(std::uint32_t population, std::uint32_t delay) {
    for (std::size_t i = 0; i < taps.size(); ++i)
      if (taps[i].population == population && taps[i].delay == delay) return static_cast<std::int64_t>(i);
    taps.push_back({population, delay});
    (delay == 0 ? populations[population].taps : delayed_taps).push_back(taps.size() - 1);
    return static_cast<std::int64_t>(taps.size() - 1);
  }

  const double* row(const State& state, std::uint32_t population, std::uint32_t delay) const {
    const CompiledPopulation& p = populations[population];
    return state.values.data() + p.ring + (state.step + p.ring_rows - delay) % p.ring_rows * p.neurons;
  }
};

struct Engine::Buffers {
  struct TapEvents {
    std::vector<std::uint32_t> index;
    std::vector<double> value;
    std::size_t count = 0;
  };
  std::vector<TapEvents> taps;
  std::vector<double> sum, part, scratch;

  explicit Buffers(const Compiled& compiled) {
    for (const Tap& tap : compiled.taps) {
      const std::size_t n = compiled.populations[tap.population].neurons;
      taps.push_back({std::vector<std::uint32_t>(n), std::vector<double>(n), 0});
    }
    std::size_t most = 0, room = 0;
    for (const auto& p : compiled.populations) {
      most = std::max(most, p.neurons);
      for (const auto& projection : p.projections) room = std::max(room, projection.synapses->scratch());
    }
    sum.resize(most), part.resize(most), scratch.resize(room);
  }

  std::uint64_t bytes() const {
    std::uint64_t total = (sum.size() + part.size() + scratch.size()) * sizeof(double);
    for (const auto& tap : taps) total += tap.index.size() * (sizeof(std::uint32_t) + sizeof(double));
    return total;
  }

  void list(const Compiled& compiled, const State& state, std::size_t index) {
    const Tap& tap = compiled.taps[index];
    TapEvents& events = taps[index];
    events.count = compiled.loops->list(compiled.row(state, tap.population, tap.delay), events.index.size(),
                                        events.index.data(), events.value.data());
  }

  // The input sum of one population; what is returned stays until the next call. A population without projections
  // receives 0.
  const double* input(const Compiled& compiled, const State& state, const CompiledPopulation& p, Work& work) {
    if (p.projections.empty()) std::fill_n(sum.data(), p.neurons, 0.0);
    for (std::size_t i = 0; i < p.projections.size(); ++i) {
      const CompiledProjection& projection = p.projections[i];
      const CompiledPopulation& from = compiled.populations[projection.from];
      Reading reading{.row = compiled.row(state, projection.from, projection.delay),
                      .events = {},
                      .ring = state.values.data() + from.ring,
                      .step = state.step,
                      .ring_rows = from.ring_rows};
      if (projection.tap >= 0) {
        const TapEvents& events = taps[static_cast<std::size_t>(projection.tap)];
        reading.events = {events.index.data(), events.value.data(), events.count};
      }
      double* target = i == 0 ? sum.data() : part.data();
      work.synaptic_operations += projection.synapses->sum(*compiled.loops, reading, scratch.data(), target);
      if (i > 0)
        for (std::size_t n = 0; n < p.neurons; ++n) sum[n] = sum[n] + part[n];
    }
    return sum.data();
  }
};

Expected<Engine> Engine::make(Model model, std::string_view loops) {
  if (auto checked = check(model); !checked) return fail(checked.error());
  const Loops* chosen = nullptr;
  for (const Loops* table : available_loops())
    if (!chosen && (loops.empty() || loops == table->name)) chosen = table;
  if (!chosen)
    return fail(text::cat("this machine has no instruction set '", loops, "'"), "the float engine",
                "choose one of those that it lists");
  auto compiled = std::make_shared<Compiled>(std::move(model));
  compiled->loops = chosen;
  return Engine(std::move(compiled));
}

std::vector<std::string_view> Engine::loop_names() {
  std::vector<std::string_view> names;
  for (const Loops* table : available_loops()) names.push_back(table->name);
  return names;
}

Engine::Engine(std::shared_ptr<const Compiled> compiled)
    : compiled_(std::move(compiled)), buffers_(std::make_unique<Buffers>(*compiled_)) {}
Engine::Engine(const Engine& other) : Engine(other.compiled_) {}
Engine& Engine::operator=(const Engine& other) {
  return *this = Engine(other);
}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

const Model& Engine::model() const {
  return compiled_->model;
}
std::string_view Engine::loops() const {
  return compiled_->loops->name;
}
std::uint64_t Engine::state_bytes() const {
  return sizeof(State) + compiled_->state_values * sizeof(double);
}
std::uint64_t Engine::resident_bytes() const {
  std::uint64_t total = buffers_->bytes();
  for (const auto& p : compiled_->populations)
    for (const auto& projection : p.projections) total += projection.synapses->resident_bytes();
  return total;
}

void Engine::start(State& state) const {
  state.step = 0;
  state.values.assign(compiled_->state_values, 0.0);
  for (const auto& p : compiled_->populations)
    if (p.steps) p.steps->start(std::span(state.values).subspan(p.variables, p.variable_count * p.neurons));
}

State Engine::start() const {
  State state;
  start(state);
  return state;
}

Bytes Engine::to_bytes(const State& state) {
  const std::uint64_t count = state.values.size();
  Bytes out(kStateHead + count * sizeof(double));
  std::memcpy(out.data(), kStateMagic.data(), kStateMagic.size());
  std::memcpy(out.data() + 8, &state.step, sizeof state.step);
  std::memcpy(out.data() + 16, &count, sizeof count);
  if (count > 0) std::memcpy(out.data() + kStateHead, state.values.data(), count * sizeof(double));
  return out;
}

Expected<State> Engine::restore(ByteView bytes) const {
  const auto refuse = [&](std::string what) {
    return fail(std::move(what), text::cat("a state of '", model().name, "'"), "start the sample anew");
  };
  std::uint64_t head[2] = {};
  if (bytes.size() < kStateHead || std::memcmp(bytes.data(), kStateMagic.data(), kStateMagic.size()) != 0)
    return refuse("not a state of the float profile");
  std::memcpy(head, bytes.data() + 8, sizeof head);
  if (head[1] != compiled_->state_values || bytes.size() != kStateHead + compiled_->state_values * sizeof(double))
    return refuse(text::cat("it has ", head[1], " values in ", bytes.size(), " bytes where the model needs ",
                            compiled_->state_values));
  if (head[0] > kMostStep) return refuse(text::cat("it stands at step ", head[0]));
  State state{head[0], std::vector<double>(compiled_->state_values)};
  if (!state.values.empty())
    std::memcpy(state.values.data(), bytes.data() + kStateHead, state.values.size() * sizeof(double));
  if (!std::ranges::all_of(state.values, [](double value) { return std::isfinite(value); }))
    return refuse("one of its values is not finite");
  return state;
}

Expected<Work> Engine::run(State& state, Window& window) {
  const Compiled& compiled = *compiled_;
  const Model& model = compiled.model;
  SYN_ASSERT(state.values.size() == compiled.state_values, state.values.size(), compiled.state_values);
  SYN_ASSERT(window.in.size() == model.inputs.size(), window.in.size(), model.inputs.size());
  const std::size_t steps = window.steps;
  const auto refuse = [&](std::string what) {
    return fail(std::move(what), text::cat("the model '", model.name, "'"), "check the input and the model's weights");
  };
  for (std::size_t i = 0; i < window.in.size(); ++i) {
    const std::size_t neurons = compiled.populations[model.inputs[i].population].neurons;
    SYN_ASSERT(window.in[i].size() == steps * neurons, window.in[i].size(), steps, neurons);
    if (!std::ranges::all_of(window.in[i], [](float value) { return std::isfinite(value); }))
      return refuse(text::cat("the input '", model.inputs[i].name, "' holds a value that is not finite"));
  }
  window.out.resize(model.outputs.size());
  for (std::size_t i = 0; i < window.out.size(); ++i)
    window.out[i].resize(steps * compiled.populations[model.outputs[i].population].neurons);
  for (Record& record : window.records) {
    SYN_ASSERT(record.population < compiled.populations.size(), record.population);
    const std::size_t wanted = static_cast<std::size_t>(record.quantity);
    SYN_ASSERT(wanted <= named_variables_of(model.populations[record.population].neurons), record.population, wanted);
    record.values.resize(steps * compiled.populations[record.population].neurons);
  }

  Work work;
  for (std::size_t t = 0; t < steps; ++t) {
    for (const std::size_t tap : compiled.delayed_taps) buffers_->list(compiled, state, tap);
    for (const std::uint32_t index : compiled.order) {
      const CompiledPopulation& p = compiled.populations[index];
      double* out = state.values.data() + p.ring + state.step % p.ring_rows * p.neurons;
      if (p.input >= 0) {
        const float* in = window.in[static_cast<std::size_t>(p.input)].data() + t * p.neurons;
        for (std::size_t n = 0; n < p.neurons; ++n) out[n] = in[n];
      } else {
        const double* in = buffers_->input(compiled, state, p, work);
        if (p.steps) {
          p.steps->step(*compiled.loops, in, state.values.data() + p.variables, out);
          work.neuron_updates += p.neurons;
        } else {
          std::memcpy(out, in, p.neurons * sizeof *out);
        }
        // Every step, not once a call: how a sample is split must not decide whether it is refused.
        if (!compiled.loops->finite(p.named == 0 ? out : state.values.data() + p.variables,
                                    std::max(p.named, std::size_t{1}) * p.neurons))
          return refuse(text::cat("the population '", model.populations[index].name,
                                  "' has left the range of numbers in step ", state.step));
      }
      for (const std::size_t tap : p.taps) buffers_->list(compiled, state, tap);
    }
    const auto copy_row = [&](std::uint32_t population, const double* from, std::vector<double>& to) {
      const std::size_t n = compiled.populations[population].neurons;
      std::copy_n(from, n, to.data() + t * n);
    };
    for (std::size_t i = 0; i < window.out.size(); ++i)
      copy_row(model.outputs[i].population, compiled.row(state, model.outputs[i].population, 0), window.out[i]);
    for (Record& record : window.records) {
      const CompiledPopulation& p = compiled.populations[record.population];
      const double* variables = state.values.data() + p.variables;
      copy_row(record.population,
               record.quantity == Quantity::output      ? compiled.row(state, record.population, 0)
               : record.quantity == Quantity::potential ? variables
                                                        : variables + p.neurons,
               record.values);
    }
    ++state.step;
  }
  return work;
}

}  // namespace syn::snn::real
