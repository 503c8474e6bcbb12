#include "bench/kernels/page.hpp"

#include <algorithm>
#include <fstream>

#include "core/text.hpp"
#include "report/html.hpp"
#include "report/plot.hpp"
#include "report/svg.hpp"

namespace syn::bench {
namespace {

using report::Tile;

std::string number(double value) {
  return text::fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0);
}
std::string percent(double share) {
  return text::fixed(share * 100, share < 0.01 ? 1 : 0) + " %";
}
std::string microseconds(double ns) {
  return text::fixed(ns / 1000, ns < 10e3 ? 2 : 1) + " µs";
}
double synops(const LayerLine& line) {
  return line.engine.median > 0 ? line.synops / line.engine.median : 0;  // a nanosecond: G a second
}
std::uint32_t colour(std::size_t i) {
  return static_cast<std::uint32_t>(i);
}

std::string asked(const Answer& a) {
  report::HtmlTable table({"figure", "asked", "measured", ""});
  std::size_t reached = 0, measured = 0;
  for (const Figure& f : a.figures) {
    table.row({{f.what}, {f.asked}, {f.got}, {name_of(f.verdict)}});
    reached += f.verdict == Figure::Verdict::reached;
    measured += f.verdict != Figure::Verdict::not_measured;
  }
  return report::section("asked", "What was asked",
                         text::cat(reached, " of ", measured, " figures that could be measured here are reached."),
                         text::cat("<div class=\"card\">", table.str(), "</div>\n"));
}

std::string tiles(const Answer& a) {
  std::vector<Tile> out;
  if (!a.tables.empty()) {
    const TableResult& t = a.tables.front();
    for (const double rate : {0.1, 0.3}) {
      if (const LayerLine* line = t.main_at({1, rate}))
        out.push_back({text::cat("convolution, ", percent(rate), " spikes"), number(synops(*line)), "G/s",
                       text::cat("synaptic operations, ", t.table)});
    }
    if (const LayerLine* line = t.main_at({255, 1}); line && line->engine.median > 0) {
      const double bound = dense_bound(*line, t.bounds).seconds * 1e9;
      out.push_back({"dense, with neurons", number(line->macs / line->engine.median), "G/s",
                     bound > 0 ? text::cat("multiply-adds; its kernel at ",
                                           percent(bound / std::max(1., line->dense_kernel())), " of its bound")
                               : std::string("multiply-adds")});
    }
    out.push_back({"silent step", text::fixed(t.silent_step.median / 1000, 2), "µs",
                   text::cat(text::grouped(static_cast<std::int64_t>(t.silent_neurons)), " neurons at rest")});
  }
  if (a.cores && a.cores->processors > 1)
    out.push_back({"two threads", text::fixed(a.cores->shared.median, 2), "x",
                   text::cat("share one inference; two processes: ", text::fixed(a.cores->processes.median, 2), "x")});
  return text::cat("<section id=\"kernel-headline\" style=\"margin-top:12px\">\n", report::tiles(out), "</section>\n");
}

// Tables by their names have one colour in all charts.
std::string rates(const Answer& a) {
  report::LineChart chart{.id = "synops",
                          .title = "synaptic operations a second against the rate of spikes, for each table",
                          .x_label = "spikes, % of the inputs (log axis)",
                          .y_label = "G synaptic operations/s",
                          .x_scale = report::Scale::log};
  for (std::size_t i = 0; i < a.tables.size(); ++i) {
    report::Series series{a.tables[i].table, colour(i), {}};
    for (const LayerLine& line : a.tables[i].main) {
      if (line.input.greatest != 1 || line.input.rate > kFitTo) continue;
      series.points.push_back({line.input.rate * 100, synops(line),
                               text::cat(series.name, ", ", name_of(line.input), ": ", number(synops(line)), " G/s in ",
                                         microseconds(line.engine.median))});
    }
    chart.series.push_back(std::move(series));
  }
  const double add = a.tables.front().bounds.l1.add * 1e-9;
  chart.reference =
      report::LineChart::Reference{text::cat("load, add, store in L1: ", number(add), " G/s"), add, add, add};
  return report::figure(report::line_chart(chart), "Synaptic operations a second",
                        "The engine from counts to counts, neurons and accounting included. The dashed line is what "
                        "adding each event to potentials in memory cannot pass with the best table.");
}

std::string paths(const TableResult& t) {
  report::LineChart chart{.id = "paths",
                          .title = "time of the layer along each path against the rate of spikes",
                          .x_label = "spikes, % of the inputs (log axis)",
                          .y_label = text::cat("µs, ", t.table),
                          .x_scale = report::Scale::log};
  struct Path {
    const char* name;
    Quartiles LayerLine::*ns;
  };
  std::uint32_t c = 0;
  double most = 0;  // the naive way grows out of any chart
  for (const LayerLine& line : t.main)
    if (line.input.greatest == 1) most = std::max({most, line.events_path.median, line.dense_path.median});
  for (const Path& path : {Path{"the engine's choice", &LayerLine::engine}, Path{"events", &LayerLine::events_path},
                           Path{"singles", &LayerLine::singles_path}, Path{"scattered", &LayerLine::scattered_path},
                           Path{"dense", &LayerLine::dense_path}, Path{"each event to memory", &LayerLine::naive_path},
                           Path{"nothing multiplied", &LayerLine::events_rest}}) {
    report::Series series{path.name, c++, {}};
    for (const LayerLine& line : t.main) {
      const double ns = (line.*path.ns).median;
      if (line.input.greatest != 1 || ns <= 0 || ns > 1.5 * most) continue;
      series.points.push_back(
          {line.input.rate * 100, ns / 1000, text::cat(path.name, ", ", name_of(line.input), ": ", microseconds(ns))});
    }
    chart.series.push_back(std::move(series));
  }
  return report::figure(report::line_chart(chart), "Events, singles or dense",
                        text::cat("One layer along each path. Fitted from 0.1 to 30 %: ", microseconds(t.cost.line.a),
                                  " + ", text::fixed(t.cost.line.b, 1), " ns an event; the farthest point lies ",
                                  percent(t.cost.line.above), " above."));
}

std::string bounds_chart(const Answer& a) {
  report::BarChart chart{.id = "of-bound",
                         .title = "what event and dense kernels reach of their bounds, for each table",
                         .x_label = "% of the bound",
                         .legend = {{"events, products fed from the cache", 0}, {"dense, products from registers", 1}},
                         .groups = {},
                         .full = 100};
  for (const TableResult& t : a.tables) {
    report::BarChart::Group group{t.table, {}};
    const auto bar = [&](std::string label, const Held& held, double ns, std::uint32_t c) {
      if (held.seconds <= 0 || ns <= 0) return;
      const double share = held.seconds * 1e9 / ns;
      group.bars.push_back({std::move(label),
                            {{std::min(100., share * 100), c, text::cat(held.bound, ": ", percent(share))}},
                            text::fixed(share * 100, 0)});
    };
    for (const LayerLine& line : t.main) {
      const auto& [greatest, rate] = line.input;
      if (greatest == 1 && (rate == 0.01 || rate == 0.1 || rate == 0.3))
        bar(percent(rate), events_bound(line, t.bounds, a.caches), line.events_kernel(), 0);
      if (greatest == 255 && rate == 1) bar("all", dense_bound(line, t.bounds), line.dense_kernel(), 1);
    }
    if (!group.bars.empty()) chart.groups.push_back(std::move(group));
  }
  return report::figure(report::bar_chart(chart), "What kernels reach of the machine",
                        "The main layer's kernels alone, against loops that do nothing but load weights and multiply, "
                        "measured in the same rounds.");
}

std::string threads_chart(const Cores& c) {
  report::BarChart chart{.id = "two-threads",
                         .title = "two at once against one alone",
                         .x_label = "times as much as one alone",
                         .legend = {},
                         .groups = {},
                         .full = 2,
                         .label_width = 200};
  report::BarChart::Group group;
  const auto bar = [&](const char* what, const Quartiles& q, std::uint32_t of) {
    group.bars.push_back(
        {what,
         {{q.median, of, text::cat("quartiles ", text::fixed(q.low, 2), " to ", text::fixed(q.high, 2))}},
         text::fixed(q.median, 2)});
  };
  bar("processes, a layer in L1 each", c.dense_processes, 5);
  bar("processes, an inference each", c.processes, 5);
  bar("threads, an inference each", c.threads, 0);
  bar("threads that share an inference", c.shared, 1);
  chart.groups.push_back(std::move(group));
  return report::figure(report::bar_chart(chart), "Two threads",
                        text::cat("An inference of 521 M multiply-adds: ", text::fixed(c.alone_us.median, 0),
                                  " µs on one thread, ", text::fixed(c.shared_us.median, 0),
                                  " µs shared. Processes share nothing but the machine: they are the bound."));
}

std::string all_figures(const Answer& a) {
  std::string out;
  for (const TableResult& t : a.tables) {
    report::HtmlTable table({"layer", "counts", "µs", "G synops/s", "G MAC/s", "events µs", "of fed", "singles µs",
                             "of load", "dense µs", "of peak", "rest µs"});
    const auto us = [](double ns) { return ns > 0 ? text::fixed(ns / 1000, 2) : std::string("–"); };
    const auto share = [](const Held& held, double ns) {
      return held.seconds > 0 && ns > 0 ? percent(held.seconds * 1e9 / ns) : std::string("–");
    };
    for (const auto* lines : {&t.main, &t.others}) {
      for (const LayerLine& l : *lines) {
        table.row({{l.layer},
                   {name_of(l.input)},
                   {us(l.engine.median)},
                   {number(synops(l))},
                   {number(l.macs / std::max(1e-9, l.engine.median))},
                   {us(l.events_path.median)},
                   {share(events_bound(l, t.bounds, a.caches), l.events_kernel())},
                   {us(l.singles_path.median)},
                   {share(singles_bound(l, t.bounds, a.caches), l.singles_kernel())},
                   {us(l.dense_path.median)},
                   {share(dense_bound(l, t.bounds), l.dense_kernel())},
                   {us(l.events_rest.median)}});
      }
    }
    report::HtmlTable small({"kernel", "over", "ns", "G/s", "of", "of memory"});
    for (const SmallLine& l : t.small) {
      const double least = least_seconds(l.traffic, t.bounds) * 1e9;
      small.row({{l.kernel},
                 {l.over},
                 {text::fixed(l.ns.median, 0)},
                 {number(l.elements / std::max(1e-9, l.ns.median))},
                 {l.unit},
                 {least > 0 && l.ns.median > 0 ? percent(least / l.ns.median) : std::string("–")}});
    }
    out += text::cat("<details class=\"card after\"><summary>", report::escape(t.table),
                     ": all layers and kernels</summary>", table.str(), small.str(), "</details>\n");
  }
  return out;
}

std::string bounds_table(const Answer& a) {
  report::HtmlTable table({"table", "load L1, GB/s", "L2", "store L1", "L2", "load-add-store L1, G/s", "L2",
                           "bytes × from L1, G/s", "L2", "registers"});
  const auto g = [](double per_s) { return per_s > 0 ? number(per_s * 1e-9) : std::string("–"); };
  for (const TableResult& t : a.tables) {
    const Bounds& b = t.bounds;
    table.row({{t.table},
               {g(b.l1.load)},
               {g(b.l2.load)},
               {g(b.l1.store)},
               {g(b.l2.store)},
               {g(b.l1.add)},
               {g(b.l2.add)},
               {g(b.l1.narrow)},
               {g(b.l2.narrow)},
               {g(b.narrow_peak)}});
  }
  return text::cat("<div class=\"card after\">", table.str(), "</div>\n");
}

}  // namespace

