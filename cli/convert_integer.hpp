// `synfire convert NET --integer`: a NIR file or float model in integers, and how far that is from float on recordings.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/verb.hpp"
#include "core/error.hpp"
#include "snn/real/model.hpp"

namespace syn::cli {

struct ConvertInteger {
  std::vector<std::string> inputs;     // .npy, samples x steps x shape, or NAME=FILE for each of several inputs
  std::optional<std::uint32_t> steps;  // T; else the arrays' steps
  std::string output;
};
Expected<Answer> convert_integer(const snn::real::Model& model, const ConvertInteger& options, Terminal& terminal);

}  // namespace syn::cli
