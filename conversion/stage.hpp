// One layer on the integer engine, for all calibration images: a model of two populations, what the layer reads (as a
// source of ready counts) and the layer itself. Private to conversion/.
#pragma once

#include <functional>
#include <span>

#include "conversion/activity.hpp"
#include "core/error.hpp"
#include "snn/model.hpp"

namespace syn {

struct Stage {
  const snn::Population& from;
  const Activity& counts;  // of `from`, one row if they are the same in every step
  snn::Code code;
  std::uint32_t steps;
  std::uint32_t threads;

  // Calls visit(worker, image, sums) with the input sums of a whole inference (all rows), without bias, for the first
  // `images` images; from several threads, worker < max(1, threads).
  using VisitSums = std::function<void(std::size_t worker, std::size_t image, std::span<const std::int64_t> sums)>;
  Expected<> for_each_sum(const snn::Population& target, const snn::Connection& connection, std::size_t images,
                          const VisitSums& visit) const;

  // Runs `target` with its own thresholds and biases: visit(image, counts of all rows), from several threads.
  using VisitCounts = std::function<void(std::size_t image, std::span<const Count> counts)>;
  Expected<> simulate(const snn::Population& target, const snn::Connection& connection, std::size_t images,
                      const VisitCounts& visit) const;

  std::uint32_t rows() const { return code == snn::Code::volley ? 1 : steps; }

 private:
  snn::Model pair(const snn::Population& target, const snn::Connection& connection) const;
};

}  // namespace syn
