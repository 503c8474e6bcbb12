// One model, run in one process and over simulated nodes: what the differential tests compare.
#pragma once

#include <algorithm>

#include "core/assert.hpp"
#include "sim/profiles.hpp"
#include "sim/simulate.hpp"
#include "snn/engine.hpp"
#include "snn/metrics.hpp"
#include "snn/model_file.hpp"
#include "tests/snn/random_models.hpp"

namespace syn::testing {

struct Inputs {
  std::vector<std::vector<Count>> rows;
  sim::SimInput feed() {
    return {.count = rows.size(), .row_of = [this](std::uint64_t i) { return std::span<const Count>(rows[i]); }};
  }
};

inline std::uint32_t row_size(const snn::Model& model) {
  std::uint32_t n = 0;
  for (const auto& p : model.populations) n += std::holds_alternative<snn::Source>(p.kind) ? p.shape.neurons() : 0;
  return n;
}

inline Inputs random_inputs(const snn::Model& model, Random& random, std::size_t count) {
  Inputs inputs;
  for (std::size_t i = 0; i < count; ++i)
    inputs.rows.push_back(snn::testing::random_counts(random, row_size(model), 255, 40));
  return inputs;
}

struct Result {
  std::string digest, spike_digest;
  bool operator==(const Result&) const = default;
};

// The reference: one engine, one thread, whole inferences.
inline Result in_one_process(const snn::Model& model, const Inputs& inputs) {
  auto engine = snn::Engine::make(model);
  SYN_ASSERT(engine.has_value(), engine.error().what);
  snn::Digests digests;
  for (const auto& row : inputs.rows) {
    snn::State state;
    snn::Window window;
    window.rows = model.rows();
    std::size_t at = 0;
    for (const auto& p : model.populations) {
      if (!std::holds_alternative<snn::Source>(p.kind)) continue;
      window.in.emplace_back(row.begin() + static_cast<std::ptrdiff_t>(at),
                             row.begin() + static_cast<std::ptrdiff_t>(at + p.shape.neurons()));
      at += p.shape.neurons();
    }
    engine->run(state, window);
    digests.add(window.potentials, window.checksum);
  }
  return {digests.digest(), digests.spike_digest()};
}

inline Result digests_of(const sim::SimResult& run) {
  snn::Digests digests;
  for (const auto& outcome : run.outcomes) digests.add(outcome.potentials, outcome.checksum);
  return {digests.digest(), digests.spike_digest()};
}

inline DeviceProfile device(const char* name) {
  auto p = sim::profile(name);
  SYN_ASSERT(p.has_value(), p.error().what);
  return *p;
}

inline sim::SimOptions options_for(std::size_t nodes, const char* profile = "pi4") {
  sim::SimOptions options;
  options.gateway = device("this-machine");
  for (std::size_t i = 0; i < nodes; ++i) options.nodes.push_back({.entry = {}, .device = device(profile)});
  return options;
}

inline ModelHash hash_of(const snn::Model& model) {
  return *snn::hash_of(snn::write_model(model), "test");
}

// conv - conv - pool - conv - dense - readout, small enough to run a thousand times.
inline snn::Model five_layers(Random& random, snn::Code code, std::uint32_t steps) {
  snn::testing::ModelBuilder b(random, {.code = code, .steps = steps, .branches = false});
  const auto in = b.input({8, 8, 1});
  const auto layer = [&](std::uint32_t from, snn::Shape shape, std::uint32_t kernel, std::int32_t scale) {
    const auto to = b.neurons(shape, scale);
    snn::Conv conv{.kernel_height = kernel, .kernel_width = kernel, .pad_top = 1, .pad_left = 1, .weights = {}};
    conv.weights =
        snn::testing::random_weights(random, std::size_t{kernel} * kernel * b.shape(from).channels * shape.channels);
    b.join(from, to, conv);
    return to;
  };
  const auto one = layer(in, {8, 8, 6}, 3, 20000);
  const auto two = layer(one, {8, 8, 8}, 3, 1500);
  const auto pool = b.pooled({4, 4, 8}, b.greatest(two) * 4);
  b.join(two, pool,
         snn::SumPool{.kernel_height = 2, .kernel_width = 2, .stride_y = 2, .stride_x = 2, .multiplier = {}});
  const auto three = layer(pool, {4, 4, 12}, 3, 2500);
  const auto four = b.neurons({1, 1, 20}, 2500);
  b.join(three, four, snn::Dense{snn::testing::random_weights(random, std::size_t{4} * 4 * 12 * 20)});
  const auto out = b.readout(10);
  b.join(four, out, snn::Dense{snn::testing::random_weights(random, 20 * 10)});
  return b.take();
}

}  // namespace syn::testing
