// `synfire bench` for models of the float profile: sequences of a .npy file, each whole in one call and step by step,
// as a live stream would come.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/verb.hpp"
#include "core/error.hpp"
#include "snn/real/model.hpp"

namespace syn::cli {

struct BenchReal {
  std::vector<std::string> inputs;  // one X.npy, or NAME=X.npy for each input
  std::string target;               // instruction set; empty: the best
  std::uint32_t repeat = 5;
};

Expected<Answer> bench_real(snn::real::Model model, const BenchReal& options, Terminal& terminal);

std::uint64_t peak_resident_bytes();  // of this process

}  // namespace syn::cli
