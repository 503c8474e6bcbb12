// The service file is checked by systemd's own tool, where it is installed.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace fs = std::filesystem;

TEST_CASE("the systemd unit is one that systemd accepts") {
  if (std::system("command -v systemd-analyze >/dev/null 2>&1") != 0) {
    MESSAGE("skipped: systemd-analyze is not installed");
    return;
  }
  std::stringstream unit;
  unit << std::ifstream(std::string(SYN_SOURCE_DIR) + "/deploy/systemd/synfired.service").rdbuf();
  std::string text = unit.str();
  REQUIRE_FALSE(text.empty());
  const std::string program = "/usr/bin/synfired", stand_in = "/bin/true";  // verify wants a program that exists
  text.replace(text.find(program), program.size(), stand_in);
  const fs::path copy = fs::temp_directory_path() / "synfire-unit-test";
  fs::create_directories(copy);
  std::ofstream(copy / "synfired.service") << text;
  const std::string command = "systemd-analyze verify --man=no '" + (copy / "synfired.service").string() + "' >'" +
                              (copy / "said").string() + "' 2>&1";
  const int code = std::system(command.c_str());
  std::stringstream said;
  said << std::ifstream(copy / "said").rdbuf();
  CHECK_MESSAGE(code == 0, said.str());
  CHECK_MESSAGE(said.str().find("synfired.service") == std::string::npos, said.str());
  std::error_code ignored;
  fs::remove_all(copy, ignored);
}
