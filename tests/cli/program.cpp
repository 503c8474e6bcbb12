#include "tests/cli/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

namespace syn::test {

namespace fs = std::filesystem;

namespace {
fs::path scratch_name(const std::string& what) {
  static std::atomic<int> next = 0;
  return fs::temp_directory_path() /
         ("synfire-test-" + std::to_string(::getpid()) + "-" + std::to_string(next++) + what);
}
}  // namespace

Program::Program(std::vector<std::string> words) : out_(scratch_name(".out")), err_(scratch_name(".err")) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
    ::dup2(::open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
    ::dup2(::open(err_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
}

Program::~Program() {
  if (running()) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, &status_, 0);
  }
  std::error_code ignored;
  fs::remove(out_, ignored);
  fs::remove(err_, ignored);
}

void Program::signal(int number) const {
  ::kill(pid_, number);
}

bool Program::running() {
  if (!ended_ && ::waitpid(pid_, &status_, WNOHANG) == pid_) ended_ = true;
  return !ended_;
}

bool Program::wait_for_error(const std::string& text, std::chrono::seconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (read(err_.string()).find(text) == std::string::npos) {
    if (!running() || std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

Ended Program::wait(std::chrono::seconds timeout) {
  Ended result;
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (running()) {
    if (std::chrono::steady_clock::now() > until) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, &status_, 0);
      ended_ = result.timed_out = true;
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  result.code = WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
  result.out = read(out_.string());
  result.err = read(err_.string());
  return result;
}

std::string binary(const std::string& name) {
  return std::string(SYN_BINARY_DIR) + "/bin/" + name;
}

Ended synfire(std::vector<std::string> words, std::chrono::seconds timeout) {
  words.insert(words.begin(), binary("synfire"));
  return Program(std::move(words)).wait(timeout);
}

Folder::Folder() : path_(scratch_name("")) {
  fs::create_directories(path_);
}
Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}
std::string Folder::write(const std::string& name, const std::string& content) const {
  const std::string path = *this / name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream content;
  content << in.rdbuf();
  return content.str();
}

}  // namespace syn::test
