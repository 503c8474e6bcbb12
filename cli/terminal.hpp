// Standard error, for people: progress bars and lines. Standard output belongs to the answer alone (main.cpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace syn::cli {

class Terminal {
 public:
  // A bar needs a terminal; elsewhere (a log, a pipe) each job prints one line when it begins and one when it ends.
  Terminal();
  // Says nothing: for work whose progress is part of something larger.
  static Terminal silent();

  void line(std::string_view text);

  // Where `done` of `total` stands, drawn at most ten times a second; the last call (done == total) ends the bar.
  // Any thread may call it, one at a time.
  void progress(std::string_view what, std::uint64_t done, std::uint64_t total);

 private:
  void draw(std::string_view what, std::uint64_t done, std::uint64_t total, double seconds);

  bool is_terminal_, silent_ = false;
  std::string current_;  // what the bar now on the screen is about; empty: none
  std::chrono::steady_clock::time_point began_{}, drawn_{};
};

}  // namespace syn::cli
