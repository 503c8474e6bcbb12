// One population on the integer engine, for all calibration images: a model of what it reads (as sources of ready
// counts) and the population itself. Private to conversion/.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "conversion/activity.hpp"
#include "core/error.hpp"
#include "snn/model.hpp"

namespace syn {

struct StageInput {
  std::uint32_t index;  // of the population in the whole model, as projections name it
  const snn::Population* population;
  const Activity* counts;  // one row if they are the same in every step
};

struct Stage {
  std::vector<StageInput> inputs;
  snn::Code code;
  std::uint32_t steps;
  std::uint32_t threads;

  // Calls visit(worker, image, sums) with the input sums of a whole inference (all rows), without bias, for the first
  // `images` images; from several threads, worker < max(1, threads).
  using VisitSums = std::function<void(std::size_t worker, std::size_t image, std::span<const std::int64_t> sums)>;
  Expected<> for_each_sum(const snn::Population& target, std::span<const snn::Projection> projections,
                          std::size_t images, const VisitSums& visit) const;

  // Runs `target` with its own thresholds and biases: visit(image, counts of all rows), from several threads.
  using VisitCounts = std::function<void(std::size_t image, std::span<const Count> counts)>;
  Expected<> simulate(const snn::Population& target, std::span<const snn::Projection> projections, std::size_t images,
                      const VisitCounts& visit) const;

  std::uint32_t rows() const { return snn::rows_of(code, steps); }

 private:
  snn::Model model(const snn::Population& target, std::span<const snn::Projection> projections) const;
};

}  // namespace syn
