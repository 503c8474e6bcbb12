// `synfire train` and `synfire distill`: handed to `synfire-trainer`, the one program that needs libtorch. It takes
// this process over, so that its progress, JSON, signals and exit code are its own.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/executables.hpp"
#include "cli/verb.hpp"
#include "core/text.hpp"

namespace syn::cli {

namespace {

class Training final : public Verb {
 public:
  Training(const char* name, const char* summary, const char* example)
      : name_(name), summary_(summary), example_(example) {}
  const char* name() const override { return name_; }
  const char* summary() const override { return summary_; }
  const char* example() const override { return example_; }
  void declare(CLI::App& app) override {
    app.set_help_flag();  // the trainer's own --help knows the options
    app.allow_extras();
    app_ = &app;
  }

  Expected<Answer> run(Terminal&) override {
    const std::string program = executable("synfire-trainer");
    std::vector<std::string> words{program, name_};
    for (const std::string& word : app_->remaining()) words.push_back(word);
    if (app_->count("--json") > 0) words.push_back("--json");
    if (!std::filesystem::exists(program)) {
      const bool asks_help = std::find(words.begin(), words.end(), "--help") != words.end();
      return fail(text::cat("training needs synfire-trainer, which is not built",
                            asks_help ? " (its --help lists the options)" : ""),
                  program,
                  "install libtorch-dev and build it: ./run-tests builds everything, or cmake --preset dev && cmake "
                  "--build --preset dev; "
                  "then build/dev/bin/synfire train");
    }
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execv(program.c_str(), arguments.data());
    return fail(text::cat("synfire-trainer cannot be started: ", std::strerror(errno)), program, "check its rights");
  }

 private:
  const char* name_;
  const char* summary_;
  const char* example_;
  CLI::App* app_ = nullptr;
};

}  // namespace

std::unique_ptr<Verb> make_train() {
  return std::make_unique<Training>("train", "train a network from a data set (runs synfire-trainer)",
                                    "synfire train --help");
}
std::unique_ptr<Verb> make_distill() {
  return std::make_unique<Training>("distill", "distil a teacher into a student (runs synfire-trainer)",
                                    "synfire distill --help");
}

}  // namespace syn::cli
