// `synfire eval --data events:FOLDER`: labelled recordings as live streams, one window a step.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/live.hpp"
#include "cli/verb.hpp"
#include "conversion/data/dataset.hpp"

namespace CLI {
class App;
}

namespace syn::cli {

// --window, --steps, --margin
struct StreamOptions {
  void declare(CLI::App& app);
  bool any() const { return !window.empty() || steps > 0 || !margins.empty(); }

  std::string window;
  std::uint64_t steps = 0;  // 0: to the recording's end
  std::vector<double> margins;
};

// Throws UsageError where neither the model nor the options say how long a step is.
Expected<Answer> evaluate_streams(std::unique_ptr<Live> network, const std::string& folder, data::Split split,
                                  std::optional<std::size_t> limit, const StreamOptions& options, std::uint32_t threads,
                                  Terminal& terminal);

}  // namespace syn::cli
