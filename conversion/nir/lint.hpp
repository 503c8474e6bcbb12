// What a NIR file leaves open, so that importers disagree on it, and what each of them would read out of it. Remarks,
// never errors: a graph that check() refuses is not linted. What its metadata states (stated_rules) is not left open.
#pragma once

#include <string>
#include <vector>

#include "conversion/nir/check.hpp"

namespace syn::nir {

struct Remark {
  std::string node;  // empty: the whole graph
  std::string what;
  bool operator==(const Remark&) const = default;
};

std::vector<Remark> lint(const Graph& graph, const Shapes& shapes);

}  // namespace syn::nir
