// Conversion with a progress bar, as `convert` and `quickstart` need it.
#pragma once

#include "cli/terminal.hpp"
#include "conversion/convert.hpp"

namespace syn::cli {

Expected<Converted> convert_with_progress(const ann::Graph& graph, const data::Dataset& train,
                                          const ConvertOptions& options, Terminal& terminal);

}  // namespace syn::cli
