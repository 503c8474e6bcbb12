// Weights chosen by what they do to sums, not one by one: from a sample of what a projection really reads, the rounding
// of all weights of a channel that leaves the least squared error of its sum (each weight takes up the error of those
// rounded before it: Babai's nearest plane, which Frantar et al. 2022 apply to networks), and a refit that undoes what
// the counts before it say wrongly. In double, in a fixed order. Private to conversion/.
// Deliberately not here: units (integer_rules.hpp), where samples come from (patches.hpp).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace syn {

// What a projection reads, in counts: [sample][input], inputs as its weights are laid out.
struct Patches {
  std::size_t inputs = 0;
  std::vector<float> counts;
  std::vector<float> wanted;  // what the float network has there, in counts; empty: the same
  std::size_t samples() const { return inputs == 0 ? 0 : counts.size() / inputs; }
};

// Second moments about the mean of a subset of the inputs: `stride` apart, from `first` on.
class Moments {
 public:
  Moments(const Patches& patches, std::size_t first, std::size_t stride, std::uint32_t threads);

  std::size_t inputs() const { return mean_.size(); }
  std::span<const double> mean() const { return mean_; }
  std::span<const double> wanted_mean() const { return wanted_mean_; }

  // Moves one channel's weights to where its sums over the counts come closest to what they were over the wanted
  // values.
  void refit(std::span<double> weights) const;
  // The whole numbers in -127..127 for one channel's weights / unit, and the squared error of its sum in units.
  double round(std::span<const double> weights, double unit, std::span<std::int8_t> rounded) const;

 private:
  std::vector<double> factor(double ridge) const;  // Cholesky: lower triangle, [row][column]

  std::vector<double> mean_, wanted_mean_;
  std::vector<double> covariance_;           // [input][input], lower triangle
  std::vector<double> missing_;              // [input][input] of counts with (wanted - counts); empty: nothing is
  std::vector<double> lower_, refit_lower_;  // Cholesky factors
};

}  // namespace syn
