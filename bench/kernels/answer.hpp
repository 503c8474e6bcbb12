// All of it in one run, and the answer of `bench_kernels`: tables for people, one JSON object for programs.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/kernels/figures.hpp"
#include "bench/timing/machine.hpp"

namespace syn::bench {

struct Answer {
  Machine machine;
  CacheSizes caches;
  Pace pace;
  double bystanders = 0;  // cores that others used meanwhile
  std::vector<TableResult> tables;
  std::optional<Cores> cores;
  std::vector<Figure> figures;

  bool busy() const { return bystanders > kGreatestBystanders; }
};

struct MeasureOptions {
  std::vector<std::string> tables;  // by name; none: all that this machine can run
  bool only_threads = false;
  Pace pace;
};
// Call it before anything has threads: it starts processes. `progress` gives the bar of a part by its name; it may be
// empty.
Expected<Answer> measure_all(const MeasureOptions& options, const std::function<Progress(std::string)>& progress);

std::string as_text(const Answer& answer);
std::string as_json(const Answer& answer);

}  // namespace syn::bench
