#include "cli/machine.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "core/text.hpp"

namespace syn::cli {

namespace {

// x86 names its processor "model name"; arm64 kernels name none, but boards have a device tree.
std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) {
      const auto colon = line.find(": ");
      if (colon != std::string::npos) return line.substr(colon + 2);
    }
  }
  std::ifstream board("/proc/device-tree/model");
  std::string name{std::istreambuf_iterator<char>(board), {}};
  while (!name.empty() && name.back() == '\0') name.pop_back();
  return name.empty() ? "unknown processor" : name;
}

// As it could be typed again: words that a shell would split or expand are quoted.
std::string command_line() {
  std::ifstream in("/proc/self/cmdline", std::ios::binary);
  const std::string words{std::istreambuf_iterator<char>(in), {}};
  static constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./:,=@%";
  std::string line;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t end = std::min(words.find('\0', at), words.size());
    const std::string word = words.substr(at, end - at);
    if (!line.empty()) line += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
      line += word;
    } else {
      line += '\'';
      for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
      line += '\'';
    }
    at = end + 1;
  }
  return line;
}

std::string now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char buffer[32];
  std::strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M UTC", &utc);
  return buffer;
}

}  // namespace

std::vector<report::Fact> this_run() {
  const double memory = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGE_SIZE));
  utsname system{};
  ::uname(&system);
  return {{"command", command_line()},
          {"version", text::cat("synfire ", SYN_VERSION)},
          {"machine", text::cat(processor(), ", ", std::thread::hardware_concurrency(), " hardware threads, ",
                                text::bytes(memory), ", ", system.sysname, " ", system.machine)},
          {"written", now()}};
}

}  // namespace syn::cli
