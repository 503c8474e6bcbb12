#include "bench/kernels/figures.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace syn::bench {
namespace {

std::string number(double value) {
  return text::fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0);
}

Figure compared(std::string what, const char* side, double asked, double got, const std::string& unit, bool reached) {
  Figure figure{std::move(what), text::cat(side, ' ', number(asked), unit), "-"};
  if (got <= 0) return figure;
  figure.got = number(got) + unit;
  figure.verdict = reached ? Figure::Verdict::reached : Figure::Verdict::missed;
  return figure;
}

const TableResult* first_of(const std::vector<TableResult>& tables, std::initializer_list<std::string_view> names) {
  for (const TableResult& t : tables)
    if (std::ranges::find(names, t.table) != names.end()) return &t;
  return nullptr;
}

double synops_per_ns(const TableResult* table, double rate) {
  const LayerLine* line = table ? table->main_at({1, rate}) : nullptr;
  return line && line->engine.median > 0 ? line->synops / line->engine.median : 0;
}

// The worst over all graded inputs of what the engine took against its own better way, or the naive one.
double worst_choice(const TableResult& table) {
  double worst = 0;
  for (const LayerLine& line : table.main)
    if (line.input.greatest > 1 && line.best_path() > 0) worst = std::max(worst, line.engine.median / line.best_path());
  return worst;
}

}  // namespace

const char* name_of(Figure::Verdict verdict) {
  switch (verdict) {
    case Figure::Verdict::reached:
      return "reached";
    case Figure::Verdict::missed:
      return "NOT reached";
    case Figure::Verdict::not_measured:
      break;
  }
  return "not measured here";
}

Figure at_least(std::string what, double asked, double got, const std::string& unit) {
  return compared(std::move(what), "at least", asked, got, unit, got >= asked);
}
Figure at_most(std::string what, double asked, double got, const std::string& unit) {
  return compared(std::move(what), "at most", asked, got, unit, got <= asked);
}

std::vector<Figure> figures(const std::vector<TableResult>& tables) {
  const TableResult* avx512 = first_of(tables, {"avx512vnni", "avx512"});
  const TableResult* avx2 = first_of(tables, {"avx2"});
  const TableResult* vnni = first_of(tables, {"avx512vnni"});
  const std::string layer = "conv 14x14x32->64 3x3, binary, ";
  std::vector<Figure> out{
      at_least(layer + "10 %, AVX-512", 45, synops_per_ns(avx512, 0.1), " G synops/s"),
      at_least(layer + "30 %, AVX-512", 60, synops_per_ns(avx512, 0.3), " G synops/s"),
      at_least(layer + "10 %, AVX2", 30, synops_per_ns(avx2, 0.1), " G synops/s"),
      at_least(layer + "30 %, AVX2", 30, synops_per_ns(avx2, 0.3), " G synops/s"),
  };
  const LayerLine* full = vnni ? vnni->main_at({255, 1}) : nullptr;
  out.push_back(at_least("the same, counts up to 255, all of them, with thresholding, VNNI", 130,
                         full && full->engine.median > 0 ? full->macs / full->engine.median : 0, " G MAC/s"));
  for (const TableResult& t : tables)
    out.push_back(at_most(text::cat("graded, worst of all densities, against the best path, ", t.table), 1.1,
                          worst_choice(t), "x"));
  for (const TableResult& t : tables) {
    if (&t != &tables.front()) break;  // what users run
    // The issue leaves open what b is.
    const std::string line = "cost above a + b * events, 0.1 to 30 %, ";
    const bool naive = t.cost.naive_event > 0 && t.cost.update > 0;
    out.push_back(at_most(text::cat(line, t.table, ", b of an event alone in memory"), 15,
                          naive ? std::max(0.01, t.cost.above_naive * 100) : 0, " %"));
    out.push_back(
        at_most(text::cat(line, t.table, ", b of least squares"), 15, std::max(0.01, t.cost.line.above * 100), " %"));
    out.push_back(at_most(text::cat("a of it against the update cost, ", t.table), 1,
                          t.cost.update > 0 ? std::max(0.01, t.cost.line.a / t.cost.update) : 0, "x"));
    const std::string silent = text::cat(
        "a silent step of ", text::grouped(static_cast<std::int64_t>(t.silent_neurons)), " neurons at rest, ", t.table);
    out.push_back(at_most(silent, 2, t.silent_step.median / 1000, " us"));
    out.push_back(at_most(silent + ", zeros handed on", 2, t.silent_handing_on.median / 1000, " us"));
  }
  return out;
}

std::vector<Figure> figures(const Cores& c) {
  const std::string work =
      c.processors > 1 ? text::cat(" of ", text::fixed(c.alone_us.median / 1000, 1), " ms") : std::string();
  return {at_least("two threads that share an inference" + work, 1.8, c.shared.median, "x"),
          at_least(text::cat("two threads with inferences", work, " each"), 1.8, c.threads.median, "x")};
}

}  // namespace syn::bench
