// `bench_kernels`: every kernel of every table that this machine can run, against what the machine can do at best.
// bench/README.md says how to read it. Exit code 0: it was measured; 1: it could not be.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "bench/kernels/text.hpp"
#include "core/text.hpp"

namespace {

using namespace syn;
using namespace syn::bench;

// On standard error, where it is looked at: one line that is written over.
Progress progress_of(const std::string& what) {
  return [what, shown = std::size_t{0}](std::size_t done, std::size_t of) mutable {
    const std::size_t percent = of == 0 ? 100 : done * 100 / of;
    if (percent / 10 == shown && done != 0) return;
    shown = percent / 10;
    std::fprintf(stderr, "\r%s: %3zu %%%s", what.c_str(), percent, done == of ? "\n" : "");
  };
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names;
  Answer answer;
  bool json = false, only_cores = false;
  std::vector<std::string> known;
  for (const auto* table : snn::kernels::available()) known.push_back(table->name);

  CLI::App app{"Kernels of the engine against the bounds of this machine, and what two threads give."};
  app.footer("Example: bench_kernels --table avx512vnni,avx2 --json");
  app.add_option("--table", names, "sets of instructions; default: all that this machine has")
      ->delimiter(',')
      ->check(CLI::IsMember(known));
  app.add_option("--rounds", answer.pace.rounds, "in each of which everything is timed")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--lap-us", answer.pace.us, "how long each is timed a round, at least")
      ->check(CLI::Range(1., 1e6))
      ->capture_default_str();
  app.add_flag("--only-threads", only_cores, "no kernels: what two threads and two processes give");
  app.add_flag("--json", json, "one JSON object on standard output");
  CLI11_PARSE(app, argc, argv);

  answer.machine = look_at_machine();
  answer.caches = cache_sizes();
  const Bystanders bystanders;
  auto cores = measure_cores(answer.pace.rounds, progress_of("two threads"));
  if (!cores) {
    std::fprintf(stderr, "bench_kernels: %s (%s)\n  do: %s\n", cores.error().what.c_str(), cores.error().where.c_str(),
                 cores.error().todo.c_str());
    return 1;
  }
  answer.cores = *cores;
  for (const auto* table : snn::kernels::available()) {
    if (only_cores) break;
    if (!names.empty() && std::ranges::find(names, table->name) == names.end()) continue;
    answer.tables.push_back(measure(*table, answer.caches, answer.pace, progress_of(table->name)));
  }
  answer.bystanders = bystanders.cores();
  if (!only_cores) answer.figures = figures(answer.tables);
  std::ranges::copy(figures(*answer.cores), std::back_inserter(answer.figures));
  std::fputs(json ? (as_json(answer) + "\n").c_str() : as_text(answer).c_str(), stdout);
  return 0;
}
