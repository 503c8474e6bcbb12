#include "report/sections.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/text.hpp"
#include "report/plot.hpp"

namespace syn::report {

std::string whole(double value) {
  return text::grouped(static_cast<std::int64_t>(std::llround(value)));
}
std::string percent(double share) {
  return text::fixed(share * 100, 2) + " %";
}
std::string points(double lost) {
  const std::string amount = text::fixed(std::abs(lost) * 100, 2);
  return text::cat(amount, lost < 0 ? " points won" : " points lost");
}
std::pair<std::string, std::string> time_of(double us) {
  if (us < 1000) return {text::fixed(us, us < 10 ? 1 : 0), "µs"};
  if (us < 1e6) return {text::fixed(us / 1000, us < 1e5 ? 2 : 0), "ms"};
  return {text::fixed(us / 1e6, 2), "s"};
}
std::string duration(double us) {
  const auto [value, unit] = time_of(us);
  return text::cat(value, " ", unit);
}

double half_interval(const Evaluation& e) {
  if (e.total == 0) return 0;
  constexpr double z = 1.959964;
  const double n = static_cast<double>(e.total), p = e.accuracy();
  return z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
}

namespace {

// The code's colour is the same in every chart.
std::uint32_t colour_of(const std::string& code) {
  return code == "volley" ? 0 : code == "phase" ? 1 : 2;
}

std::string sweep_tip(const Sweep::Point& p) {
  return text::cat(p.code, ", T = ", p.steps, ": ", percent(p.evaluation.accuracy()), ", ",
                   short_number(p.evaluation.synops_per_inference.value_or(0)), " synaptic operations");
}

LineChart sweep_chart(const Sweep& sweep, bool against_work) {
  LineChart chart{.id = against_work ? "accuracy-work" : "accuracy-steps",
                  .title = against_work ? "accuracy against synaptic operations, for each code"
                                        : "accuracy against T, for each code",
                  .x_label = against_work ? "synaptic operations per inference" : "T, steps",
                  .y_label = "accuracy, %",
                  .x_scale = Scale::log,
                  .twos = !against_work};
  double best = 0;
  for (const auto& p : sweep.points) best = std::max(best, p.evaluation.accuracy() * 100);
  if (sweep.network) {
    const double half = half_interval(*sweep.network) * 100, a = sweep.network->accuracy() * 100;
    chart.reference = LineChart::Reference{text::cat("float32 ", text::fixed(a, 2), " %"), a, a - half, a + half};
    best = std::max(best, a);
  }
  chart.floor = best - 8;
  for (const auto& p : sweep.points) {
    auto s = std::find_if(chart.series.begin(), chart.series.end(), [&](const Series& x) { return x.name == p.code; });
    if (s == chart.series.end()) {
      chart.series.push_back({p.code, colour_of(p.code), {}});
      s = chart.series.end() - 1;
    }
    const double x = against_work ? p.evaluation.synops_per_inference.value_or(0) : p.steps;
    s->points.push_back({x, p.evaluation.accuracy() * 100, sweep_tip(p)});
  }
  return chart;
}

}  // namespace

std::string accuracy_section(const Page& page) {
  if (!page.sweep || page.sweep->points.empty()) return {};
  const Sweep& s = *page.sweep;
  HtmlTable table({"code", "T", "accuracy", "points lost", "spikes", "events", "synaptic operations"});
  bool clipped = false;
  const LineChart steps = sweep_chart(s, false);
  for (const auto& p : s.points) {
    const Evaluation& e = p.evaluation;
    clipped = clipped || e.accuracy() * 100 < steps.floor;
    table.row({{e.code},
               {text::cat(p.steps)},
               {percent(e.accuracy())},
               {s.network ? text::fixed((s.network->accuracy() - e.accuracy()) * 100, 2) : "–"},
               {whole(e.spikes_per_inference.value_or(0))},
               {whole(e.events_per_inference.value_or(0))},
               {whole(e.synops_per_inference.value_or(0))}});
  }
  std::string caption =
      s.network
          ? text::cat("Grey: Wilson's 95 % interval of the network on ", whole(static_cast<double>(s.images)),
                      " images, ± ", text::fixed(half_interval(*s.network) * 100, 2),
                      " points. All conversions saw the same images, so differences between them are surer than that.")
          : std::string();
  if (clipped) caption += " Triangles lie lower than the axis; their figures are in the table.";
  return section(
      "accuracy", "Accuracy against T",
      text::cat("One network converted anew for each point: int8 weights, ",
                whole(static_cast<double>(s.calibration_images)), " calibration images, no retraining; judged on ",
                whole(static_cast<double>(s.images)), " test images."),
      text::cat(
          columns(
              {figure(line_chart(steps), "By steps", caption),
               figure(line_chart(sweep_chart(s, true)), "By work",
                      "Synaptic operations are pairs of a non-zero count and a non-zero weight: what the "
                      "engine computes. A count is one event whatever it is, so more levels cost only the counts that "
                      "are no longer zero; in step code every spike is an event.")}),
          "<details class=\"card after\"><summary>All figures</summary>", table.str(), "</details>\n"));
}

std::string layers_section(const Page& page) {
  if (page.layers.empty()) return {};
  BarChart density{
      .id = "density", .title = "share of non-zero counts of each layer", .x_label = "counts that are not zero, %"};
  density.full = 100;
  BarChart rate{.id = "rate", .title = "mean count of each layer", .x_label = "mean count, share of the greatest, %"};
  rate.full = 100;
  density.groups.emplace_back();
  rate.groups.emplace_back();
  const bool converted =
      std::any_of(page.layers.begin(), page.layers.end(), [](const Layer& l) { return l.conversion.has_value(); });
  std::vector<std::string> heads{"layer",      "kind",     "neurons", "counts 0 … g", "g",
                                 "mean count", "non-zero", "sum",     "entropy, bit"};
  if (converted) heads.insert(heads.end(), {"clipping", "rounding", "mean error", "corrected", "dead"});
  HtmlTable table(heads);
  for (const Layer& l : page.layers) {
    const double all = static_cast<double>(std::max<std::uint64_t>(1, l.counts.total()));
    const double share = static_cast<double>(l.counts.non_zero()) / all,
                 mean = static_cast<double>(l.counts.sum()) / all;
    const double inferences = static_cast<double>(std::max<std::uint64_t>(1, page.watched));
    const double of_greatest = mean / std::max(1u, l.greatest);
    const std::uint32_t colour = l.kind == "pool" ? 5 : 0;
    density.groups[0].bars.push_back({l.name, {{share * 100, colour, {}}}, text::fixed(share * 100, 1) + " %"});
    rate.groups[0].bars.push_back(
        {l.name, {{of_greatest * 100, colour, {}}}, text::fixed(of_greatest * 100, 1) + " %"});
    std::vector<std::uint64_t> bins = l.counts.of;
    if (bins.size() > 48) {  // sums: so many neighbours a bar
      const std::size_t every = (bins.size() + 47) / 48;
      std::vector<std::uint64_t> fewer((bins.size() + every - 1) / every);
      for (std::size_t c = 0; c < bins.size(); ++c) fewer[c / every] += bins[c];
      bins = std::move(fewer);
    }
    std::vector<Cell> row{{l.name},
                          {l.kind},
                          {whole(l.neurons)},
                          {spark(bins, text::cat("histogram of counts of ", l.name)), true},
                          {text::cat(l.greatest)},
                          {text::fixed(mean, 2)},
                          {text::fixed(share * 100, 1) + " %"},
                          {whole(static_cast<double>(l.counts.sum()) / inferences)},
                          {text::fixed(l.counts.entropy(), 2)}};
    if (converted) {
      const auto figure_of = [&](double v) { return l.conversion ? text::fixed(v, 4) : std::string("–"); };
      const Layer::Conversion c = l.conversion.value_or(Layer::Conversion{});
      for (const double v : {c.clipping, c.rounding, c.mean_error_before, c.mean_error_after})
        row.push_back({figure_of(v)});
      row.push_back({l.conversion ? text::cat(c.dead) : "–"});
    }
    table.row(std::move(row));
  }
  std::string explained =
      "Counts 0 … g: how often each count was handed on, zero on the left. Sum: of counts per inference. Entropy: "
      "Shannon's, of one count.";
  if (converted) {
    explained +=
        " Clipping and rounding: root mean square errors over the calibration images, in network units; mean "
        "error: of the mean activation before and after bias correction; dead: channels that never fired.";
  }
  return section(
      "layers", "Rates and densities",
      text::cat("What each layer hands on, over ", whole(static_cast<double>(page.watched)), " images. Grey: pooling."),
      text::cat(columns({figure(bar_chart(density), "Density", ""), figure(bar_chart(rate), "Rate", "")}),
                "<div class=\"card after\">", table.str(), note(explained), "</div>\n"));
}

std::string bytes_section(const Page& page) {
  if (!page.placement || page.placement->edges.empty()) return {};
  BarChart chart{.id = "edge-bytes", .title = "bytes per inference on each edge", .x_label = "bytes per inference"};
  chart.legend = {{"sent: counts", 0}, {"sent: headers", 5}, {"int8 features", 2}, {"raw input", 3}};
  chart.label_width = 96;
  HtmlTable table({"edge", "carries", "sent, B", "of it headers", "entropy bound", "counts / bound", "int8 features",
                   "sent / int8"});
  bool bound = false;
  for (const EdgeBytes& e : page.placement->edges) {
    const double sent = e.payload + e.headers;
    BarChart::Bar bar{"sent", {{e.payload, 0, "counts"}, {e.headers, 5, "frame headers"}}, whole(sent) + " B"};
    if (e.entropy) {
      bar.mark = *e.entropy;
      bar.mark_tip = text::cat("entropy bound ", whole(*e.entropy), " B");
      bound = true;
    }
    chart.groups.push_back(
        {text::cat(e.from, " → ", e.to, ": ", e.population),
         {bar,
          {"int8 features", {{e.int8, 2, {}}}, whole(e.int8) + " B"},
          {"raw input", {{page.placement->raw_input, 3, {}}}, whole(page.placement->raw_input) + " B"}}});
    table.row({{text::cat(e.from, " → ", e.to)},
               {e.population},
               {whole(sent)},
               {whole(e.headers)},
               {e.entropy ? whole(*e.entropy) : "–"},
               {e.entropy && *e.entropy > 0 ? text::fixed(e.payload / *e.entropy, 2) : "–"},
               {whole(e.int8)},
               {e.int8 > 0 ? text::fixed(sent / e.int8, 2) : "–"}});
  }
  std::string caption;
  if (bound) {
    caption = text::cat("The upright line is Shannon's bound for the counts that crossed, from their histogram over ",
                        whole(static_cast<double>(page.watched)),
                        " images: what an ideal code would need that treats neurons alike and independent of each "
                        "other. Potentials of the readout are int32 and have no such bound here.");
  }
  caption +=
      " Overheads of the transport, acknowledgements and control messages come on top, and are in the headline's "
      "bytes per inference.";
  return section(
      "bytes", "Bytes on the edges",
      "Counts as they were sent, beside the least that they hold, int8 features of the same neurons, and the "
      "image itself.",
      text::cat("<div class=\"card pair\"><div class=\"plot\">", bar_chart(chart), "</div>", note(caption), "</div>\n",
                "<div class=\"card after\">", table.str(), "</div>\n"));
}

}  // namespace syn::report
