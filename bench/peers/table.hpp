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

  static bool busy(const Comparison& c) { return c.bystanders > bench::kGreatestBystanders; }
};

// Against the faster of the peer's rows with as many threads: quartiles over rounds of a latency's ratio (below 1 is
// faster), and how many times its throughput. Nothing where there is nothing to claim.
std::optional<Quartiles> ratio_of(const Answer& answer, const Comparison& c, const Row& row);
std::optional<double> batch_ratio_of(const Answer& answer, const Comparison& c, const Row& row);

std::string as_text(const Answer& answer);
std::string as_json(const Answer& answer);

}  // namespace syn::peers
