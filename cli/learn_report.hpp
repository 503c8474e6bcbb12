// --report of `learn`.
#pragma once

#include "cli/learn_mesh.hpp"
#include "cli/reporting.hpp"

namespace syn::cli {

Expected<> write_learning_report(const ReportOption& option, const Course& course, const LearnedOn& learned,
                                 const std::string& learner, Terminal& terminal);

}  // namespace syn::cli
