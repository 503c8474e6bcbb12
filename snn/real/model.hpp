// The float profile: an arbitrary spiking graph as plain values, which NIR files and other importers lower to. Where
// the integer profile (snn/model.hpp) is what is deployed, this one is what others' files mean: float32 weights, double
// state, and every rule of the discretisation a stored field.
// Deliberately not here: running it (engine.hpp), its file (model_file.hpp), which framework has which rules
// (importers).
//
// A step. Populations are evaluated in topological order of the zero-delay projections (ties: model order). A
// population's input is the sum over its projections, in model order, of what each makes of its source's output at
// t - delay; before step 0 every output was 0. Then its neurons step, and what they hand on (spikes, or for graded
// kinds the potential) is its output of step t.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/error.hpp"
#include "snn/real/connections.hpp"
#include "snn/real/neurons/current_based.hpp"
#include "snn/real/neurons/graded.hpp"
#include "snn/real/neurons/integrate_and_fire.hpp"
#include "snn/real/neurons/izhikevich.hpp"

namespace syn::snn::real {

using Neurons =
    std::variant<Input, Relay, If, Lif, AdaptiveLif, CubaLif, Li, CubaLi, Integrator, Threshold, Izhikevich>;

// Row-major, channel-first: {neurons}, {channels, width} or {channels, height, width}.
using Shape = std::vector<std::uint32_t>;
constexpr std::uint64_t neurons_of(const Shape& shape) {
  std::uint64_t n = 1;
  for (const std::uint32_t side : shape) n *= side;
  return n;
}

struct Population {
  std::string name;
  Shape shape;
  Neurons neurons;
  bool operator==(const Population&) const = default;
};

struct Projection {
  std::uint32_t from = 0, to = 0;  // indices of populations
  std::uint32_t delay = 0;         // steps
  Connection connection;
  bool operator==(const Projection&) const = default;
};

// A name by which the outside knows a population.
struct Port {
  std::string name;
  std::uint32_t population = 0;
  bool operator==(const Port&) const = default;
};

struct Model {
  std::string name;
  double dt = 1e-3;  // seconds a step
  std::vector<Population> populations;
  std::vector<Projection> projections;
  std::vector<Port> inputs;   // every Input population exactly once
  std::vector<Port> outputs;  // any populations
  std::vector<std::pair<std::string, std::string>> notes;
  bool operator==(const Model&) const = default;
};

inline constexpr std::uint64_t kMostPopulations = 4096;
inline constexpr std::uint64_t kMostProjections = 16384;
inline constexpr std::uint64_t kMostNeurons = 1 << 24;       // of one population
inline constexpr std::uint64_t kMostDelay = 1 << 20;         // steps
inline constexpr std::uint64_t kMostStateValues = 1 << 27;   // doubles of one sample, delay lines included: 1 GiB
inline constexpr std::uint64_t kMostStoredValues = 1 << 29;  // of one vector of weights or parameters

// What is wrong with the model, naming the population: shapes that do not fit, parameters of a wrong length or range,
// numbers that are not finite, rules that do not go together, a cycle without delay, sizes beyond the bounds above.
// Bounds come first, so that a model that passes is safe to compute sizes from.
Expected<> check(const Model& model);

// Populations in the order of a step. Needs a checked model.
std::vector<std::uint32_t> step_order(const Model& model);
// The longest delay with which each population is read, in steps. Needs a checked model.
std::vector<std::uint32_t> longest_delays(const Model& model);

}  // namespace syn::snn::real
