// A data set through the simulated mesh, as `sim` and `quickstart` need it.
#pragma once

#include "cli/files.hpp"
#include "cli/mesh_result.hpp"
#include "cli/terminal.hpp"
#include "conversion/data/dataset.hpp"
#include "sim/simulate.hpp"

namespace syn::cli {

Expected<MeshResult> simulate(const SpikingFile& file, const data::Dataset& dataset, const std::vector<float>& mean,
                              const std::vector<float>& std, const sim::SimOptions& options, Terminal& terminal,
                              std::string_view title);

}  // namespace syn::cli
