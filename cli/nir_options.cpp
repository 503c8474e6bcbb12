#include "cli/nir_options.hpp"

#include <CLI/CLI.hpp>

#include "conversion/nir/lowering.hpp"

namespace syn::cli {

void NirOptions::declare(CLI::App& app) {
  std::vector<std::string> names;
  for (const auto name : nir::dialect_names()) names.emplace_back(name);
  app.add_option("--dialect", dialect,
                 "of NIR files: by which framework's rules neurons are stepped; else as the file's "
                 "metadata says, or nir-euler")
      ->check(CLI::IsMember(names));
  app.add_option("--dt", dt, "of NIR files: seconds a step, which few files hold")->check(CLI::PositiveNumber);
  app.add_option("--reset", reset, "of NIR files: what a spike does, in place of the dialect's rule")
      ->check(CLI::IsMember({"value", "subtract"}));
}

Expected<snn::real::Model> NirOptions::lower(const nir::Graph& graph, const std::string& where) const {
  const nir::StatedRules stated = nir::stated_rules(graph);
  if (!dt && !stated.dt)
    throw UsageError(
        {"a NIR file does not hold its time step", "the command line", "give --dt SECONDS, say --dt 1e-4"});
  nir::LowerOptions options{
      .dialect = stated.dialect.value_or(nir::Dialect::nir_euler), .dt = dt ? *dt : *stated.dt, .reset = stated.reset};
  if (!dialect.empty()) {  // another's rules, reset included
    options.dialect = *nir::dialect_named(dialect);
    options.reset.reset();
  }
  if (!reset.empty()) options.reset = reset == "subtract" ? snn::real::Reset::subtract : snn::real::Reset::to_value;
  return nir::lower(graph, options, where);
}

void NirOptions::refuse(const std::string& why) const {
  if (given()) throw UsageError({why, "the command line", "leave --dialect, --dt and --reset away"});
}

}  // namespace syn::cli
