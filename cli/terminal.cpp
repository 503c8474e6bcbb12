#include "cli/terminal.hpp"

#include <unistd.h>

#include <cstdio>

#include "core/text.hpp"

namespace syn::cli {

namespace {
constexpr std::uint64_t kBarWidth = 30;

double seconds_between(std::chrono::steady_clock::time_point a, std::chrono::steady_clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}
}  // namespace

Terminal::Terminal() : is_terminal_(::isatty(STDERR_FILENO) == 1) {}

Terminal Terminal::silent() {
  Terminal terminal;
  terminal.silent_ = true;
  return terminal;
}

void Terminal::line(std::string_view text) {
  if (silent_) return;
  if (!current_.empty() && is_terminal_) std::fputs("\r\033[K", stderr);
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
}

void Terminal::progress(std::string_view what, std::uint64_t done, std::uint64_t total) {
  if (silent_) return;
  const auto now = std::chrono::steady_clock::now();
  const bool fresh = current_ != what;
  if (fresh) {
    current_ = what;
    began_ = now;
    if (!is_terminal_) std::fprintf(stderr, "%s ...\n", current_.c_str());
  }
  const bool ended = done >= total;
  if (is_terminal_ && (fresh || ended || seconds_between(drawn_, now) >= 0.1)) {
    drawn_ = now;
    draw(what, done, total, seconds_between(began_, now));
  }
  if (ended) {
    const std::string took = text::fixed(seconds_between(began_, now), 1);
    if (is_terminal_) {
      std::fprintf(stderr, "\n");
    } else {
      std::fprintf(stderr, "%s: %s in %s s\n", current_.c_str(),
                   text::grouped(static_cast<std::int64_t>(total)).c_str(), took.c_str());
    }
    current_.clear();
  }
}

void Terminal::draw(std::string_view what, std::uint64_t done, std::uint64_t total, double seconds) {
  const std::uint64_t filled = total == 0 ? kBarWidth : kBarWidth * done / total;
  std::string bar;
  for (std::uint64_t i = 0; i < kBarWidth; ++i) bar += i < filled ? "█" : "░";
  std::string tail =
      text::cat(text::grouped(static_cast<std::int64_t>(done)), "/", text::grouped(static_cast<std::int64_t>(total)));
  if (done > 0 && seconds > 0.5) {
    const double rate = static_cast<double>(done) / seconds;
    tail += text::cat("  ", text::fixed(rate, rate < 10 ? 1 : 0), "/s");
    if (done < total) tail += text::cat("  ", text::fixed(static_cast<double>(total - done) / rate, 0), " s left");
  }
  std::fprintf(stderr, "\r\033[K%-24.*s %s %s", static_cast<int>(what.size()), what.data(), bar.c_str(), tail.c_str());
  std::fflush(stderr);
}

}  // namespace syn::cli
