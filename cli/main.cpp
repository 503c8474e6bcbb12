// `synfire`, the workstation tool. One file per verb; this one only chooses the verb, prints its answer and turns it
// into an exit code: 0 done, 1 the job failed, 2 wrong use, 130 interrupted.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/json.hpp"
#include "cli/verb.hpp"
#include "core/text.hpp"

namespace {

using syn::Error;
using syn::cli::Answer;
using syn::cli::Verb;

volatile std::sig_atomic_t g_json = 0;

// For verbs without children or a loop of their own: nothing to tidy up, since files are replaced by rename only.
void end_at_once(int) {
  static constexpr char kJson[] =
      "{\"error\": {\"what\": \"interrupted\", \"where\": \"synfire\", \"do\": \"run it again\"}}\n";
  static constexpr char kText[] = "\nsynfire: interrupted\n";
  [[maybe_unused]] ssize_t ignored = 0;
  if (g_json) ignored = ::write(STDOUT_FILENO, kJson, sizeof kJson - 1);
  ignored = ::write(STDERR_FILENO, kText, sizeof kText - 1);
  ::_exit(130);
}

int report(const Error& error, bool json, int code) {
  if (json) {
    std::printf("%s\n", syn::cli::error_json(error).dump().c_str());
  } else {
    std::fprintf(stderr, "synfire: %s\n", error.what.c_str());
    if (!error.where.empty()) std::fprintf(stderr, "  where: %s\n", error.where.c_str());
    if (!error.todo.empty()) std::fprintf(stderr, "  do:    %s\n", error.todo.c_str());
  }
  return code;
}

bool asks_for_json(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, end_at_once);
  std::signal(SIGTERM, end_at_once);
  std::signal(SIGPIPE, SIG_IGN);
  const bool json = asks_for_json(argc, argv);  // known before parsing, so that wrong use is reported in JSON, too
  g_json = json;

  std::vector<std::unique_ptr<Verb>> verbs;
  for (auto make : {syn::cli::make_quickstart, syn::cli::make_convert, syn::cli::make_eval, syn::cli::make_infer,
                    syn::cli::make_inspect, syn::cli::make_export, syn::cli::make_bench, syn::cli::make_plan,
                    syn::cli::make_run, syn::cli::make_sim, syn::cli::make_keygen, syn::cli::make_train,
                    syn::cli::make_distill, syn::cli::make_data, syn::cli::make_events, syn::cli::make_learn}) {
    verbs.push_back(make());
  }

  CLI::App app{"Synfire: spiking neural networks, distributed over small computers.", "synfire"};
  app.set_version_flag("--version", std::string("synfire ") + SYN_VERSION);
  app.require_subcommand(1);
  app.footer("Start with: synfire quickstart");
  std::vector<CLI::App*> commands;
  bool json_flag = false;
  for (const auto& verb : verbs) {
    CLI::App* command = app.add_subcommand(verb->name(), verb->summary());
    command->add_flag("--json", json_flag, "one JSON object on standard output, nothing else");
    command->footer(std::string("Example:\n  ") + verb->example());
    verb->declare(*command);
    commands.push_back(command);
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) { return app.exit(help); } catch (const CLI::ParseError& wrong) {
    std::string verb = "--help";
    for (CLI::App* command : commands) {
      if (command->parsed()) verb = command->get_name() + " --help";
    }
    return report({wrong.what(), "the command line", "see: synfire " + verb}, json, 2);
  }

  for (std::size_t i = 0; i < verbs.size(); ++i) {
    if (!commands[i]->parsed()) continue;
    try {
      syn::cli::Terminal terminal;
      const syn::Expected<Answer> answer = verbs[i]->run(terminal);
      if (!answer) return report(answer.error(), json, 1);
      const bool failed = !answer->error.what.empty();
      std::fputs(json ? (answer->json + "\n").c_str() : answer->text.c_str(), stdout);
      std::fflush(stdout);
      if (failed && !json) report(answer->error, false, 1);
      return failed ? 1 : 0;
    } catch (const syn::UsageError& wrong) {
      return report(wrong.error(), json, 2);
    } catch (const syn::cli::Interrupted&) {
      return report({"interrupted", verbs[i]->name(), "run it again"}, json, 130);
    } catch (const std::bad_alloc&) {
      return report({"out of memory", verbs[i]->name(), "use a smaller --limit, or a machine with more memory"}, json,
                    1);
    }
  }
  return 2;
}
