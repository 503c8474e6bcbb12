// The programs that lie beside this one.
#pragma once

#include <string>
#include <string_view>

namespace syn::cli {

// "<folder of the running synfire>/<name>"; not checked for existence.
std::string executable(std::string_view name);

}  // namespace syn::cli
