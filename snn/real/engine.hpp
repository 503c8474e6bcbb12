// Runs a model of the float profile, one sample in one thread: the same inputs give the same bits on every machine,
// whatever its instruction set and however a sample is split into calls. An input of 0 costs nothing.
// Deliberately not here: windows and edges of distributed runs (the float profile is for one process), samples side by
// side (each has its own State; a second thread takes its own copy of the Engine, which shares the weights).
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/compute.hpp"
#include "core/error.hpp"
#include "core/lines.hpp"
#include "core/types.hpp"
#include "snn/real/model.hpp"

namespace syn::snn::real {

// One sample between two steps: a plain value, whose layout is the engine's own (compiled.hpp).
struct State {
  std::uint64_t step = 0;
  LineVector<double> values;          // of neurons, and rows of outputs that are still to be read
  std::vector<std::uint64_t> spikes;  // bitmaps of outputs that are still to be read
  // Blocks of neurons that are to be stepped though nothing may reach them. Not part of the value: more of them cost
  // time and change nothing.
  std::vector<std::uint64_t> awake;
  bool operator==(const State& o) const { return step == o.step && values == o.values && spikes == o.spikes; }
};

enum class Quantity : std::uint8_t {
  output,     // what the population hands on: spikes, or the potential of graded kinds
  potential,  // after the step
  second,     // the other variable of kinds that have two: current, adaptation or recovery
};

// What to write down of one population: values is filled with steps x neurons numbers.
struct Record {
  std::uint32_t population = 0;
  Quantity quantity = Quantity::output;
  std::vector<double> values;
};

// Some steps of one sample. Vectors are reused from call to call: the same sizes allocate nothing.
struct Window {
  std::uint32_t steps = 1;
  std::vector<std::span<const float>> in;  // one per Model::inputs: steps x neurons
  std::vector<std::vector<double>> out;    // one per Model::outputs: steps x neurons
  std::vector<Record> records;
};

struct Compiled;
class Buffers;

class Engine {
 public:
  // Refuses by name what check() refuses. `loops` names the instruction set to use, one of loop_names(); empty: the
  // best this machine has.
  static Expected<Engine> make(Model model, std::string_view loops = {});
  static std::vector<std::string_view> loop_names();  // best first; the last is "plain"

  const Model& model() const;
  std::string_view loops() const;
  std::uint64_t resident_bytes() const;  // of this engine with its buffers, without the model it was made from
  std::uint64_t state_bytes() const;

  State start() const;       // before step 0
  void start(State&) const;  // the same in place, allocating only the first time
  static Bytes to_bytes(const State& state);
  // Refuses bytes that are not a state of this model's layout.
  Expected<State> restore(ByteView bytes) const;

  // Steps window.steps steps. Refuses inputs that are not finite, and says so when a population's state has left the
  // range of numbers; then state and window are not to be used further.
  Expected<Work> run(State& state, Window& window);

  Engine(const Engine&);
  Engine& operator=(const Engine&);
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

 private:
  explicit Engine(std::shared_ptr<const Compiled> compiled);
  std::shared_ptr<const Compiled> compiled_;
  std::unique_ptr<Buffers> buffers_;
};

}  // namespace syn::snn::real
