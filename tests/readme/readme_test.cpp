// Every command of the README is run, in order, as a reader would type them: each ```sh block is one shell, started in
// the repository. `./run-tests` itself is the one exception: it is what runs this test.
#include <doctest/doctest.h>

#include <sstream>

#include "tests/cli/program.hpp"

namespace {

std::vector<std::string> shell_blocks(const std::string& markdown) {
  std::vector<std::string> blocks;
  std::istringstream lines(markdown);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (!inside && line == "```sh") {
      inside = true;
      blocks.emplace_back();
    } else if (inside && line.starts_with("```")) {
      inside = false;
    } else if (inside && line != "./run-tests") {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

}  // namespace

TEST_CASE("every command of the README works") {
  const std::string root = SYN_SOURCE_DIR;
  const auto blocks = shell_blocks(syn::test::read(root + "/README.md"));
  REQUIRE(blocks.size() >= 4);
  std::size_t commands = 0;
  for (const std::string& block : blocks) {
    if (block.find_first_not_of(" \n") == std::string::npos) continue;
    ++commands;
    // Whatever a block leaves in the background ends with it.
    const std::string script =
        "set -euo pipefail\ncd '" + root + "'\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n" + block;
    const auto ended = syn::test::Program({"/bin/bash", "-c", script}).wait(std::chrono::seconds(1200));
    CHECK_MESSAGE(ended.code == 0, block << "\n" << ended.out << ended.err);
    CHECK_FALSE(ended.timed_out);
  }
  CHECK(commands >= 4);
}
