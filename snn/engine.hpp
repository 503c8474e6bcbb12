// Runs a model, or a shard of one, in integers: the same bits on every machine, thread count and partition (P1).
// Immutable once loaded; the state of an inference is a value that the caller owns.
// Deliberately not here: windows, edges, networks (nodes/); files (model_file.hpp).
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/compute.hpp"
#include "core/error.hpp"
#include "core/team.hpp"
#include "snn/model.hpp"

namespace syn::snn {

// The counts of the last steps of a population that is read late, as long as its longest delay: step t at row t modulo
// their number.
struct DelayLine {
  std::vector<Count> rows;
  std::vector<std::uint8_t> silent;  // of each: whether its counts are known to be all 0
  bool operator==(const DelayLine&) const = default;
};

// What an inference has left behind between two windows: potentials, cumulative counts of max pooling. Copy, compare,
// hash it. Empty at the start of an inference; or, so that nothing is allocated, what an ended one left with next_row
// set back to 0.
struct State {
  std::uint32_t next_row = 0;
  std::vector<std::vector<std::int32_t>> values;  // one per stateful population, in model order
  std::vector<std::uint8_t> at_rest;              // of each: whether it would stay silent for ever without input
  std::vector<std::uint32_t> owed;                // of each: silent steps whose leaks it has not lived through yet
  std::vector<DelayLine> lines;                   // one per population that is read late, in model order
  std::vector<std::vector<Count>> rows;           // of constant sources, by source, while windows remain
  std::vector<std::int32_t> constants;            // and what they sum to
  bool operator==(const State&) const = default;
};

// One window of one inference. Buffers are reused from window to window.
struct Window {
  std::uint32_t rows = 1;
  std::vector<std::vector<Count>> in;    // one per Source, in model order: rows x neurons, one row (constant), or
                                         // nothing: the constant row that the window before had
  std::vector<std::vector<Count>> out;   // one per name in Model::outputs that is not a Readout: rows x neurons
  std::vector<std::int32_t> potentials;  // the Readout's, after the inference's last row; else empty
  std::uint64_t checksum = 0;            // of every count this shard's own neurons made in the window; see metrics.hpp
  std::uint64_t spikes = 0;              // sum of counts of IntegrateAndFire populations; `phase`: of their set bits
  std::uint64_t events = 0;              // non-zero counts of IntegrateAndFire populations
  // False, for who wants nothing but the result: then these three, and the operations in Work, mean nothing, and
  // volleys and phases are the sooner for it. (Steps are counted all the same: that is how silence is known.)
  bool accounts = true;
};

class Engine {
 public:
  // Refuses a model that breaks a rule of design.md section 4, naming the population or channel: shapes that do not
  // fit, cycles, thresholds < 1, an accumulator that could reach 2^31 (overflow rule), counts above 32767.
  // `kernels` names the instruction set to use, one of kernel_names(); empty: the best this machine has. Same bits.
  static Expected<Engine> make(Model model, std::string_view kernels = {});
  static std::vector<std::string_view> kernel_names();  // best first; the last, "reference", is plain code

  const Model& model() const;
  std::string_view kernels() const;
  // Of this engine, without the states of inferences in flight; at most: with the widest packing of the weights, so
  // that a shard that fits one board is known to fit its likes, and a simulation is the same wherever it runs.
  std::uint64_t resident_bytes() const;
  std::uint64_t state_bytes() const;  // of one inference in flight

  // Steps one window; `state` carries on from the window before. Any split of an inference's rows into windows gives
  // the same bits. Thread-safe for different states and windows. A team shares the work of large populations by ranges
  // of outputs: the same bits for any number of threads.
  Work run(State& state, Window& window, Team* team = nullptr) const;

  // The potentials of an IntegrateAndFire, Leaky or Readout population in `step` code as they stand between two
  // windows, postponed leaks included.
  std::vector<std::int32_t> potentials(const State& state, std::uint32_t population) const;

  // Input sums of one population for one row (weights times counts, without bias), as calibration needs them:
  // counts[i] is population i's row; only the sources of `population` are read. sums: neurons of `population`.
  void sum_inputs(std::uint32_t population, std::span<const std::span<const Count>> counts,
                  std::span<std::int32_t> sums) const;

  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace syn::snn
