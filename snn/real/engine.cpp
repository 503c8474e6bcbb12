// The schedule. On entry to step t the rings hold the outputs of the steps before t that somebody still reads, zeros
// where there were none. Then
//   1. delayed events are listed: what is read of steps t-d, d >= 1, is complete
//   2. each population in topological order: its zero-delay sources are complete, so its projections are summed, its
//      neurons step, and its output of step t is written and listed
//   3. outputs and records are copied
// On exit the rings hold step t. Nothing else carries over.
#include "snn/real/engine.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "snn/real/buffers.hpp"

namespace syn::snn::real {
namespace {

constexpr std::string_view kStateMagic{"SYNREAL\2", 8};
constexpr std::size_t kStateHead = 32;  // magic, step, numbers of values and of words of bitmaps
constexpr std::uint64_t kMostStep = std::uint64_t{1} << 62;

// Bitmaps say which numbers of rows are not 0, and nothing beyond the last neuron.
bool fit_together(const Compiled& compiled, const State& state) {
  for (const CompiledPopulation& p : compiled.populations) {
    if (p.ring_rows == 1 || !p.keeps_bits) continue;
    for (std::size_t slot = 0; slot < p.ring_rows; ++slot) {
      const std::uint64_t* words = state.spikes.data() + p.bits + slot * p.words;
      const double* row = state.values.data() + p.row + slot * p.neurons;
      for (std::size_t i = 0; i < p.words * 64; ++i) {
        const bool set = (words[i / 64] >> (i % 64) & 1) != 0;
        if (set && i >= p.neurons) return false;
        if (i >= p.neurons || !p.keeps_rows) continue;
        if (!set && std::bit_cast<std::uint64_t>(row[i]) != 0) return false;
        if (set && !p.graded && row[i] != 1) return false;
      }
    }
  }
  return true;
}

}  // namespace

Expected<Engine> Engine::make(Model model, std::string_view loops) {
  if (auto checked = check(model); !checked) return fail(checked.error());
  const Loops* chosen = nullptr;
  for (const Loops* table : available_loops())
    if (!chosen && (loops.empty() || loops == table->name)) chosen = table;
  if (!chosen)
    return fail(text::cat("this machine has no instruction set '", loops, "'"), "the float engine",
                "choose one of those that it lists");
  return Engine(std::make_shared<const Compiled>(std::move(model), *chosen));
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
  return sizeof(State) + compiled_->state_values * sizeof(double) +
         (compiled_->state_bits + compiled_->state_awake) * sizeof(std::uint64_t);
}
std::uint64_t Engine::resident_bytes() const {
  return buffers_->bytes() + compiled_->resident_bytes();
}

void Engine::start(State& state) const {
  state.step = 0;
  state.values.assign(compiled_->state_values, 0.0);
  state.spikes.assign(compiled_->state_bits, 0);
  state.awake.assign(compiled_->state_awake, ~std::uint64_t{0});
  for (const auto& p : compiled_->populations)
    if (p.steps) p.steps->start(std::span(state.values).subspan(p.variables, p.variable_count * p.neurons));
}

State Engine::start() const {
  State state;
  start(state);
  return state;
}

Bytes Engine::to_bytes(const State& state) {
  const std::uint64_t head[] = {state.step, state.values.size(), state.spikes.size()};
  const std::size_t values = state.values.size() * sizeof(double);
  const std::size_t spikes = state.spikes.size() * sizeof(std::uint64_t);
  Bytes out(kStateHead + values + spikes);
  SYN_ASSERT(out.size() >= kStateHead);  // GCC 12 takes it to be empty
  std::memcpy(out.data(), kStateMagic.data(), kStateMagic.size());
  std::memcpy(out.data() + kStateMagic.size(), head, sizeof head);
  if (values > 0) std::memcpy(out.data() + kStateHead, state.values.data(), values);
  if (spikes > 0) std::memcpy(out.data() + kStateHead + values, state.spikes.data(), spikes);
  return out;
}

Expected<State> Engine::restore(ByteView bytes) const {
  const auto refuse = [&](std::string what) {
    return fail(std::move(what), text::cat("a state of '", model().name, "'"), "start the sample anew");
  };
  const std::size_t values = compiled_->state_values * sizeof(double);
  const std::size_t spikes = compiled_->state_bits * sizeof(std::uint64_t);
  std::uint64_t head[3] = {};
  if (bytes.size() < kStateHead || std::memcmp(bytes.data(), kStateMagic.data(), kStateMagic.size()) != 0)
    return refuse("not a state of the float profile");
  std::memcpy(head, bytes.data() + kStateMagic.size(), sizeof head);
  if (head[1] != compiled_->state_values || head[2] != compiled_->state_bits ||
      bytes.size() != kStateHead + values + spikes)
    return refuse(text::cat("it has ", head[1], " values and ", head[2], " words in ", bytes.size(),
                            " bytes where the model needs ", compiled_->state_values, " and ", compiled_->state_bits));
  if (head[0] > kMostStep) return refuse(text::cat("it stands at step ", head[0]));
  State state;
  start(state);
  state.step = head[0];
  if (values > 0) std::memcpy(state.values.data(), bytes.data() + kStateHead, values);
  if (spikes > 0) std::memcpy(state.spikes.data(), bytes.data() + kStateHead + values, spikes);
  if (!std::ranges::all_of(state.values, [](double value) { return std::isfinite(value); }))
    return refuse("one of its values is not finite");
  if (!fit_together(*compiled_, state)) return refuse("its spikes and their values do not fit together");
  return state;
}

Expected<Work> Engine::run(State& state, Window& window) {
  const Compiled& compiled = *compiled_;
  const Model& model = compiled.model;
  SYN_ASSERT(state.values.size() == compiled.state_values, state.values.size(), compiled.state_values);
  SYN_ASSERT(state.spikes.size() == compiled.state_bits && state.awake.size() == compiled.state_awake);
  SYN_ASSERT(window.in.size() == model.inputs.size(), window.in.size(), model.inputs.size());
  const std::size_t steps = window.steps;
  const auto refuse = [&](std::string what) {
    return fail(std::move(what), text::cat("the model '", model.name, "'"), "check the input and the model's weights");
  };
  for (std::size_t i = 0; i < window.in.size(); ++i) {
    const std::size_t neurons = compiled.populations[model.inputs[i].population].neurons;
    SYN_ASSERT(window.in[i].size() == steps * neurons, window.in[i].size(), steps, neurons);
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
    buffers_->list_delayed(state);
    for (const std::uint32_t index : compiled.order) {
      const CompiledPopulation& p = compiled.populations[index];
      const float* in = nullptr;
      if (p.input >= 0) in = window.in[static_cast<std::size_t>(p.input)].data() + t * p.neurons;
      // Every step, not once a call: how a sample is split must not decide whether it is refused.
      if (buffers_->step(state, index, in, work)) continue;
      if (p.input >= 0)
        return refuse(text::cat("the input '", model.inputs[static_cast<std::size_t>(p.input)].name,
                                "' holds a value that is not finite"));
      return refuse(text::cat("the population '", model.populations[index].name,
                              "' has left the range of numbers in step ", state.step));
    }
    const auto copy_output = [&](std::uint32_t population, std::vector<double>& to) {
      const CompiledPopulation& p = compiled.populations[population];
      double* row = to.data() + t * p.neurons;
      if (p.input < 0) return buffers_->copy_output(state, population, row);
      std::copy_n(window.in[static_cast<std::size_t>(p.input)].data() + t * p.neurons, p.neurons, row);
    };
    for (std::size_t i = 0; i < window.out.size(); ++i) copy_output(model.outputs[i].population, window.out[i]);
    for (Record& record : window.records) {
      const CompiledPopulation& p = compiled.populations[record.population];
      double* to = record.values.data() + t * p.neurons;
      const double* from = state.values.data() + p.variables;
      if (record.quantity == Quantity::output) {
        copy_output(record.population, record.values);
        continue;
      }
      if (record.quantity == Quantity::second) from += p.neurons;
      if (p.place_of.empty()) std::copy_n(from, p.neurons, to);
      for (std::size_t n = 0; n < p.place_of.size(); ++n) to[p.place_of[n]] = from[n];
    }
    ++state.step;
  }
  return work;
}

}  // namespace syn::snn::real
