#include "snn/engine.hpp"

#include <algorithm>

#include "core/text.hpp"
#include "snn/bands.hpp"
#include "snn/compiled.hpp"
#include "snn/run.hpp"

namespace syn::snn {

struct Engine::Impl {
  Impl(Model model, const kernels::Table& table) : compiled(std::move(model), table), kernels(&table) {}
  Compiled compiled;
  const kernels::Table* kernels;
};

std::vector<std::string_view> Engine::kernel_names() {
  std::vector<std::string_view> names;
  for (const kernels::Table* table : kernels::available()) names.push_back(table->name);
  return names;
}

Expected<Engine> Engine::make(Model model, std::string_view kernels) {
  const auto tables = kernels::available();
  const auto table = kernels.empty() ? tables.begin() : std::ranges::find(tables, kernels, &kernels::Table::name);
  if (table == tables.end()) {
    std::string known;
    for (const kernels::Table* t : tables) text::append(known, text::cat(' ', t->name));
    return fail(text::cat("this machine has no kernels called '", kernels, "'"), "the engine",
                text::cat("choose one of", known));
  }
  if (auto checked = check_rules(model); !checked) return fail(checked.error());
  return Engine(std::make_unique<const Impl>(std::move(model), **table));
}

std::string_view Engine::kernels() const {
  return impl_->kernels->name;
}
const Model& Engine::model() const {
  return impl_->compiled.model;
}
std::uint64_t Engine::resident_bytes() const {
  return impl_->compiled.resident_bytes();
}
std::uint64_t Engine::state_bytes() const {
  std::uint64_t bytes = sizeof(State);
  for (const Stage& stage : impl_->compiled.stages) {
    const bool keeps =
        std::ranges::any_of(stage.inputs, [&](const Input& in) { return impl_->compiled.stages[in.from].pixels; });
    if (impl_->compiled.model.rows() > 1)
      bytes += stage.neurons * ((keeps ? sizeof(std::int32_t) : 0) + (stage.pixels ? sizeof(Count) : 0));
  }
  for (const Stage& stage : impl_->compiled.stages)
    bytes += stage.line_rows * (stage.neurons * sizeof(Count) + 1) + (stage.line < 0 ? 0 : sizeof(DelayLine));
  for (const std::size_t size : impl_->compiled.state_sizes)
    bytes += size * sizeof(std::int32_t) + sizeof(std::vector<std::int32_t>);
  return bytes;
}

Work Engine::run(State& state, Window& window, Team* team) const {
  return snn::run(impl_->compiled, *impl_->kernels, state, window, team);
}

std::vector<std::int32_t> Engine::potentials(const State& state, std::uint32_t population) const {
  return snn::potentials(impl_->compiled, *impl_->kernels, state, population);
}

void Engine::sum_inputs(std::uint32_t population, std::span<const std::span<const Count>> counts,
                        std::span<std::int32_t> sums) const {
  snn::sum_inputs(impl_->compiled, *impl_->kernels, population, counts, sums);
}

Engine::Engine(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

}  // namespace syn::snn
