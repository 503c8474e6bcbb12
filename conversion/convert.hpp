// From a trained network to an integer spiking one (design.md, section 4: "Integer rules", "Inputs", "Readout",
// "Conversion is reproducible too"). The same graph, images and options give the same model on any machine and with any
// number of threads. docs/conversion.md says what converts, by which rule, and what is refused by name.
// Deliberately not here: files, retraining, pruning.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "conversion/ann/graph.hpp"
#include "conversion/data/dataset.hpp"
#include "core/error.hpp"
#include "snn/model.hpp"

namespace syn {

enum class Ceiling : std::uint8_t {
  mse,       // the threshold with the least squared error against the float network's activations
  greatest,  // the greatest sum seen in calibration: nothing is clipped, and the levels are coarser
};

enum class WeightRounding : std::uint8_t {
  nearest,  // each weight by itself: rule 1
  sums,     // all weights of a channel together, by what their sums lose over calibration images (rounding.hpp)
};

struct ConvertOptions {
  snn::Code code = snn::Code::volley;
  std::uint32_t steps = 8;
  std::uint64_t seed = 1;                   // which images are drawn
  std::uint32_t threads = 1;                // changes the time, never the result
  std::uint32_t calibration_images = 1000;  // at most; drawn from the training split
  std::vector<float> mean = {}, std = {};   // per channel, or one for all; empty: x = pixel / 255
  bool bias_correction = true;
  Ceiling ceiling = Ceiling::mse;
  WeightRounding rounding = WeightRounding::sums;
  bool refit = true;  // with `sums`: weights also undo what the counts before them say wrongly
};

// What conversion did to one channel; in network units.
struct ChannelReport {
  double ceiling = 0;         // the greatest value its counts can say
  double clipped = 0;         // share of calibration values above it
  double clipping_error = 0;  // root mean square, of what was clipped
  double rounding_error = 0;  // root mean square, of everything else
  double bias_shift = 0;      // what bias correction added
  double mean_error_before = 0,
         mean_error_after = 0;  // of the mean activation; `before`: same threshold, bias of rule 2
  bool dead = false;            // never fired in calibration (rule 9)
};
struct LayerReport {
  std::string name;  // the population
  std::string kind;  // "conv", "dense", "depthwise", "add" (several terms), "scale" (identity), "pool", "readout"
  std::uint64_t weights = 0;
  double mean_count = 0, mean_events = 0;
  double density = 0;  // share of rows x neurons that are not zero
  std::uint32_t dead = 0;
  double clipping_error = 0, rounding_error = 0,
         signal = 0;                                   // root mean squares over channels; signal: of the activation
  double mean_error_before = 0, mean_error_after = 0;  // root mean square over channels
  std::vector<ChannelReport> channels;                 // empty for pools; readout: mean errors only
};
struct Converted {
  snn::Model model;
  std::vector<LayerReport> layers;
  std::vector<std::string> remarks;  // "Softmax at the end was dropped", ...
  std::uint32_t calibration_images = 0;
};

using ConvertProgress = std::function<void(std::string_view layer, std::size_t done, std::size_t of)>;

Expected<Converted> convert(const ann::Graph& graph, const data::Dataset& train, const ConvertOptions& options,
                            const ConvertProgress& progress = {});

}  // namespace syn
