// The figures that were asked of the engine, beside what was measured: reached or not, with no third way of saying it.
#pragma once

#include <string>
#include <vector>

#include "bench/kernels/cores.hpp"
#include "bench/kernels/measure.hpp"

namespace syn::bench {

struct Figure {
  enum class Verdict : std::uint8_t { reached, missed, not_measured };
  std::string what, asked, got;
  Verdict verdict = Verdict::not_measured;
};
const char* name_of(Figure::Verdict verdict);

// At least, or at most, `asked`; 0 measured: not measured.
Figure at_least(std::string what, double asked, double got, const std::string& unit);
Figure at_most(std::string what, double asked, double got, const std::string& unit);

// Those about kernels: of the best table with the named instruction set, or of every table.
std::vector<Figure> figures(const std::vector<TableResult>& tables);
// Those about two threads.
std::vector<Figure> figures(const Cores& cores);

}  // namespace syn::bench
