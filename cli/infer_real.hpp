// `synfire infer` for models of the float profile: samples x steps x input shape in, samples x steps x output shape
// out.
#pragma once

#include <string>
#include <vector>

#include "cli/verb.hpp"
#include "core/error.hpp"
#include "snn/real/model.hpp"

namespace syn::cli {

struct InferReal {
  std::vector<std::string> inputs;   // one X.npy, or NAME=X.npy for each input
  std::vector<std::string> outputs;  // the same for outputs
  std::string record;                // R.npz; empty: none
};

Expected<Answer> infer_real(snn::real::Model model, const InferReal& options, Terminal& terminal);

}  // namespace syn::cli
