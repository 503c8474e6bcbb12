// `bench_kernels`: every kernel of every table that this machine can run, against what the machine can do at best.
// bench/README.md says how to read it. Exit code 0: it was measured; 1: it could not be.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "bench/kernels/answer.hpp"
#include "bench/kernels/page.hpp"
#include "core/text.hpp"

namespace {

using namespace syn;
using namespace syn::bench;

int complain(const Error& error) {
  std::fprintf(stderr, "bench_kernels: %s\n  where: %s\n  do:    %s\n", error.what.c_str(), error.where.c_str(),
               error.todo.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  MeasureOptions options;
  std::string report;
  bool json = false;
  std::vector<std::string> known;
  for (const auto* table : snn::kernels::available()) known.push_back(table->name);

  CLI::App app{"Kernels of the engine against the bounds of this machine, and what two threads give."};
  app.footer("Example: bench_kernels --table avx512vnni,avx2 --json");
  app.add_option("--table", options.tables, "sets of instructions; default: all that this machine has")
      ->delimiter(',')
      ->check(CLI::IsMember(known));
  app.add_option("--rounds", options.pace.rounds, "in each of which everything is timed")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--lap-us", options.pace.us, "how long each is timed a round, at least")
      ->check(CLI::Range(1., 1e6))
      ->capture_default_str();
  app.add_flag("--only-threads", options.only_threads, "no kernels: what two threads and two processes give");
  app.add_option("--report", report, "also write an HTML page of it to this file");
  app.add_flag("--json", json, "one JSON object on standard output");
  CLI11_PARSE(app, argc, argv);

  if (!report.empty())
    if (auto possible = check_page(report); !possible) return complain(possible.error());
  const auto answer = measure_all(options, progress_bar);
  if (!answer) return complain(answer.error());
  if (!report.empty())
    if (auto written = write_page(report, page(*answer)); !written) return complain(written.error());
  std::fputs(json ? (as_json(*answer) + "\n").c_str() : as_text(*answer).c_str(), stdout);
  return 0;
}
