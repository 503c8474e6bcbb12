// What a report says about where and how it was made.
#pragma once

#include <string>
#include <vector>

#include "report/html.hpp"

namespace syn::cli {

// The processor's name and cores, memory, system; the command line as it was typed; version; date (UTC).
std::vector<report::Fact> this_run();

}  // namespace syn::cli
