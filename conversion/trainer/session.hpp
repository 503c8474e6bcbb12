// One use of synfire-trainer, from the request to the exit code: loading, the progress line, Ctrl-C, the files and the
// figures at the end. The test split is touched once, after the last epoch.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "conversion/trainer/settings.hpp"
#include "core/error.hpp"

namespace syn::train {

struct Request {
  std::vector<std::string> command;  // as typed, for the card
  Settings settings;
  std::string data = "fashion-mnist";  // or events:FOLDER, for which settings.framing is set
  std::string test_data;               // empty: the test split of `data`
  std::optional<std::size_t> limit;
  std::filesystem::path output, checkpoint, card, teacher;  // all but the first may be empty
  int threads = 0;
  bool json = false;

  // True before the command line is parsed too, so that wrong use is answered in the form that was asked for.
  bool wants_json() const;
};

// What the run came to; one source for the JSON object, the text and the card.
struct Result {
  std::string architecture, about, data, description;
  std::int64_t parameters = 0, macs = 0;
  std::int64_t epochs = 0, best_epoch = 0;
  std::size_t train_images = 0, validation_images = 0, test_images = 0, test_correct = 0;
  double validation_accuracy = -1;
  double seconds = 0;  // of this use, not of the runs it continued
  std::string sha256;
  std::string torch_version;
  double test_accuracy() const {
    return test_images == 0 ? 0 : static_cast<double>(test_correct) / static_cast<double>(test_images);
  }
};

int run(const Request& request);
int report_error(const Error& error, bool json, int exit_code);  // returns `exit_code`

std::string card(const Request& request, const Result& result);

}  // namespace syn::train
