// A spiking network that watches a stream: one window of events a step, as a live sensor would hand them over. Both
// profiles behind one interface, so that what is measured about a stream does not depend on which of them runs.
// Deliberately not here: where windows come from, and what the answers are worth (eval_events.cpp).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "conversion/data/events/events.hpp"
#include "core/error.hpp"
#include "core/types.hpp"
#include "snn/model.hpp"
#include "snn/real/model.hpp"

namespace syn::cli {

struct StepCost {
  std::uint64_t spikes = 0, synaptic_operations = 0;
};

class Live {
 public:
  virtual ~Live() = default;
  virtual data::Sensor sensor() const = 0;
  virtual std::uint32_t classes() const = 0;
  // What scores are: "potential", or "count" of the spikes so far.
  virtual std::string_view scores_are() const = 0;
  // How long a step is, where the model says so, and how many steps a stream has, where it must have so many.
  virtual std::optional<std::int64_t> step_us() const { return {}; }
  virtual std::optional<std::uint64_t> steps() const { return {}; }
  virtual std::vector<std::pair<std::string, std::string>> rules() const { return {}; }

  virtual void start() = 0;  // of the next recording
  // counts: [polarity][y][x] of one window. `scores` becomes one number a class; or nothing, where the model answers
  // only at its last step.
  virtual Expected<StepCost> step(std::span<const Count> counts, std::vector<double>& scores) = 0;
  virtual std::unique_ptr<Live> another() const = 0;  // for another thread; shares the weights
};

// Both refuse networks without exactly one input of a sensor's shape and one output.
Expected<std::unique_ptr<Live>> make_live(snn::real::Model model, const std::string& where);
Expected<std::unique_ptr<Live>> make_live(snn::Model model, const std::string& where);  // `step` code

}  // namespace syn::cli
