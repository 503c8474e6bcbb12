#include "snn/cost.hpp"

#include <algorithm>
#include <numeric>

#include "snn/layers.hpp"

namespace syn::snn {

std::vector<Cost> costs(const Model& model) {
  const bool calibrated = std::ranges::any_of(model.populations, [](const Population& p) { return p.mean_events > 0; });
  std::vector<Cost> costs(model.populations.size());
  for (std::size_t i = 0; i < costs.size(); ++i) {
    const Population& p = model.populations[i];
    if (std::holds_alternative<Source>(p.kind)) continue;
    costs[i].work.neuron_updates = std::uint64_t{p.shape.neurons()} * model.rows();
    // Counts 2, fan-out 4, and 8 for what not every population has: a slice's checksum keys, the copy that a depthwise
    // reader makes; potentials 4 in `step`.
    costs[i].bytes = std::uint64_t{p.shape.neurons()} * (model.code == Code::step ? 18 : 14);
    // Of what leaks: constants that repeat within a row of positions, and up to three variables more.
    if (membrane_of(p)) costs[i].bytes += std::uint64_t{p.shape.neurons()} * 12 + std::uint64_t{p.shape.channels} * 28;
  }
  for (const Projection& projection : model.projections) {
    const Population& from = model.populations[projection.from];
    std::vector<std::uint32_t> fan_out(from.shape.neurons());
    add_fan_out(model, projection, fan_out);
    const auto synapses = static_cast<double>(std::accumulate(fan_out.begin(), fan_out.end(), std::uint64_t{0}));
    const double events = calibrated ? from.mean_events : 0.5 * from.shape.neurons() * model.rows();
    Cost& cost = costs[projection.to];
    cost.work.synaptic_operations += static_cast<std::uint64_t>(events * synapses / from.shape.neurons() + 0.5);
    if (const auto* conv = std::get_if<Conv>(&projection.connection))
      cost.bytes += 4 * conv->weights.size();  // int8, packed int16, and bytes for single counts
    if (const auto* dense = std::get_if<Dense>(&projection.connection)) cost.bytes += 4 * dense->weights.size();
    if (const auto* depthwise = std::get_if<Depthwise>(&projection.connection))
      cost.bytes += 5 * depthwise->weights.size();  // int8, and int32 or int16 with a little more
    if (const auto* one = std::get_if<OneToOne>(&projection.connection))
      cost.bytes += 4 * one->multiplier.size() * (1 + from.shape.width);  // laid out for a row
  }
  return costs;
}

Cost share_of(const Cost& cost, std::uint32_t channels, std::uint32_t total) {
  const auto share = [&](std::uint64_t whole) {
    return static_cast<std::uint64_t>(static_cast<double>(whole) * channels / total);
  };
  return {{share(cost.work.synaptic_operations), share(cost.work.neuron_updates), share(cost.work.bytes_touched)},
          share(cost.bytes)};
}

std::vector<std::uint32_t> fan_out(const Model& model, std::uint32_t population) {
  std::vector<std::uint32_t> reach(model.populations[population].shape.neurons());
  for (const Projection& projection : model.projections) {
    const Connection& c = projection.connection;
    if (projection.from == population && !std::holds_alternative<SumPool>(c) && !std::holds_alternative<MaxPool>(c))
      add_fan_out(model, projection, reach);
  }
  return reach;
}

}  // namespace syn::snn
