#include "nodes/daemon/children.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "core/text.hpp"

namespace syn::daemon {

namespace fs = std::filesystem;

namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr int kReadyFd = 3;

std::string last_lines(const fs::path& log, std::size_t bytes = 600) {
  std::ifstream in(log, std::ios::binary | std::ios::ate);
  if (!in) return "";
  const auto size = static_cast<std::size_t>(in.tellg());
  in.seekg(static_cast<std::streamoff>(size > bytes ? size - bytes : 0));
  std::string text(std::min(size, bytes), '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  return text;
}

std::string describe(int status) {
  if (WIFSIGNALED(status)) return text::cat("killed by signal ", WTERMSIG(status));
  return text::cat("exit code ", WEXITSTATUS(status));
}

// In the child, between fork and exec: only what is safe there.
[[noreturn]] void become(char* const* arguments, int log, int ready, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // the parent was gone before the line above
  ::setpgid(0, 0);                          // Ctrl-C is for the parent, which then ends its children in order
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  if (ready == kReadyFd) {
    ::fcntl(ready, F_SETFD, 0);
  } else {
    ::dup2(ready, kReadyFd);
  }
  ::execv(arguments[0], arguments);
  static constexpr char kMessage[] = "cannot be started: no such program\n";
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  ::_exit(127);
}

}  // namespace

Children::~Children() {
  for (std::size_t i = 0; i < children_.size(); ++i) {
    reap(i);
    if (ended_[i].empty()) ::kill(children_[i].pid, SIGKILL);
  }
  for (std::size_t i = 0; i < children_.size(); ++i) {
    if (ended_[i].empty()) ::waitpid(children_[i].pid, nullptr, 0);
    if (ready_[i] >= 0) ::close(ready_[i]);
  }
}

Expected<> Children::start(const std::string& program, const std::string& name, const fs::path& config) {
  Child child{.name = name, .pid = -1, .address = "", .log = fs::path(config).replace_extension(".log")};
  const int log = ::open(child.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  int ready[2] = {-1, -1};
  if (log < 0 || ::pipe2(ready, O_CLOEXEC) != 0) {
    const std::string reason = std::strerror(errno);
    if (log >= 0) ::close(log);
    return fail("a daemon cannot be started: " + reason, name, "check free space and the limit of open files");
  }
  const std::string config_text = config.string(), fd = text::cat(kReadyFd);
  std::vector<std::string> words{program, config_text, "--ready-fd", fd};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  child.pid = ::fork();
  if (child.pid == 0) become(arguments.data(), log, ready[1], parent);
  ::close(log);
  ::close(ready[1]);
  if (child.pid < 0) {
    ::close(ready[0]);
    return fail(text::cat("a daemon cannot be started: ", std::strerror(errno)), name, "check the limit of processes");
  }
  children_.push_back(std::move(child));
  ready_.push_back(ready[0]);
  ended_.emplace_back();
  return {};
}

Expected<> Children::wait_until_ready(Duration timeout) {
  const auto until = SteadyClock::now() + timeout;
  for (std::size_t i = 0; i < children_.size(); ++i) {
    Child& child = children_[i];
    std::string said;
    while (said.find('\n') == std::string::npos) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - SteadyClock::now()).count();
      pollfd poll{.fd = ready_[i], .events = POLLIN, .revents = 0};
      const int some = left > 0 ? ::poll(&poll, 1, static_cast<int>(left)) : 0;
      if (some < 0 && errno == EINTR) continue;
      if (some <= 0) {
        return fail(text::cat("the daemon '", child.name, "' did not become ready in time"), child.log.string(),
                    text::cat("its last words: ", last_lines(child.log)));
      }
      char buffer[512];
      const ssize_t got = ::read(ready_[i], buffer, sizeof buffer);
      if (got <= 0) {
        int status = 0;
        ::waitpid(child.pid, &status, 0);
        ended_[i] = describe(status);
        return fail(text::cat("the daemon '", child.name, "' ended before it was ready (", ended_[i], ")"), "synfired",
                    text::cat("its last words: ", last_lines(child.log)));
      }
      said.append(buffer, static_cast<std::size_t>(got));
    }
    child.address = said.substr(0, said.find('\n'));
    ::close(ready_[i]);
    ready_[i] = -1;
  }
  return {};
}

void Children::reap(std::size_t i) {
  int status = 0;
  if (ended_[i].empty() && ::waitpid(children_[i].pid, &status, WNOHANG) == children_[i].pid)
    ended_[i] = describe(status);
}

std::string Children::ended(const std::string& name) {
  for (std::size_t i = 0; i < children_.size(); ++i) {
    if (children_[i].name != name) continue;
    reap(i);
    return ended_[i];
  }
  return "";
}

void Children::stop(Duration grace) {
  const auto until = SteadyClock::now() + grace;
  for (std::size_t i = 0; i < children_.size(); ++i) {
    reap(i);
    if (ended_[i].empty()) ::kill(children_[i].pid, SIGTERM);
  }
  for (bool running = true; running && SteadyClock::now() < until;) {
    running = false;
    for (std::size_t i = 0; i < children_.size(); ++i) {
      reap(i);
      running |= ended_[i].empty();
    }
    if (running) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (std::size_t i = 0; i < children_.size(); ++i) {
    reap(i);
    if (!ended_[i].empty()) continue;
    ::kill(children_[i].pid, SIGKILL);
    ::waitpid(children_[i].pid, nullptr, 0);
    ended_[i] = "killed by signal 9";
  }
}

Expected<ScratchFolder> ScratchFolder::make(const std::string& prefix) {
  std::error_code trouble;
  const fs::path base = fs::temp_directory_path(trouble);
  std::string pattern = (base / (prefix + "XXXXXX")).string();
  if (trouble || ::mkdtemp(pattern.data()) == nullptr) {
    return fail("no temporary folder can be made", base.string(), "set TMPDIR to a folder that can be written");
  }
  return ScratchFolder(fs::path(pattern));
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace syn::daemon
