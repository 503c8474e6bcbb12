#include "snn/model.hpp"

#include <algorithm>

namespace syn::snn {

const char* name_of(Code code) {
  return code == Code::step ? "step" : code == Code::volley ? "volley" : "phase";
}

std::optional<std::int32_t> shift_of(const Connection& connection) {
  if (const auto* depthwise = std::get_if<Depthwise>(&connection)) return depthwise->shift;
  if (const auto* one = std::get_if<OneToOne>(&connection)) return one->shift;
  return {};
}

const Membrane* membrane_of(const Population& population) {
  if (const auto* leaky = std::get_if<Leaky>(&population.kind)) return &leaky->membrane;
  const auto* readout = std::get_if<Readout>(&population.kind);
  return readout && readout->membrane ? &*readout->membrane : nullptr;
}

bool fires(const Population& population) {
  return std::holds_alternative<IntegrateAndFire>(population.kind) || std::holds_alternative<Leaky>(population.kind);
}

std::vector<std::uint32_t> longest_delays(const Model& model) {
  std::vector<std::uint32_t> longest(model.populations.size());
  for (const Projection& p : model.projections) longest[p.from] = std::max(longest[p.from], p.delay);
  return longest;
}

int find(const Model& model, std::string_view population) {
  const auto at = std::ranges::find(model.populations, population, &Population::name);
  return at == model.populations.end() ? -1 : static_cast<int>(at - model.populations.begin());
}

std::uint64_t weight_count(const Model& model) {
  std::uint64_t count = 0;
  for (const Projection& projection : model.projections) {
    if (const auto* conv = std::get_if<Conv>(&projection.connection)) count += conv->weights.size();
    if (const auto* dense = std::get_if<Dense>(&projection.connection)) count += dense->weights.size();
    if (const auto* depthwise = std::get_if<Depthwise>(&projection.connection)) count += depthwise->weights.size();
    if (const auto* one = std::get_if<OneToOne>(&projection.connection)) count += one->multiplier.size();
  }
  return count;
}

}  // namespace syn::snn
