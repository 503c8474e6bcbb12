#include <algorithm>

#include "cli/live.hpp"
#include "core/text.hpp"
#include "snn/real/engine.hpp"

namespace syn::cli {

namespace {

namespace real = snn::real;

bool fires(const real::Neurons& neurons) {
  return std::visit(
      [](const auto& kind) {
        return requires {
          kind.firing;
        }
        || requires {
          kind.peak;
        }
        || requires {
          kind.threshold;
        };
      },
      neurons);
}

class LiveReal final : public Live {
 public:
  LiveReal(real::Engine engine, data::Sensor sensor) : engine_(std::move(engine)), sensor_(sensor) {
    const real::Model& model = engine_.model();
    for (std::uint32_t p = 0; p < model.populations.size(); ++p) {
      if (fires(model.populations[p].neurons)) window_.records.push_back({p, real::Quantity::output, {}});
    }
    counting_ = fires(model.populations[model.outputs[0].population].neurons);
    start();
  }

  data::Sensor sensor() const override { return sensor_; }
  std::uint32_t classes() const override {
    const real::Model& model = engine_.model();
    return static_cast<std::uint32_t>(real::neurons_of(model.populations[model.outputs[0].population].shape));
  }
  std::string_view scores_are() const override { return counting_ ? "count" : "potential"; }
  std::optional<std::int64_t> step_us() const override {
    return static_cast<std::int64_t>(engine_.model().dt * 1e6 + 0.5);
  }
  std::vector<std::pair<std::string, std::string>> rules() const override { return engine_.model().notes; }

  void start() override {
    engine_.start(state_);
    total_.assign(classes(), 0);
  }

  Expected<StepCost> step(std::span<const Count> counts, std::vector<double>& scores) override {
    frame_.assign(counts.begin(), counts.end());
    window_.in.assign(1, frame_);
    const auto done = engine_.run(state_, window_);
    if (!done) return fail(done.error());
    scores = window_.out[0];
    if (counting_) {
      for (std::size_t c = 0; c < scores.size(); ++c) scores[c] = total_[c] += scores[c];
    }
    StepCost cost{.spikes = 0, .synaptic_operations = done->synaptic_operations};
    double spikes = 0;
    for (const auto& record : window_.records) {
      for (const double n : record.values) spikes += n;
    }
    cost.spikes = static_cast<std::uint64_t>(spikes);
    return cost;
  }

  std::unique_ptr<Live> another() const override { return std::make_unique<LiveReal>(engine_, sensor_); }

 private:
  real::Engine engine_;
  data::Sensor sensor_;
  bool counting_ = false;
  real::State state_;
  real::Window window_;
  std::vector<float> frame_;
  std::vector<double> total_;
};

}  // namespace

Expected<std::unique_ptr<Live>> make_live(real::Model model, const std::string& where) {
  const auto refuse = [&](std::string what) {
    return fail(std::move(what), where, "a stream needs one input of polarities x height x width, and one output");
  };
  if (model.inputs.size() != 1 || model.outputs.size() != 1)
    return refuse(text::cat("the network has ", model.inputs.size(), " inputs and ", model.outputs.size(), " outputs"));
  real::Shape shape = model.populations[model.inputs[0].population].shape;
  if (shape.size() != 3 || shape[0] > 2) {
    std::string sides;
    for (const auto side : shape) sides += text::cat(sides.empty() ? "" : " x ", side);
    return refuse(text::cat("its input of ", sides, " is no sensor"));
  }
  auto engine = real::Engine::make(std::move(model));
  if (!engine) return fail(engine.error());
  return std::make_unique<LiveReal>(std::move(*engine),
                                    data::Sensor{.width = shape[2], .height = shape[1], .polarities = shape[0]});
}

}  // namespace syn::cli