std::string page_header(std::string_view title, std::string_view what, const Machine& machine, bool busy) {
  return text::cat("<header>\n<div class=\"kicker\">Synfire bench</div>\n<h1>", report::escape(title), "</h1>\n<p>",
                   report::escape(what), ", on ", machine.cores, " × ", report::escape(machine.cpu),
                   busy ? ". The machine was busy: these figures claim nothing." : ".", "</p>\n</header>\n");
}

std::string kernel_sections(const Answer& a) {
  std::string out = tiles(a) + asked(a);
  if (!a.tables.empty()) {
    out += report::section(
        "kernels", "Kernels", "Convolution 14 × 14 × 32 to 64, 3 × 3, one thread; every input is a new one.",
        text::cat(report::columns({rates(a), paths(a.tables.front()), bounds_chart(a),
                                   a.cores && a.cores->processors > 1 ? threads_chart(*a.cores) : std::string()}),
                  bounds_table(a), all_figures(a)));
  } else if (a.cores && a.cores->processors > 1) {
    out += report::section("kernels", "Threads", "", report::columns({threads_chart(*a.cores)}));
  }
  return out;
}

std::string page(const Answer& a) {
  return report::document(
      "Synfire bench: kernels",
      page_header("Kernels", text::cat("Synfire ", SYN_VERSION, ", medians of ", a.pace.rounds, " rounds"), a.machine,
                  a.busy()) +
          kernel_sections(a));
}

Expected<> check_page(const std::string& path) {
  if (!std::ofstream(path, std::ios::app))
    return fail("the report cannot be written", path, "check the path of --report and its rights");
  return {};
}

Expected<> write_page(const std::string& path, std::string_view html) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(html.data(), static_cast<std::streamsize>(html.size()));
  out.close();
  if (!out) return fail("the report cannot be written", path, "check the free space");
  return {};
}

}  // namespace syn::bench
