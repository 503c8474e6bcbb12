#include "transport/stderr_log.hpp"

#include <unistd.h>

#include <chrono>
#include <ctime>

#include "core/utf8.hpp"

namespace syn {

namespace {

constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};

// 2026-03-01T12:00:00.123Z
std::string wall_time() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char buffer[32];
  const std::size_t n = std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%S.", &parts);
  std::string out(buffer, n);
  out += static_cast<char>('0' + ms / 100);
  out += static_cast<char>('0' + ms / 10 % 10);
  out += static_cast<char>('0' + ms % 10);
  return out + 'Z';
}

// JSON's escapes; whatever a peer or a file name put into a field, a line stays one line of UTF-8.
void append_quoted(std::string& out, std::string_view value) {
  out += '"';
  for (const char c : clean_utf8(value, value.size())) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += "\\u00";
          out += text::hex(std::string_view(&c, 1));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

bool plain(std::string_view value) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/+-%";
  return !value.empty() && value.find_first_not_of(kPlain) == std::string_view::npos;
}

// What JSON has no number for.
bool finite_number(std::string_view value) {
  return value.find_first_not_of("0123456789+-.e") == std::string_view::npos || value == "true" || value == "false";
}

void write_stderr(std::string_view line) {
  while (!line.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
    if (n <= 0) return;  // nobody to tell
    line.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

StderrLog::StderrLog(Options options, Sink sink)
    : options_(std::move(options)), sink_(sink ? std::move(sink) : Sink(write_stderr)) {}

void StderrLog::event(Level level, std::string_view name, std::initializer_list<Field> fields) {
  if (level < options_.least) return;
  const std::string_view level_name = kLevels[static_cast<std::size_t>(level)];
  std::string line;
  if (options_.format == Format::json) {
    line = text::cat("{\"time\":\"", wall_time(), "\",\"level\":\"", level_name, "\",\"event\":");
    append_quoted(line, name);
    if (!options_.node.empty()) append_quoted(line += ",\"node\":", options_.node);
    for (const Field& field : fields) {
      append_quoted(line += ',', field.name);
      line += ':';
      if (field.quoted || !finite_number(field.value)) {
        append_quoted(line, field.value);
      } else {
        line += field.value;
      }
    }
    line += "}\n";
  } else {
    line = text::cat(wall_time(), ' ', level_name);
    if (!options_.node.empty()) line += text::cat(' ', options_.node);
    line += text::cat(' ', name);
    for (const Field& field : fields) {
      line += text::cat(' ', field.name, '=');
      if (plain(field.value)) {
        line += field.value;
      } else {
        append_quoted(line, field.value);
      }
    }
    line += '\n';
  }
  const std::lock_guard lock(mutex_);
  sink_(line);
}

}  // namespace syn
