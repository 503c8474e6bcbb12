// JSON pieces that several verbs share. Headers see the library's forward declaration only.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/error.hpp"
#include "report/evaluation.hpp"

namespace syn::cli {

using Json = nlohmann::ordered_json;  // keys in the order in which they were written

// {"error": {"what", "where", "do"}}
Json error_json(const Error& error);
// The keys that `eval`, `run` and `sim` have in common.
Json evaluation_json(const report::Evaluation& e);

}  // namespace syn::cli
