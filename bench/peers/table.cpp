#include "bench/peers/table.hpp"

#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "report/table.hpp"

namespace syn::peers {
namespace {

using Json = nlohmann::ordered_json;

std::string table_of(const Answer& answer, const Comparison& c) {
  report::Table table({"engine", "threads", "accuracy %", "p25 us", "median us", "p75 us", "ratio", "(p25 .. p75)",
                       text::cat("batch ", answer.options.batch, " /s"), "times", "memory"});
  std::string remarks;
  for (const Row& row : c.rows) {
    const Quartiles us = quartiles(row.latency.us);
    const bool timed = !row.latency.us.empty();
    const auto cell = [](bool there, const std::string& text) { return there ? text : std::string("-"); };
    const auto r = ratio_of(answer, c, row);
    const auto times = batch_ratio_of(answer, c, row);
    table.row({row.engine, text::cat(row.threads),
               cell(row.accuracy.has_value(), text::fixed(row.accuracy.value_or(0) * 100, 2)),
               cell(timed, text::fixed(us.low, 1)), cell(timed, text::fixed(us.median, 1)),
               cell(timed, text::fixed(us.high, 1)),
               cell(r.has_value(), text::fixed(r.value_or(Quartiles{}).median, 2)),
               cell(r.has_value(), text::cat('(', text::fixed(r.value_or(Quartiles{}).low, 2), " .. ",
                                             text::fixed(r.value_or(Quartiles{}).high, 2), ')')),
               cell(row.per_second.has_value(), text::fixed(row.per_second.value_or(0), 0)),
               cell(times.has_value(), text::fixed(times.value_or(0), 2)),
               cell(row.resident.has_value(), text::bytes(static_cast<double>(row.resident.value_or(0))))});
    if (!row.trouble.what.empty())
      remarks += text::cat("- ", row.engine, " took no part: ", row.trouble.what, " (", row.trouble.where, ")\n");
  }
  std::string out = text::cat(c.file, ", ", c.images, " test images of ", c.data, "\n", table.text(), remarks);
  if (const int reference = c.reference(); reference >= 0)
    out += text::cat("ratios are against ", c.rows[static_cast<std::size_t>(reference)].engine, "\n");
  if (answer.busy(c)) {
    out +=
        text::cat("! the machine was busy: others took ", text::fixed(c.bystanders, 2), " cores while this was timed; ",
                  answer.anyway ? "the ratios above claim nothing\n" : "no ratio is claimed\n");
  }
  return out + '\n';
}

Json as_json(const Quartiles& q) {
  return {{"p25", q.low}, {"median", q.median}, {"p75", q.high}};
}
Json as_json(const Error& e) {
  return {{"what", e.what}, {"where", e.where}, {"do", e.todo}};
}
template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace

std::optional<Quartiles> ratio_of(const Answer& answer, const Comparison& c, const Row& row) {
  const int reference = c.reference(row.threads);
  if (reference < 0 || row.latency.us.empty() || (answer.busy(c) && !answer.anyway)) return {};
  return ratio(row.latency, c.rows[static_cast<std::size_t>(reference)].latency);
}
std::optional<double> batch_ratio_of(const Answer& answer, const Comparison& c, const Row& row) {
  const int reference = c.batch_reference(row.threads);
  if (reference < 0 || !row.per_second || (answer.busy(c) && !answer.anyway)) return {};
  return *row.per_second / *c.rows[static_cast<std::size_t>(reference)].per_second;
}

std::string as_text(const Answer& answer) {
  const CompareOptions& o = answer.options;
  std::string out = text::cat("ONNX Runtime ", answer.runtime_version, " and Synfire ", SYN_VERSION, " (",
                              answer.kernels, ") on ", answer.machine.cores, " x ", answer.machine.cpu, ", load ",
                              text::fixed(answer.machine.load, 2), "\nbatch 1, pixels in to class out; ", o.race.rounds,
                              " rounds of ", o.race.calls, " images each, every engine in every round\n\n");
  for (const Comparison& c : answer.comparisons) out += table_of(answer, c);
  for (const Error& e : answer.troubles) out += text::cat("! ", e.where, ": ", e.what, "\n  do: ", e.todo, "\n");
  if (!answer.comparisons.empty()) {
    out +=
        "ratio: median over rounds of the latency against the faster of ONNX Runtime's rows with as many threads; "
        "below 1 "
        "is faster.\n"
        "times: throughput of a batch against the better of the same; above 1 is more. Rows with more threads were "
        "timed "
        "after the\nothers, each alone. memory: what a process grows by at its peak.\n";
  }
  return out;
}

std::string as_json(const Answer& answer) {
  const CompareOptions& o = answer.options;
  Json json{{"onnxruntime", answer.runtime_version},
            {"synfire", SYN_VERSION},
            {"kernels", answer.kernels},
            {"machine", {{"cpu", answer.machine.cpu}, {"cores", answer.machine.cores}, {"load", answer.machine.load}}},
            {"rounds", o.race.rounds},
            {"images_a_round", o.race.calls},
            {"batch", o.batch},
            {"calibration_images", o.calibration_images},
            {"seed", o.seed},
            {"networks", Json::array()},
            {"errors", Json::array()}};
  for (const Comparison& c : answer.comparisons) {
    const int reference = c.reference();
    Json network{{"file", c.file},
                 {"data", c.data},
                 {"images", c.images},
                 {"cores_of_others", c.bystanders},
                 {"claim", !answer.busy(c)},
                 {"reference", reference < 0 ? Json() : Json(c.rows[static_cast<std::size_t>(reference)].engine)},
                 {"rows", Json::array()}};
    for (const Row& row : c.rows) {
      const auto r = ratio_of(answer, c, row);
      network["rows"].push_back({{"engine", row.engine},
                                 {"threads", row.threads},
                                 {"accuracy", or_null(row.accuracy)},
                                 {"latency_us", row.latency.us.empty() ? Json() : as_json(quartiles(row.latency.us))},
                                 {"ratio", r ? as_json(*r) : Json()},
                                 {"batch_per_s", or_null(row.per_second)},
                                 {"batch_times", or_null(batch_ratio_of(answer, c, row))},
                                 {"memory_bytes", or_null(row.resident)},
                                 {"error", row.trouble.what.empty() ? Json() : as_json(row.trouble)}});
    }
    json["networks"].push_back(std::move(network));
  }
  for (const Error& e : answer.troubles) json["errors"].push_back(as_json(e));
  return json.dump();
}

}  // namespace syn::peers
