// Events as lines of text or JSON, on standard error unless another sink is given. The only place that reads wall
// time. A line goes out in one write, so that lines of several processes do not mix.
#pragma once

#include <functional>
#include <mutex>

#include "core/log.hpp"

namespace syn {

class StderrLog final : public Log {
 public:
  enum class Format { text, json };
  struct Options {
    Format format = Format::text;
    Level least = Level::info;
    std::string node;  // said in every line if not empty
  };
  using Sink = std::function<void(std::string_view line)>;  // a whole line with its newline

  explicit StderrLog(Options options, Sink sink = {});
  void event(Level level, std::string_view name, std::initializer_list<Field> fields) override;

 private:
  Options options_;
  Sink sink_;
  std::mutex mutex_;  // jobs on other threads may log
};

}  // namespace syn
