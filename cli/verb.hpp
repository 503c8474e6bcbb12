// What a verb of `synfire` is: it declares its options, then runs and answers. Printing, exit codes and --json are
// done once, in main.cpp, for all of them.
#pragma once

#include <memory>
#include <string>

#include "cli/terminal.hpp"
#include "core/error.hpp"

namespace CLI {
class App;
}

namespace syn::cli {

// What a verb answers. `json` is one JSON object; `text` is for people. A job that ran but failed (some inferences
// ended as errors, say) has both figures and an error; its exit code is 1.
struct Answer {
  std::string json;
  std::string text;
  Error error;  // empty `what`: none
};

// Thrown by a verb that was interrupted and has tidied up (children ended): exit code 130.
struct Interrupted {};

class Verb {
 public:
  virtual ~Verb() = default;
  virtual const char* name() const = 0;
  virtual const char* summary() const = 0;
  virtual const char* example() const = 0;  // a command line that works, shown by --help
  virtual void declare(CLI::App& app) = 0;
  virtual Expected<Answer> run(Terminal& terminal) = 0;
};

std::unique_ptr<Verb> make_bench();
std::unique_ptr<Verb> make_convert();
std::unique_ptr<Verb> make_data();
std::unique_ptr<Verb> make_distill();
std::unique_ptr<Verb> make_eval();
std::unique_ptr<Verb> make_events();
std::unique_ptr<Verb> make_export();
std::unique_ptr<Verb> make_infer();
std::unique_ptr<Verb> make_inspect();
std::unique_ptr<Verb> make_keygen();
std::unique_ptr<Verb> make_learn();
std::unique_ptr<Verb> make_plan();
std::unique_ptr<Verb> make_quickstart();
std::unique_ptr<Verb> make_run();
std::unique_ptr<Verb> make_sim();
std::unique_ptr<Verb> make_train();

}  // namespace syn::cli
