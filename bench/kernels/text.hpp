// The answer of `bench_kernels`: tables for people, one JSON object for programs.
#pragma once

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

  bool busy() const { return machine.load > kGreatestLoad || bystanders > kGreatestBystanders; }
};

std::string as_text(const Answer& answer);
std::string as_json(const Answer& answer);

}  // namespace syn::bench
