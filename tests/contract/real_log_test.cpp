#include <doctest/doctest.h>

#include <memory>

#include "tests/contract/log_contract.hpp"
#include "transport/stderr_log.hpp"

using namespace syn;

namespace {
struct World {
  explicit World(StderrLog::Format format)
      : real({.format = format, .least = Level::info, .node = "pi-1"}, [this](std::string_view line) {
          CHECK(line.ends_with('\n'));
          kept.emplace_back(line.substr(0, line.size() - 1));
        }) {}
  std::vector<std::string> kept;
  StderrLog real;
  Log& log() { return real; }
  std::vector<std::string> lines() const { return kept; }
};
}  // namespace

TEST_CASE("text lines keep the contract of logs") {
  contract::log_contract([] { return std::make_unique<World>(StderrLog::Format::text); });
}
TEST_CASE("JSON lines keep the contract of logs") {
  contract::log_contract([] { return std::make_unique<World>(StderrLog::Format::json); });
}
