#include "conversion/stage.hpp"

#include <algorithm>

#include "conversion/parallel.hpp"
#include "snn/engine.hpp"

namespace syn {
namespace {

constexpr std::size_t kBlock = 8;  // images a task

}  // namespace

snn::Model Stage::pair(const snn::Population& target, const snn::Connection& connection) const {
  snn::Population source = from;
  const auto* pixels = std::get_if<snn::Source>(&from.kind);
  source.kind = snn::Source{.scale = {}, .zero = {}, .padding = pixels ? pixels->padding : std::vector<Count>{}};
  return {.name = target.name,
          .code = code,
          .steps = steps,
          .populations = {std::move(source), target},
          .projections = {{0, 1, connection}},
          .outputs = {target.name},
          .notes = {}};
}

Expected<> Stage::for_each_sum(const snn::Population& target, const snn::Connection& connection, std::size_t images,
                               const VisitSums& visit) const {
  // Sums of counts over several rows are counts too, as long as they stay within bounds: one pass instead of T.
  snn::Model whole = pair(target, connection);
  const std::uint64_t wanted = std::uint64_t{whole.populations[0].greatest} * counts.rows();
  std::size_t rows_at_once = counts.rows();
  whole.populations[0].greatest = static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, kGreatestCount));
  auto engine = snn::Engine::make(std::move(whole));
  if (wanted > kGreatestCount || !engine) {
    rows_at_once = 1;
    engine = snn::Engine::make(pair(target, connection));
  }
  if (!engine) return fail(engine.error());
  const std::int64_t times = counts.rows() == 1 ? rows() : 1;  // a source says the same in every row
  parallel_blocks(images, kBlock, threads, [&](std::size_t worker, std::size_t begin, std::size_t end) {
    std::vector<Count> row(counts.neurons());
    std::vector<std::int32_t> part(target.shape.neurons());
    std::vector<std::int64_t> sums(part.size());
    for (std::size_t image = begin; image < end; ++image) {
      std::ranges::fill(sums, 0);
      for (std::size_t first = 0; first < counts.rows(); first += rows_at_once) {
        std::ranges::fill(row, Count{0});
        for (std::size_t r = first; r < first + rows_at_once; ++r) counts.add_to(image, r, row);
        const std::span<const Count> in[2] = {row, {}};
        engine->sum_inputs(1, in, part);
        for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += part[i] * times;
      }
      visit(worker, image, sums);
    }
  });
  return {};
}

Expected<> Stage::simulate(const snn::Population& target, const snn::Connection& connection, std::size_t images,
                           const VisitCounts& visit) const {
  auto engine = snn::Engine::make(pair(target, connection));
  if (!engine) return fail(engine.error());
  parallel_blocks(images, kBlock, threads, [&](std::size_t, std::size_t begin, std::size_t end) {
    snn::Window window;
    window.rows = rows();
    window.in.resize(1);
    for (std::size_t image = begin; image < end; ++image) {
      window.in[0].assign(counts.rows() * counts.neurons(), 0);
      for (std::size_t r = 0; r < counts.rows(); ++r) {
        counts.add_to(image, r, std::span(window.in[0]).subspan(r * counts.neurons(), counts.neurons()));
      }
      snn::State state;
      engine->run(state, window);
      visit(image, window.out.at(0));
    }
  });
  return {};
}

}  // namespace syn
