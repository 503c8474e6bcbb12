#include <algorithm>

#include "cli/live.hpp"
#include "core/text.hpp"
#include "snn/coding.hpp"
#include "snn/engine.hpp"

namespace syn::cli {

namespace {

// A `step` model: a step is a row, and an inference has T of them, after which its readout speaks.
class LiveInteger final : public Live {
 public:
  explicit LiveInteger(std::shared_ptr<const snn::Engine> engine)
      : engine_(std::move(engine)), source_(&engine_->model().populations.front()) {
    window_.in.resize(1);
    const auto readout = std::ranges::find_if(engine_->model().populations, [](const snn::Population& p) {
      return std::holds_alternative<snn::Readout>(p.kind);
    });
    classes_ = readout->shape.neurons();
  }

  data::Sensor sensor() const override {
    const snn::Shape& s = source_->shape;
    return {.width = s.width, .height = s.height, .polarities = s.channels};
  }
  std::uint32_t classes() const override { return classes_; }
  std::string_view scores_are() const override { return "potential"; }
  std::optional<std::uint64_t> steps() const override { return engine_->model().rows(); }

  void start() override { state_.next_row = 0; }

  Expected<StepCost> step(std::span<const Count> counts, std::vector<double>& scores) override {
    const snn::Shape& shape = source_->shape;
    const auto& source = std::get<snn::Source>(source_->kind);
    auto& row = window_.in[0];
    row.resize(shape.neurons());
    if (source.scale.empty()) {  // counts as they are; only their order changes
      const std::size_t positions = shape.positions();
      const auto most = static_cast<Count>(std::min<std::uint32_t>(source_->greatest, kGreatestCount));
      for (std::size_t c = 0; c < shape.channels; ++c) {
        for (std::size_t p = 0; p < positions; ++p)
          row[p * shape.channels + c] = std::min(counts[c * positions + p], most);
      }
    } else {
      frame_.assign(counts.begin(), counts.end());
      if (auto coded = snn::quantise(source, shape, frame_, row); !coded) return fail(coded.error());
    }
    const Work work = engine_->run(state_, window_);
    scores.assign(window_.potentials.begin(), window_.potentials.end());
    return StepCost{.spikes = window_.spikes, .synaptic_operations = work.synaptic_operations};
  }

  std::unique_ptr<Live> another() const override { return std::make_unique<LiveInteger>(engine_); }

 private:
  std::shared_ptr<const snn::Engine> engine_;
  const snn::Population* source_;
  std::uint32_t classes_ = 0;
  snn::State state_;
  snn::Window window_;
  std::vector<float> frame_;
};

}  // namespace

Expected<std::unique_ptr<Live>> make_live(snn::Model model, const std::string& where) {
  if (model.code != snn::Code::step)
    return fail("only `step` code runs as a stream: in `volley` and `phase` a window is a whole inference", where,
                "synfire convert ... --code step, or a model of the float profile");
  std::size_t sources = 0, readouts = 0;
  for (const snn::Population& p : model.populations) {
    sources += std::holds_alternative<snn::Source>(p.kind);
    readouts += std::holds_alternative<snn::Readout>(p.kind);
  }
  const bool first = !model.populations.empty() && std::holds_alternative<snn::Source>(model.populations.front().kind);
  if (sources != 1 || readouts != 1 || !first || model.populations.front().shape.channels > 2)
    return fail("the model has no single input of a sensor's shape, or no readout", where,
                "a stream needs one source of 1 or 2 polarities and one readout; shards run in a mesh");
  auto engine = snn::Engine::make(std::move(model));
  if (!engine) return fail(engine.error());
  return std::make_unique<LiveInteger>(std::make_shared<const snn::Engine>(std::move(*engine)));
}

}  // namespace syn::cli
