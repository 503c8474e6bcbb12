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
  std::string dialect, reset;  // empty: what the file's metadata says; else nir-euler, and the dialect's
  std::optional<double> dt;
  bool given() const { return dt || !reset.empty() || !dialect.empty(); }

  void declare(CLI::App& app);
  // Throws UsageError where neither --dt nor the file's metadata has the time step.
  Expected<snn::real::Model> lower(const nir::Graph& graph, const std::string& where) const;
  // Throws UsageError if any was given: `why` says why it has no place.
  void refuse(const std::string& why) const;
};

}  // namespace syn::cli
