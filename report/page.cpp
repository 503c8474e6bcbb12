#include "report/page.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/assert.hpp"
#include "core/text.hpp"
#include "report/plot.hpp"
#include "report/sections.hpp"
#include "report/svg.hpp"

namespace syn::report {

namespace {

std::string header(const Page& page) {
  const Evaluation& e = page.ways.front().evaluation;
  return text::cat("<header>\n<div class=\"kicker\">Synfire report</div>\n<h1>", escape(page.model), "</h1>\n<p>",
                   escape(page.data), ", ", whole(static_cast<double>(e.total)), " images",
                   e.steps ? text::cat(", ", escape(e.code), " code, T = ", e.steps) : std::string(), ", ",
                   escape(page.ways.front().where), "</p>\n</header>\n");
}

std::string headline(const Page& page) {
  const Way& way = page.ways.front();
  const Evaluation& e = way.evaluation;
  std::vector<Tile> t;
  std::string beside = text::cat("± ", text::fixed(half_interval(e) * 100, 2), " at 95 %");
  if (page.network) {
    beside = text::cat("float32 network ", percent(page.network->accuracy()), ", ",
                       points(page.network->accuracy() - e.accuracy()));
  }
  t.push_back({"accuracy", text::fixed(e.accuracy() * 100, 2), "%", beside});
  const auto [p50, unit] = time_of(e.latency_us_p50);
  t.push_back(
      {"latency p50", p50, unit, text::cat("p95 ", duration(e.latency_us_p95), ", p99 ", duration(e.latency_us_p99))});
  t.push_back({"throughput", whole(e.throughput_per_s), "/s", text::cat("inferences, ", way.clock)});
  if (way.wire_bytes) t.push_back({"on the wire", whole(*way.wire_bytes), "B", "per inference, everything included"});
  if (e.spikes_per_inference) {
    t.push_back({"spikes", whole(*e.spikes_per_inference), "",
                 text::cat("per inference, in ", whole(*e.events_per_inference), " events")});
    t.push_back({"synaptic operations", short_number(*e.synops_per_inference), "", "per inference"});
  }
  std::string out = tiles(t);
  if (page.ways.size() > 1 || !e.digest.empty()) {
    HtmlTable table({"ran as", "accuracy", "p50", "p95", "p99", "inferences/s", "digest", "spike digest"});
    for (const Way& w : page.ways) {
      const Evaluation& v = w.evaluation;
      table.row({{w.where},
                 {percent(v.accuracy())},
                 {duration(v.latency_us_p50)},
                 {duration(v.latency_us_p95)},
                 {duration(v.latency_us_p99)},
                 {whole(v.throughput_per_s)},
                 {v.digest.substr(0, 12) + "…"},
                 {v.spike_digest.substr(0, 12) + "…"}});
    }
    if (page.network) {
      const Evaluation& v = *page.network;
      table.row({{"float32 network, one process"},
                 {percent(v.accuracy())},
                 {duration(v.latency_us_p50)},
                 {duration(v.latency_us_p95)},
                 {duration(v.latency_us_p99)},
                 {whole(v.throughput_per_s)},
                 {"–"},
                 {"–"}});
    }
    std::string verdict;
    if (page.ways.size() > 1) {
      const bool same = std::all_of(page.ways.begin(), page.ways.end(), [&](const Way& w) {
        return w.evaluation.digest == e.digest && w.evaluation.spike_digest == e.spike_digest;
      });
      verdict = same ? "One digest: every way of running it gave the same bits, potentials and counts alike."
                     : "The digests differ: not every way of running it gave the same bits.";
      verdict += " Latencies of several nodes are of a full pipeline, those of one process are of an inference alone.";
    }
    out += text::cat("<div class=\"card after\">", table.str(), verdict.empty() ? std::string() : note(verdict),
                     "</div>\n");
  }
  return text::cat("<section id=\"headline\" style=\"margin-top:0\">\n", out, "</section>\n");
}

std::string sample(const Page& page) {
  if (!page.sample) return {};
  const Sample& s = *page.sample;
  const auto best = static_cast<std::size_t>(std::max_element(s.logits.begin(), s.logits.end()) - s.logits.begin());
  std::uint64_t spikes = 0;
  for (const auto& train : s.raster.trains) spikes += train.spikes;
  std::string how;
  if (s.raster.code == "volley") {
    how = text::cat("A count c is drawn as c spikes spread over its window of ", s.raster.steps,
                    " steps. Windows follow one another as they would on step-synchronous hardware; the engine "
                    "computes layer by layer and sends the count itself, so it waits for no step.");
  } else if (s.raster.code == "phase") {
    how = text::cat("A count is drawn as its binary digits, the highest in the first of ", s.raster.steps,
                    " steps. Windows follow one another as they would on step-synchronous hardware; the engine "
                    "computes layer by layer and sends the count itself, so it waits for no step.");
  } else {
    how = "Every step as it was computed.";
  }
  how +=
      " Where a population has more neurons than rows, evenly taken ones are shown; the number is on the left. "
      "Pooling hands on sums, not spikes, and is not drawn.";
  const std::string left =
      text::cat("<div class=\"stack\">", "<figure class=\"pixels\">",
                draw(s.picture, "image", text::cat("image ", s.index, " of the data set")), "<figcaption>",
                escape(text::cat("Image ", s.index, ", label ", s.label, ", answered ", best,
                                 best == s.label ? "." : ": wrong.")),
                "</figcaption></figure>\n",
                figure(draw_answer(s.logits, s.label, "answer", "logits of the classes"), "",
                       "Logits by class: the answer in orange, ▸ the label."),
                "</div>");
  return section(
      "raster", "One inference", text::cat(whole(static_cast<double>(spikes)), " spikes answer one image."),
      text::cat("<div class=\"sample\">", left,
                figure(draw(s.raster, "spikes", "spikes of every layer over time"), "", how, true), "</div>\n"));
}

std::string latency(const Page& page) {
  const std::vector<double>& us = page.latencies_us;
  if (us.empty()) return {};
  const bool ms = percentile(us, 0.5) >= 1000;
  const double unit = ms ? 1000 : 1;
  Histogram h{.id = "latency-plot", .title = "histogram of latencies", .unit = ms ? "ms" : "µs"};
  h.x_label = text::cat("latency, ", h.unit, " (log axis)");
  for (const double v : us) h.values.push_back(v / unit);
  for (const auto& [name, fraction] : {std::pair{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}}) {
    h.marks.push_back({name, percentile(h.values, fraction)});
  }
  const double low = *std::min_element(us.begin(), us.end()), high = *std::max_element(us.begin(), us.end());
  HtmlTable table({"", "latency"});
  table.row({{"least"}, {duration(low)}});
  for (const auto& [name, fraction] :
       {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p99.9", 0.999}}) {
    table.row({{name}, {duration(percentile(us, fraction))}});
  }
  table.row({{"greatest"}, {duration(high)}});
  return section("latency", "Latency",
                 text::cat(whole(static_cast<double>(us.size())), " inferences, ", page.latency_clock, "."),
                 columns({figure(histogram(h), "", ""), text::cat("<div class=\"card\">", table.str(), "</div>\n")}));
}

std::string about(const Page& page) {
  std::string inner = facts(page.facts);
  if (!page.remarks.empty()) {
    std::string items;
    for (const std::string& r : page.remarks) items += text::cat("<li>", escape(r), "</li>\n");
    inner += text::cat("<ul class=\"note\">\n", items, "</ul>\n");
  }
  return section("about", "How this was made", "", text::cat("<div class=\"card\">", inner, "</div>\n"));
}

}  // namespace

std::string html(const Page& page) {
  SYN_ASSERT(!page.ways.empty());
  return document(
      text::cat(page.model, ": Synfire report"),
      text::cat(header(page), headline(page), accuracy_section(page), sample(page), layers_section(page),
                bytes_section(page), latency(page), placement_section(page), energy_section(page), about(page)));
}

}  // namespace syn::report
