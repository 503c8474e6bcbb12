// Daemons as child processes of this one, on loopback: what `synfire run --nodes N` starts. They end with their parent,
// however it ends.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/types.hpp"

namespace syn::daemon {

struct Child {
  std::string name;
  pid_t pid = -1;
  std::string address;        // "tcp://127.0.0.1:40123", as the child said when it was ready
  std::filesystem::path log;  // its standard error
};

class Children {
 public:
  Children() = default;
  Children(Children&&) noexcept = default;
  Children& operator=(Children&&) = delete;
  ~Children();  // ends those still running: SIGKILL

  // Starts `program CONFIG --ready-fd 3` and returns at once. The log is created beside the configuration.
  Expected<> start(const std::string& program, const std::string& name, const std::filesystem::path& config);
  // Waits until every child has said where it listens. A child that ended instead, or says nothing in time, is an
  // error with the last lines of its log.
  Expected<> wait_until_ready(Duration timeout);
  // SIGTERM to all, then up to `grace` for them to end, then SIGKILL.
  void stop(Duration grace);

  const std::vector<Child>& all() const { return children_; }
  // How a child ended ("killed by signal 9"), if it has; empty: it runs.
  std::string ended(const std::string& name);

 private:
  std::vector<Child> children_;
  std::vector<int> ready_;          // read ends, one per child; -1 once used
  std::vector<std::string> ended_;  // how each ended; empty: not yet
  void reap(std::size_t i);
};

// A folder of one's own under the system's temporary folder, rights 0700, removed with its content at the end.
class ScratchFolder {
 public:
  static Expected<ScratchFolder> make(const std::string& prefix);
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace syn::daemon
