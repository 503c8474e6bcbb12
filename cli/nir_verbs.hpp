// What verbs do with NIR files and with models of the float profile.
#pragma once

#include <string>

#include "cli/files.hpp"
#include "cli/nir_options.hpp"
#include "cli/verb.hpp"

namespace syn::cli {

Expected<Answer> convert_nir(const std::string& path, const NirOptions& options, const std::string& output);
// With the lint.
Expected<Answer> inspect_nir(const nir::Graph& graph, const std::string& path);
Expected<Answer> inspect_real(RealFile file);

}  // namespace syn::cli
