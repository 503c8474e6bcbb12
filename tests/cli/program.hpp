// Runs a program as a user would, for the end-to-end tests: its output, its exit code, never longer than `timeout`.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace syn::test {

struct Ended {
  int code = -1;           // exit code; 128 + n when a signal n ended it
  bool timed_out = false;  // it had to be killed
  std::string out, err;
};

// A program that was started and not waited for yet; killed when the object goes.
class Program {
 public:
  explicit Program(std::vector<std::string> words);
  Program(const Program&) = delete;
  ~Program();
  pid_t pid() const { return pid_; }
  void signal(int number) const;
  bool running();
  // Waits until standard error holds `text`; false when the program ended without it, or after `timeout`.
  bool wait_for_error(const std::string& text, std::chrono::seconds timeout = std::chrono::seconds(60));
  Ended wait(std::chrono::seconds timeout = std::chrono::seconds(120));

 private:
  std::filesystem::path out_, err_;
  pid_t pid_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

// build/.../bin/synfire with these words.
Ended synfire(std::vector<std::string> words, std::chrono::seconds timeout = std::chrono::seconds(120));
std::string binary(const std::string& name);

// A folder that goes with the test.
class Folder {
 public:
  Folder();
  ~Folder();
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& content) const;

 private:
  std::filesystem::path path_;
};
std::string read(const std::string& path);

}  // namespace syn::test
