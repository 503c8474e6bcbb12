// What the command line says about event recordings: how they are opened, filtered and cut into windows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conversion/data/events/filters.hpp"
#include "conversion/data/events/open.hpp"
#include "conversion/data/events/windows.hpp"

namespace CLI {
class App;
}

namespace syn::cli {

// --format, --sensor, --chip, --columns, --time-unit, --sample-index, --node, --order, --order-bound, --outside. Wrong
// values throw UsageError.
struct OpeningOptions {
  void declare(CLI::App& app);
  data::OpenOptions options() const;

 private:
  std::size_t sample_ = 0;
  std::string node_;
  std::string format_, sensor_, chip_, columns_, time_unit_ = "auto", order_ = "refuse", bound_ = "10ms",
                                                 outside_ = "refuse";
};

// --from, --for, --hot-pixels, --refractory, --denoise, --crop, --downsample, --downsample-by, --polarity: done in this
// order, which is that of a camera: what a pixel does comes before where it lies.
struct FilteringOptions {
  void declare(CLI::App& app);
  bool any() const;
  // Looking for hot pixels reads the file once more.
  Expected<std::unique_ptr<data::EventReader>> around(std::unique_ptr<data::EventReader> reader,
                                                      const std::string& file, const data::OpenOptions& opening) const;

 private:
  std::string from_, for_, refractory_, denoise_, polarity_ = "both", by_ = "sum";
  std::vector<std::uint32_t> crop_;
  std::uint32_t factor_ = 1;
  double hot_sigmas_ = 0;
};

// --window, --window-events, --steps
struct WindowingOptions {
  void declare(CLI::App& app);
  std::optional<data::WindowOptions> options() const;  // absent: no windows are asked for

 private:
  std::string duration_;
  std::uint64_t events_ = 0, steps_ = 0;
};

}  // namespace syn::cli
