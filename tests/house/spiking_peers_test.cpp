// bench/spiking_peers needs packages that the build does not; that it starts, explains itself and finds its parts needs
// only Python.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

struct Ended {
  int code = -1;
  std::string said;
};
Ended run(const std::string& arguments) {
  const std::string command = std::string("cd '") + SYN_SOURCE_DIR +
                              "' && PYTHONDONTWRITEBYTECODE=1 bench/spiking_peers " + arguments + " 2>&1";
  Ended ended;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) return ended;
  char part[4096];
  while (const std::size_t n = std::fread(part, 1, sizeof part, pipe)) ended.said.append(part, n);
  ended.code = ::pclose(pipe);
  return ended;
}

}  // namespace

TEST_CASE("the bench of spiking peers explains itself, and says what it would need") {
  if (std::system("test -x /usr/bin/python3") != 0) {
    MESSAGE("skipped: there is no /usr/bin/python3");
    return;
  }
  const Ended help = run("--help");
  CHECK_MESSAGE(help.code == 0, help.said);
  for (const char* word : {"recurrent", "nmnist", "student", "cost", "python3-brian", "--rounds"})
    CHECK_MESSAGE(help.said.find(word) != std::string::npos, help.said);
  const Ended dry = run("--dry-run --bin /nowhere");
  CHECK_MESSAGE(dry.code == 0, dry.said);
  CHECK_MESSAGE(dry.said.find("missing  /nowhere/synfire") != std::string::npos, dry.said);
  const Ended wrong = run("--only chess");
  CHECK_MESSAGE(wrong.code != 0, wrong.said);
  const Ended absent = run("--only recurrent --bin /nowhere");
  CHECK_MESSAGE(absent.code != 0, absent.said);
  CHECK_MESSAGE(absent.said.find("build it") != std::string::npos, absent.said);
}
