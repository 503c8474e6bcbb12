#include "core/assert.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace syn {

TEST_CASE("an assertion that holds evaluates its condition once and does nothing") {
  int evaluated = 0;
  SYN_ASSERT(++evaluated == 1, evaluated);
  CHECK(evaluated == 1);
}

TEST_CASE("a broken assertion names the condition and the values, and aborts") {
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(pipe_ends[1], 2);
    ::signal(SIGABRT, SIG_DFL);  // doctest's handler would report the abort as its own
    const int apples = 3;
    SYN_ASSERT(apples == 4, apples, "pears");
    ::_exit(0);
  }
  ::close(pipe_ends[1]);
  std::string said;
  char buffer[256];
  for (ssize_t n; (n = ::read(pipe_ends[0], buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<std::size_t>(n));
  ::close(pipe_ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(said.find("apples == 4 is false") != std::string::npos);
  CHECK(said.find(" 3 pears") != std::string::npos);
}

}  // namespace syn
