#include "bench/kernels/answer.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "report/table.hpp"

namespace syn::bench {
namespace {

using Json = nlohmann::ordered_json;

std::string rate(double per_s) {  // in G
  const double g = per_s * 1e-9;
  return per_s <= 0 ? "-" : text::fixed(g, g < 10 ? 2 : g < 100 ? 1 : 0);
}
std::string us(double ns) {
  return ns <= 0 ? "-" : text::fixed(ns / 1000, ns < 10e3 ? 2 : 1);
}
std::string share(double part, double of) {
  return part <= 0 || of <= 0 ? "-" : text::fixed(100 * part / of, 0) + " %";
}

std::string bounds_table(const std::vector<TableResult>& tables) {
  report::Table table({"table", "load L1", "L2", "store L1", "L2", "load-add-store L1", "L2", "bytes x L1", "L2",
                       "registers", "16 bits x L1", "L2", "registers"});
  for (const TableResult& t : tables) {
    const Bounds& b = t.bounds;
    table.row({t.table, rate(b.l1.load), rate(b.l2.load), rate(b.l1.store), rate(b.l2.store), rate(b.l1.add),
               rate(b.l2.add), rate(b.l1.narrow), rate(b.l2.narrow), rate(b.narrow_peak), rate(b.l1.wide),
               rate(b.l2.wide), rate(b.wide_peak)});
  }
  return table.text() +
         "load, store: GB/s. load-add-store: G sums of 32 bits/s. bytes x, 16 bits x: G multiply-adds/s with weights "
         "from\n"
         "L1, from L2, from registers.\n\n";
}

std::string layers_table(const TableResult& t, const std::vector<LayerLine>& lines, const CacheSizes& caches) {
  report::Table table({"layer", "counts", "us", "G synops/s", "G MAC/s", "of adds", "events us", "of fed", "singles us",
                       "of load", "scattered us", "dense us", "of peak", "rest us", "singles", "naive us", "/ best"});
  for (const LayerLine& l : lines) {
    const double ns = l.engine.median, best = l.best_path();
    table.row({l.layer, name_of(l.input), us(ns), rate(l.synops / ns * 1e9), rate(l.macs / ns * 1e9),
               share(scatter_bound(l, t.bounds).seconds * 1e9, ns), us(l.events_path.median),
               share(events_bound(l, t.bounds, caches).seconds * 1e9, l.events_kernel()), us(l.singles_path.median),
               share(singles_bound(l, t.bounds, caches).seconds * 1e9, l.singles_kernel()), us(l.scattered_path.median),
               us(l.dense_path.median), share(dense_bound(l, t.bounds).seconds * 1e9, l.dense_kernel()),
               us(l.events_rest.median), us(l.singles_rest.median), us(l.naive_path.median),
               best > 0 ? text::fixed(ns / best, 2) : "-"});
  }
  return table.text();
}

std::string small_table(const TableResult& t) {
  report::Table table({"kernel", "over", "ns", "G elements/s", "unit", "memory", "of memory"});
  for (const SmallLine& l : t.small) {
    table.row({l.kernel, l.over, text::fixed(l.ns.median, 0), rate(l.elements / l.ns.median * 1e9), l.unit,
               name_of(l.traffic.level), share(least_seconds(l.traffic, t.bounds) * 1e9, l.ns.median)});
  }
  return table.text();
}

std::string cost_text(const TableResult& t) {
  const CostByEvents& c = t.cost;
  return text::cat("cost of the main layer, binary, 0.1 to 30 %: ", text::fixed(c.line.a / 1000, 2), " us + ",
                   text::fixed(c.line.b, 3), " ns an event; farthest above ", text::fixed(c.line.above * 100, 0),
                   " %, below ", text::fixed(c.line.below * 100, 0), " %; measured update cost ",
                   text::fixed(c.update / 1000, 2), " us; an event alone in memory ", text::fixed(c.naive_event, 1),
                   " ns\nsilent step of ", text::grouped(static_cast<std::int64_t>(t.silent_neurons)),
                   " neurons at rest: ", text::fixed(t.silent_step.median / 1000, 3), " us; with its zeros handed on ",
                   text::fixed(t.silent_handing_on.median / 1000, 2), " us\n");
}

std::string cores_text(const Cores& c) {
  if (c.processors < 2) return "two threads: not measured, this process may use one processor only\n\n";
  report::Table table({"two at once, against one alone", "", "(p25 .. p75)"});
  const auto row = [&](const char* what, const Quartiles& q) {
    table.row({what, text::fixed(q.median, 2) + "x", text::cat(text::fixed(q.low, 2), " .. ", text::fixed(q.high, 2))});
  };
  row("two processes, a dense layer in L1 each: the bound of the cores", c.dense_processes);
  row("two processes, an inference each: the bound of the machine", c.processes);
  row("two threads, an inference each", c.threads);
  row("two threads that share an inference", c.shared);
  return text::cat(table.text(), "the inference (521 M multiply-adds) takes ", text::fixed(c.alone_us.median, 0),
                   " us on one thread, ", text::fixed(c.shared_us.median, 0), " us shared; wall clock\n\n");
}

constexpr const char* kLegend =
    "us: the engine from counts to counts, with firing and accounting, as it chooses between events, singles and "
    "dense.\n"
    "events us, singles us, dense us: the same with the choice made for it; rest us: the events path with a kernel "
    "that\n"
    "does nothing, and the singles path. of fed: what its event kernel reaches of words multiplied with weights from "
    "L1\n"
    "(or L2, where they lie there); of load: what its kernel of single counts reaches of their weights loaded; of "
    "peak:\n"
    "what its dense kernel reaches of multiply-adds from registers. of adds: synaptic operations against the\n"
    "load-add-store rate of sums in L1. scattered us: single counts added to 16-bit sums in memory where that is "
    "possible;\n"
    "naive us: each event added to the potentials in memory, with the same neurons.\n"
    "/ best: the engine against the best of the five.\n";

Json as_json(const Quartiles& q) {
  return {{"p25", q.low}, {"median", q.median}, {"p75", q.high}};
}
Json as_json(const Bounds::Memory& m) {
  return {{"load_bytes_per_s", m.load},
          {"store_bytes_per_s", m.store},
          {"load_add_store_per_s", m.add},
          {"narrow_macs_per_s", m.narrow},
          {"wide_macs_per_s", m.wide}};
}
Json as_json(const LayerLine& l, const TableResult& t, const CacheSizes& caches) {
  const Held events = events_bound(l, t.bounds, caches), singles = singles_bound(l, t.bounds, caches),
             dense = dense_bound(l, t.bounds);
  return {{"layer", l.layer},
          {"greatest", l.input.greatest},
          {"rate", l.input.rate},
          {"events", l.events},
          {"synaptic_operations", l.synops},
          {"macs", l.macs},
          {"word_macs", l.word_macs},
          {"single_macs", l.single_macs},
          {"narrow", l.narrow},
          {"engine_ns", as_json(l.engine)},
          {"events_path_ns", as_json(l.events_path)},
          {"singles_path_ns", as_json(l.singles_path)},
          {"dense_path_ns", as_json(l.dense_path)},
          {"scattered_path_ns", as_json(l.scattered_path)},
          {"naive_path_ns", as_json(l.naive_path)},
          {"events_rest_ns", as_json(l.events_rest)},
          {"singles_rest_ns", as_json(l.singles_rest)},
          {"dense_rest_ns", as_json(l.dense_rest)},
          {"events_bound", {{"name", events.bound}, {"ns", events.seconds * 1e9}}},
          {"singles_bound", {{"name", singles.bound}, {"ns", singles.seconds * 1e9}}},
          {"dense_bound", {{"name", dense.bound}, {"ns", dense.seconds * 1e9}}},
          {"scatter_bound_ns", scatter_bound(l, t.bounds).seconds * 1e9}};
}

Json as_json(const TableResult& t, const CacheSizes& caches) {
  Json json{{"table", t.table},
            {"bounds",
             {{"l1", as_json(t.bounds.l1)},
              {"l2", as_json(t.bounds.l2)},
              {"narrow_macs_per_s", t.bounds.narrow_peak},
              {"wide_macs_per_s", t.bounds.wide_peak}}},
            {"layers", Json::array()},
            {"kernels", Json::array()},
            {"cost",
             {{"a_ns", t.cost.line.a},
              {"b_ns", t.cost.line.b},
              {"above", t.cost.line.above},
              {"below", t.cost.line.below},
              {"update_ns", t.cost.update}}},
            {"silent_step_ns", as_json(t.silent_step)},
            {"silent_handing_on_ns", as_json(t.silent_handing_on)},
            {"silent_neurons", t.silent_neurons}};
  for (const auto* lines : {&t.main, &t.others})
    for (const LayerLine& l : *lines) json["layers"].push_back(as_json(l, t, caches));
  for (const SmallLine& l : t.small)
    json["kernels"].push_back({{"kernel", l.kernel},
                               {"over", l.over},
                               {"unit", l.unit},
                               {"elements", l.elements},
                               {"ns", as_json(l.ns)},
                               {"memory", name_of(l.traffic.level)},
                               {"bound_ns", least_seconds(l.traffic, t.bounds) * 1e9}});
  return json;
}

}  // namespace

Expected<Answer> measure_all(const MeasureOptions& options, const std::function<Progress(std::string)>& progress) {
  Answer answer{.machine = look_at_machine(), .caches = cache_sizes(), .pace = options.pace};
  const auto bar = [&](std::string part) { return progress ? progress(std::move(part)) : Progress(); };
  const Bystanders bystanders;
  auto cores = measure_cores(options.pace.rounds, bar("two threads"));
  if (!cores) return fail(cores.error());
  answer.cores = *cores;
  for (const auto* table : snn::kernels::available()) {
    const auto& wanted = options.tables;
    if (options.only_threads || (!wanted.empty() && std::ranges::find(wanted, table->name) == wanted.end())) continue;
    answer.tables.push_back(measure(*table, answer.caches, answer.pace, bar(table->name)));
  }
  answer.bystanders = bystanders.cores();
  if (!options.only_threads) answer.figures = figures(answer.tables);
  std::ranges::copy(figures(*answer.cores), std::back_inserter(answer.figures));
  return answer;
}

std::string as_text(const Answer& a) {
  std::string out = text::cat("kernels of Synfire ", SYN_VERSION, " on one of ", a.machine.cores, " x ", a.machine.cpu,
                              ", L1 ", a.caches.l1 >> 10, " KiB, L2 ", a.caches.l2 >> 10, " KiB; load ",
                              text::fixed(a.machine.load, 2), "; medians of ", a.pace.rounds, " rounds\n\n");
  if (!a.tables.empty()) out += bounds_table(a.tables);
  for (const TableResult& t : a.tables) {
    out += text::cat(t.table, "\n", layers_table(t, t.main, a.caches), '\n', layers_table(t, t.others, a.caches), '\n',
                     small_table(t), '\n', cost_text(t), '\n');
  }
  if (!a.tables.empty()) out += text::cat(kLegend, '\n');
  if (a.cores) out += cores_text(*a.cores);
  report::Table table({"figure", "asked", "measured", ""});
  for (const Figure& f : a.figures) table.row({f.what, f.asked, f.got, name_of(f.verdict)});
  out += table.text();
  if (a.busy()) {
    out += text::cat("! the machine was busy: others took ", text::fixed(a.bystanders, 2),
                     " cores meanwhile; these figures claim nothing\n");
  }
  return out;
}

std::string as_json(const Answer& a) {
  Json json{{"synfire", SYN_VERSION},
            {"machine", {{"cpu", a.machine.cpu}, {"cores", a.machine.cores}, {"load", a.machine.load}}},
            {"caches", {{"l1", a.caches.l1}, {"l2", a.caches.l2}}},
            {"rounds", a.pace.rounds},
            {"cores_of_others", a.bystanders},
            {"claim", !a.busy()},
            {"tables", Json::array()},
            {"figures", Json::array()}};
  for (const TableResult& t : a.tables) json["tables"].push_back(as_json(t, a.caches));
  if (a.cores) {
    json["two_threads"] = {
        {"processors", a.cores->processors},        {"dense_processes", as_json(a.cores->dense_processes)},
        {"processes", as_json(a.cores->processes)}, {"threads", as_json(a.cores->threads)},
        {"shared", as_json(a.cores->shared)},       {"alone_us", as_json(a.cores->alone_us)},
        {"shared_us", as_json(a.cores->shared_us)}};
  }
  for (const Figure& f : a.figures)
    json["figures"].push_back(
        {{"what", f.what}, {"asked", f.asked}, {"measured", f.got}, {"verdict", name_of(f.verdict)}});
  return json.dump();
}

}  // namespace syn::bench
