#include <algorithm>

#include "conversion/trainer/session.hpp"
#include "core/text.hpp"

namespace syn::train {
namespace {

std::string percent(double share) {
  return text::fixed(100 * share, 2) + " %";
}

// The command as it may be typed again: the program by its name, words with blanks quoted.
std::string typed(const std::vector<std::string>& command) {
  std::string out;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const std::string word = i == 0 ? std::filesystem::path(command[i]).filename().string() : command[i];
    const bool quote = word.empty() || word.find_first_of(" \t'\"$*") != std::string::npos;
    out += (i ? " " : "") + (quote ? "\"" + word + "\"" : word);
  }
  return out;
}

}  // namespace

std::string card(const Request& request, const Result& r) {
  std::string out = text::cat("# ", request.output.stem().string(), "\n\n", r.about, ".\n\n");
  const auto row = [&](const char* name, const std::string& value) {
    out += text::cat("| ", name, " | ", value, " |\n");
  };
  out += "| | |\n|---|---|\n";
  row("file", text::cat("`", request.output.filename().string(), "`, SHA-256 `", r.sha256, "`"));
  row("architecture", text::cat("`", r.architecture, "`"));
  row("parameters", text::grouped(r.parameters));
  const auto& framing = request.settings.framing;
  const std::string things = framing ? "recordings" : "images";
  row(framing ? "multiply-adds a step, were every neuron to fire" : "multiply-adds an image", text::grouped(r.macs));
  row("data", text::cat(r.data, ": ", text::grouped(static_cast<std::int64_t>(r.train_images)), " ", things,
                        " to learn from, ", text::grouped(static_cast<std::int64_t>(r.validation_images)),
                        " held out, ", text::grouped(static_cast<std::int64_t>(r.test_images)), " to test"));
  if (framing) {
    row("input", text::cat("events counted by pixel and polarity, ", framing->steps, " steps of ",
                           static_cast<double>(framing->window_us) / 1000, " ms"));
    row("neurons", "integrate and fire: v += input; a spike above 1, which is subtracted; at most one a step");
  } else {
    row("input",
        request.settings.scaling.mean == 0 && request.settings.scaling.deviation == 1
            ? "pixel / 255"
            : text::cat("(pixel / 255 - ", request.settings.scaling.mean, ") / ", request.settings.scaling.deviation));
  }
  row("validation accuracy", r.validation_accuracy < 0 ? "none held out" : percent(r.validation_accuracy));
  row("test accuracy", text::cat(percent(r.test_accuracy()), " (", r.test_correct, " of ", r.test_images, ")"));
  row("kept",
      text::cat("the averaged weights after epoch ", r.best_epoch, " of ", r.epochs,
                ", chosen by validation accuracy; the test ", things, " were looked at once, after the last epoch"));
  row("seed", text::cat(request.settings.seed));
  row("settings", r.description);
  row("libtorch", r.torch_version);
  out += text::cat("\nMade by\n\n```\n", typed(request.command), "\n```\n");
  return out;
}

}  // namespace syn::train
