#include "bench/peers/page.hpp"

#include <algorithm>
#include <filesystem>

#include "bench/kernels/page.hpp"
#include "core/text.hpp"
#include "report/html.hpp"
#include "report/plot.hpp"

namespace syn::peers {
namespace {

std::string name_of(const Comparison& c) {
  return std::filesystem::path(c.file).stem().string();
}
// An engine's colour is the same in all charts: the peer's two, then Synfire's in their order.
std::uint32_t colour_of(const Comparison& c, const Row& row) {
  std::uint32_t ours = 0;
  for (const Row& other : c.rows) {
    if (other.threads != row.threads) continue;
    if (other.engine == row.engine) break;
    ours += !other.is_peer();
  }
  if (row.is_peer()) return row.engine.ends_with("int8") ? 4 : 5;
  return ours % 4;
}

// One bar for each engine of each network.
template <class Value>
std::string chart(const Answer& answer, std::uint32_t threads, std::string id, std::string title, std::string unit,
                  int decimals, Value value) {
  report::BarChart chart{.id = std::move(id),
                         .title = std::move(title),
                         .x_label = std::move(unit),
                         .legend = {},
                         .groups = {},
                         .label_width = 150};
  for (const Comparison& c : answer.comparisons) {
    report::BarChart::Group group{name_of(c), {}};
    for (const Row& row : c.rows) {
      const double v = row.threads == threads ? value(row) : 0;
      if (v > 0)
        group.bars.push_back(
            {row.engine, {{v, colour_of(c, row), text::cat(row.engine, ", ", name_of(c))}}, text::fixed(v, decimals)});
    }
    if (!group.bars.empty()) chart.groups.push_back(std::move(group));
  }
  return report::bar_chart(chart);
}
double latency(const Row& row) {
  return quartiles(row.latency.us).median;
}
double throughput(const Row& row) {
  return row.per_second.value_or(0) / 1000;
}

// Where ours take least and most of the peer's time, and give the most of its throughput.
std::vector<report::Tile> tiles(const Answer& answer) {
  struct Extreme {
    double ratio = 0;
    std::string what;
  } least, most;
  double best_times = 0;
  std::string best_batch;
  for (const Comparison& c : answer.comparisons) {
    // Where the peer had to do without one of its forms, it was not at its best.
    if (std::ranges::any_of(c.rows, [](const Row& row) { return row.is_peer() && !row.trouble.what.empty(); }))
      continue;
    for (const Row& row : c.rows) {
      if (row.is_peer()) continue;
      const std::string what = text::cat(name_of(c), ", ", row.engine);
      if (const auto r = ratio_of(answer, c, row); r && row.threads == 1) {
        if (least.what.empty() || r->median < least.ratio) least = {r->median, what};
        if (most.what.empty() || r->median > most.ratio) most = {r->median, what};
      }
      if (const auto times = batch_ratio_of(answer, c, row); times && row.threads > 1 && *times > best_times)
        best_times = *times, best_batch = what;
    }
  }
  std::vector<report::Tile> out;
  if (!least.what.empty()) {
    out.push_back({"latency, at best", text::fixed(least.ratio, 2), "x", text::cat("of ONNX Runtime's: ", least.what)});
    out.push_back({"latency, at worst", text::fixed(most.ratio, 2), "x", text::cat("of ONNX Runtime's: ", most.what)});
  }
  if (!best_batch.empty())
    out.push_back({text::cat("throughput, ", answer.options.threads, " threads, at best"), text::fixed(best_times, 2),
                   "x", text::cat("of ONNX Runtime's: ", best_batch)});
  return out;
}

std::string table(const Answer& answer) {
  report::HtmlTable table({"network", "engine", "threads", "accuracy", "latency", "ratio",
                           text::cat("batch ", answer.options.batch, ", /s"), "times", "memory"});
  const auto fixed = [](const std::optional<double>& v, int decimals) {
    return v ? text::fixed(*v, decimals) : std::string("–");
  };
  for (const Comparison& c : answer.comparisons) {
    for (const Row& row : c.rows) {
      const auto ratio = ratio_of(answer, c, row);
      table.row({{name_of(c)},
                 {row.engine},
                 {text::cat(row.threads)},
                 {row.accuracy ? text::fixed(*row.accuracy * 100, 2) + " %" : std::string("–")},
                 {row.latency.us.empty() ? std::string("–") : text::fixed(latency(row), 1) + " µs"},
                 {ratio ? text::fixed(ratio->median, 2) : std::string("–")},
                 {fixed(row.per_second, 0)},
                 {fixed(batch_ratio_of(answer, c, row), 2)},
                 {row.resident ? text::bytes(static_cast<double>(*row.resident)) : std::string("–")}});
    }
  }
  return text::cat(
      "<div class=\"card after\">", table.str(),
      report::note("ratio: the median over rounds of a latency against ONNX Runtime's faster one with as many "
                   "threads; below 1 is faster. times: throughput of a batch against its better one; above 1 "
                   "is more. With two threads and batch 1, both share the image."),
      "</div>\n");
}

std::string remarks(const Answer& answer) {
  std::string out;
  for (const Comparison& c : answer.comparisons) {
    for (const Row& row : c.rows)
      if (!row.trouble.what.empty())
        out += report::note(text::cat(name_of(c), ", ", row.engine, " took no part: ", row.trouble.what));
    if (answer.busy(c))
      out += report::note(text::cat(name_of(c), ": the machine was busy while this was timed (others took ",
                                    text::fixed(c.bystanders, 2), " cores); these figures claim nothing."));
  }
  for (const Error& e : answer.troubles) out += report::note(text::cat(e.where, ": ", e.what));
  return out;
}

}  // namespace

std::string page(const Answer& answer, const bench::Answer* kernels) {
  const std::uint32_t many = answer.options.threads;
  std::vector<std::string> charts{
      report::figure(chart(answer, 1, "latency-one", "latency of one image on one thread, for each engine and network",
                           "µs, pixels in to class out, one thread", 1, latency),
                     "Latency", "Batch 1; medians over all timed calls, every engine in every round.")};
  if (answer.options.batch > 1)
    charts.push_back(report::figure(
        chart(answer, many, "throughput-many", "throughput of a batch, for each engine and network",
              text::cat("thousand images/s, ", many, many == 1 ? " thread" : " threads"), 1, throughput),
        "Throughput", text::cat("Batches of ", answer.options.batch, "; Synfire takes the images one by one.")));
  const auto found = tiles(answer);
  const bool busy = std::ranges::any_of(answer.comparisons, [&](const Comparison& c) { return answer.busy(c); });
  std::string body = bench::page_header("Beside ONNX Runtime",
                                        text::cat("ONNX Runtime ", answer.runtime_version, " and Synfire ", SYN_VERSION,
                                                  " (", answer.kernels, ") on the same networks in the same run"),
                                        answer.machine, busy);
  if (!found.empty())
    body += text::cat("<section id=\"headline\" style=\"margin-top:0\">\n", report::tiles(found), "</section>\n");
  body += report::section("peers", "Networks",
                          text::cat(answer.options.race.rounds, " rounds of ", answer.options.race.calls,
                                    " images each; both converted from the same files."),
                          text::cat(report::columns(charts), table(answer), remarks(answer)));
  if (kernels) body += bench::kernel_sections(*kernels);
  return report::document("Synfire bench: beside ONNX Runtime", body);
}

}  // namespace syn::peers
