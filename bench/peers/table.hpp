// The answer: a table for people, one JSON object for programs. Both say what they depend on, and neither claims a
// ratio from a machine that others were using.
#pragma once

#include <string>
#include <vector>

#include "bench/peers/comparison.hpp"
#include "bench/timing/machine.hpp"

namespace syn::peers {

struct Answer {
  bench::Machine machine;
  std::string runtime_version, kernels;  // of ONNX Runtime; the instruction set that Synfire's engine chose
  CompareOptions options;
  std::vector<Comparison> comparisons;
  std::vector<Error> troubles;  // networks that could not be compared at all
  bool anyway = false;          // ratios although the machine was busy

  bool busy(const Comparison& c) const {
    return machine.load > bench::kGreatestLoad || c.bystanders > bench::kGreatestBystanders;
  }
};

std::string as_text(const Answer& answer);
std::string as_json(const Answer& answer);

}  // namespace syn::peers
