// `synfire infer` of integer models in `step` code whose input changes from step to step: what `convert --integer`
// makes.
#pragma once

#include <string>
#include <vector>

#include "cli/verb.hpp"
#include "core/error.hpp"
#include "snn/model.hpp"

namespace syn::cli {

// Whether a model is meant for sequences, not for one image held for T steps.
bool takes_sequences(const snn::Model& model);

struct InferSteps {
  std::vector<std::string> inputs, outputs;  // .npy, or NAME=FILE.npy for each of several
};
Expected<Answer> infer_steps(snn::Model model, const InferSteps& options, Terminal& terminal);

}  // namespace syn::cli
