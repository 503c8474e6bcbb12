// A NIR graph and a dialect's rules become a model of the float profile, in which every rule is a stored field.
// Neurons, inputs and outputs become populations; linear primitives become the connections between them, with a relay
// where two of them follow each other, meet or part.
#pragma once

#include <optional>

#include "conversion/nir/dialect.hpp"
#include "conversion/nir/graph.hpp"
#include "core/error.hpp"
#include "snn/real/model.hpp"

namespace syn::nir {

struct LowerOptions {
  Dialect dialect = Dialect::nir_euler;
  double dt = 1e-3;                         // seconds
  std::optional<snn::real::Reset> reset{};  // in place of the dialect's, for every kind
};

// What a file says of these in its metadata, as raise() writes it there: NIR itself has no place for them.
struct StatedRules {
  std::optional<Dialect> dialect;
  std::optional<double> dt;
  std::optional<snn::real::Reset> reset;
};
StatedRules stated_rules(const Graph& graph);

// What it returns has passed snn::real::check(). Refuses what nir::check() and that refuse, and what the dialect does.
Expected<snn::real::Model> lower(const Graph& graph, const LowerOptions& options, const std::string& where);

}  // namespace syn::nir
