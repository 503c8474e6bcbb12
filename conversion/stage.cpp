#include "conversion/stage.hpp"

#include <algorithm>

#include "conversion/parallel.hpp"
#include "core/assert.hpp"
#include "snn/engine.hpp"

namespace syn {
namespace {

constexpr std::size_t kBlock = 8;  // images a task

}  // namespace

snn::Model Stage::model(const snn::Population& target, std::span<const snn::Projection> projections) const {
  snn::Model out{.name = target.name,
                 .code = code,
                 .steps = steps,
                 .populations = {},
                 .projections = {},
                 .outputs = {target.name},
                 .notes = {}};
  for (const StageInput& input : inputs) {
    snn::Population source = *input.population;
    const auto* pixels = std::get_if<snn::Source>(&source.kind);
    source.kind = snn::Source{.scale = {}, .zero = {}, .padding = pixels ? pixels->padding : std::vector<Count>{}};
    out.populations.push_back(std::move(source));
  }
  for (const snn::Projection& projection : projections) {
    const auto from = std::ranges::find(inputs, projection.from, &StageInput::index);
    SYN_ASSERT(from != inputs.end(), projection.from);
    out.projections.push_back({static_cast<std::uint32_t>(from - inputs.begin()),
                               static_cast<std::uint32_t>(inputs.size()), projection.connection});
  }
  out.populations.push_back(target);
  return out;
}

Expected<> Stage::for_each_sum(const snn::Population& target, std::span<const snn::Projection> projections,
                               std::size_t images, const VisitSums& visit) const {
  std::size_t all_rows = 1;
  for (const StageInput& input : inputs) all_rows = std::max(all_rows, input.counts->rows());
  // Sums of counts over several rows are counts too, as long as they stay within bounds: one pass instead of T.
  snn::Model whole = model(target, projections);
  std::size_t rows_at_once = all_rows;
  bool fits = true;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::uint64_t wanted = std::uint64_t{whole.populations[i].greatest} * all_rows;
    fits = fits && wanted <= kGreatestCount;
    whole.populations[i].greatest = static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, kGreatestCount));
    // A border that reads something else than zero is read once a row.
    auto& padding = std::get<snn::Source>(whole.populations[i].kind).padding;
    for (Count& count : padding)
      count = static_cast<Count>(std::min<std::uint64_t>(std::uint64_t{count} * all_rows, kGreatestCount));
  }
  auto engine = snn::Engine::make(std::move(whole));
  if (!fits || !engine) {
    rows_at_once = 1;
    engine = snn::Engine::make(model(target, projections));
  }
  if (!engine) return fail(engine.error());
  const std::int64_t times = rows() / static_cast<std::int64_t>(all_rows);  // where every row says the same
  parallel_blocks(images, kBlock, threads, [&](std::size_t worker, std::size_t begin, std::size_t end) {
    std::vector<std::vector<Count>> row(inputs.size());
    std::vector<std::span<const Count>> in(inputs.size() + 1);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      row[i].resize(inputs[i].counts->neurons());
      in[i] = row[i];
    }
    std::vector<std::int32_t> part(target.shape.neurons());
    std::vector<std::int64_t> sums(part.size());
    for (std::size_t image = begin; image < end; ++image) {
      std::ranges::fill(sums, 0);
      for (std::size_t first = 0; first < all_rows; first += rows_at_once) {
        for (std::size_t i = 0; i < inputs.size(); ++i) {
          std::ranges::fill(row[i], Count{0});
          for (std::size_t r = first; r < first + rows_at_once; ++r)
            inputs[i].counts->add_to(image, inputs[i].counts->rows() == 1 ? 0 : r, row[i]);
        }
        engine->sum_inputs(static_cast<std::uint32_t>(inputs.size()), in, part);
        for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += part[i] * times;
      }
      visit(worker, image, sums);
    }
  });
  return {};
}

Expected<> Stage::simulate(const snn::Population& target, std::span<const snn::Projection> projections,
                           std::size_t images, const VisitCounts& visit) const {
  auto engine = snn::Engine::make(model(target, projections));
  if (!engine) return fail(engine.error());
  parallel_blocks(images, kBlock, threads, [&](std::size_t, std::size_t begin, std::size_t end) {
    snn::Window window;
    window.rows = rows();
    window.in.resize(inputs.size());
    for (std::size_t image = begin; image < end; ++image) {
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Activity& counts = *inputs[i].counts;
        window.in[i].assign(counts.rows() * counts.neurons(), 0);
        for (std::size_t r = 0; r < counts.rows(); ++r)
          counts.add_to(image, r, std::span(window.in[i]).subspan(r * counts.neurons(), counts.neurons()));
      }
      snn::State state;
      engine->run(state, window);
      visit(image, window.out.at(0));
    }
  });
  return {};
}

}  // namespace syn
