// What a NIR file does not say and a verb has to be told: --dialect, --dt, --reset.
#pragma once

#include <optional>
#include <string>

#include "conversion/nir/graph.hpp"
#include "core/error.hpp"
#include "snn/real/model.hpp"

namespace CLI {
class App;
}

namespace syn::cli {

struct NirOptions {
  std::string dialect = "nir-euler", reset;
  std::optional<double> dt;
  bool given() const { return dt || !reset.empty() || dialect != "nir-euler"; }

  void declare(CLI::App& app);
  // Throws UsageError without --dt.
  Expected<snn::real::Model> lower(const nir::Graph& graph, const std::string& where) const;
  // Throws UsageError if any was given: `why` says why it has no place.
  void refuse(const std::string& why) const;
};

}  // namespace syn::cli
