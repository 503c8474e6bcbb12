// `synfired`, the daemon on every node: synfired NODE.toml [--check] [--ready-fd N]
// Exit codes: 0 ended as told, 1 failed, 2 wrong configuration or command line.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <string>

#include "nodes/daemon/config.hpp"
#include "nodes/daemon/daemon.hpp"

namespace {

constexpr const char* kHelp =
    "synfired " SYN_VERSION
    ": one node of a Synfire mesh\n\n"
    "usage: synfired NODE.toml [--check] [--ready-fd N]\n\n"
    "  --check       only read the configuration and its key, then end\n"
    "  --ready-fd N  write the address it listens on to this file descriptor when ready\n"
    "  --version\n\n"
    "The configuration is described in docs/operating.md; keys are made by `synfire keygen`.\n"
    "SIGTERM finishes what is in flight within `drain`; a second one ends at once.\n\n"
    "Example:\n  synfired /etc/synfire/node.toml\n";

int complain(const syn::Error& error, int code) {
  std::fprintf(stderr, "synfired: %s\n  where: %s\n  do:    %s\n", error.what.c_str(), error.where.c_str(),
               error.todo.c_str());
  return code;
}

int wrong_use(const std::string& what) {
  return complain({what, "the command line", "see: synfired --help"}, 2);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::optional<std::string> file;
  bool check = false;
  int ready_fd = -1;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--help" || word == "-h") return std::fputs(kHelp, stdout), 0;
    if (word == "--version") return std::puts("synfired " SYN_VERSION), 0;
    if (word == "--check") {
      check = true;
    } else if (word == "--ready-fd" && i + 1 < argc) {
      char* end = nullptr;
      const long fd = std::strtol(argv[++i], &end, 10);
      if (*end != '\0' || fd < 3 || fd > 1023) return wrong_use("--ready-fd takes a file descriptor from 3 to 1023");
      ready_fd = static_cast<int>(fd);
    } else if (word.starts_with("-")) {
      return wrong_use("unknown option " + word);
    } else if (file) {
      return wrong_use("there is one configuration only");
    } else {
      file = word;
    }
  }
  if (!file) return wrong_use("the configuration is missing");
  const auto config = syn::daemon::read_node_config(*file);
  if (!config) return complain(config.error(), 2);
  try {
    const auto ended = check ? syn::daemon::check_daemon(*config) : syn::daemon::run_daemon(*config, ready_fd);
    return ended ? *ended : complain(ended.error(), 2);
  } catch (const std::bad_alloc&) {
    return complain({"out of memory", config->name, "lower `memory` in the configuration, or free some"}, 1);
  }
}
