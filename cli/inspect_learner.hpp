// `inspect` of what a layer has learnt: the file that `learn -o` keeps, or a node's values/learner.NAME.
#pragma once

#include "cli/verb.hpp"

namespace syn::cli {

// Told by the file's first bytes.
bool is_learner_file(const std::string& path);
Expected<Answer> inspect_learner(const std::string& path);

}  // namespace syn::cli
