#include "bench/kernels/silent.hpp"

#include "core/assert.hpp"
#include "snn/engine.hpp"

namespace syn::bench {
namespace {

using namespace snn;

Model shard(bool hands_on) {
  Model model{.name = "shard", .code = Code::step, .steps = 1000};
  constexpr std::uint32_t kChannels = 128;
  Population in{.name = "in", .shape = {28, 28, 1}, .code = Code::step, .kind = Source{}};
  Population out{.name = "out",
                 .shape = {28, 28, kChannels},
                 .code = Code::step,
                 .kind = IntegrateAndFire{.threshold = std::vector<std::int32_t>(kChannels, 300),
                                          .bias = std::vector<std::int32_t>(kChannels),
                                          .v_min = -(1 << 20),
                                          .v_max = 1 << 20}};
  model.populations = {std::move(in), std::move(out)};
  model.projections = {{0, 1,
                        Conv{.kernel_height = 3,
                             .kernel_width = 3,
                             .pad_top = 1,
                             .pad_left = 1,
                             .weights = std::vector<std::int8_t>(9 * kChannels, 1)}}};
  model.outputs = {"out"};
  if (hands_on) return model;
  Population readout{.name = "readout", .shape = {1, 1, 2}, .code = Code::step, .kind = Readout{.bias = {0, 0}}};
  model.populations.push_back(std::move(readout));
  model.projections.push_back({1, 2, Dense{std::vector<std::int8_t>(std::size_t{28} * 28 * kChannels * 2, 1)}});
  model.outputs = {"readout"};
  return model;
}

Engine made(bool hands_on, std::string_view table) {
  auto engine = Engine::make(shard(hands_on), table);
  SYN_ASSERT(engine.has_value(), engine.error().what, engine.error().where);
  return std::move(*engine);
}

}  // namespace

struct SilentTimer::Impl {
  Impl(std::string_view table, bool hands_on) : engine(made(hands_on, table)) {
    window.in.emplace_back(28 * 28);
    state.next_row = 0;
    engine.run(state, window);
    timed.run = [this](std::size_t calls) {
      for (std::size_t n = 0; n < calls; ++n) {
        state.next_row = 1;  // an inference without end: nothing is set up anew
        engine.run(state, window);
      }
    };
  }
  Impl(const Impl&) = delete;
  Engine engine;
  State state;
  Window window;
  Timed timed;
};

SilentTimer::SilentTimer(std::string_view table, bool hands_on) : impl_(std::make_unique<Impl>(table, hands_on)) {}
SilentTimer::SilentTimer(SilentTimer&&) noexcept = default;
SilentTimer::~SilentTimer() = default;
Timed* SilentTimer::timed() {
  return &impl_->timed;
}
std::size_t SilentTimer::neurons() const {
  return impl_->engine.model().populations[1].shape.neurons();
}

}  // namespace syn::bench
