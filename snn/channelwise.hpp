// Projections whose target channels read one source channel each, made ready to run: depthwise convolutions and
// one-to-one joins. They are dense over channels: no count is skipped, because a synapse costs less than asking whether
// it has anything to do. Depthwise sums that the weights and the source's greatest count keep inside 16 bits are added
// up there, twice as many at a time, and positions beside each other are one run: the source's counts are copied with
// their border filled in, so that no position differs from the others. Internal to snn/.
#pragma once

#include <algorithm>

#include "snn/kernels/kernels.hpp"
#include "snn/model.hpp"
#include "snn/rules.hpp"

namespace syn::snn {

class Channelwise {
 public:
  Channelwise(const Depthwise& depthwise, const Population& from, const Population& to);
  Channelwise(const OneToOne& one, const Population& from, const Population& to);

  // Counts of the copy that open() makes; 0: it makes none.
  std::size_t copy_size() const { return copied_ ? static_cast<std::size_t>(y_.source) * copied_row() : 0; }
  // Copies what target rows [first_row, last_row) read.
  void open(const Count* counts, std::size_t first_row, std::size_t last_row, Count* copy) const;
  // sums[target width x target channels] = from + this projection's sums for target row `oy`. from == sums, or apart
  // from them. Returns where the sums are, as Linear::add_row does.
  const std::int32_t* add_row(const kernels::Table& kernels, const Count* counts, const Count* copy, std::int64_t oy,
                              const std::int32_t* from, std::int32_t* sums, const kernels::Firing* firing) const;

  std::uint64_t resident_bytes() const {
    return weights_.size() * sizeof weights_[0] + short_weights_.size() * sizeof short_weights_[0] +
           padding_.size() * sizeof padding_[0];
  }

 private:
  template <class T>
  void pack(const std::vector<T>& weights, std::int32_t shift);
  bool fits_short(Count greatest) const;
  void pack_short();
  // `counts` are those of joined channel 0 where the kernel of target position (0, 0) lies; `row` and `pixel` how far
  // apart the source's are there.
  void add_short_row(const kernels::Table& kernels, const Count* counts, std::size_t row, std::size_t pixel,
                     std::int64_t oy, const std::int32_t* from, std::int32_t* sums,
                     const kernels::Firing* firing) const;
  std::size_t copied_width() const {
    return static_cast<std::size_t>(std::max(x_.source, x_.first(x_.target - 1) + x_.reach()) + x_.pad);
  }
  std::size_t copied_row() const { return copied_width() * joined_; }

  Extent y_{}, x_{};
  std::size_t from_channels_ = 0, to_channels_ = 0;
  std::size_t first_from_ = 0, first_to_ = 0, joined_ = 0;  // source channels [first_from, +joined) meet [first_to, ..)
  std::vector<std::int32_t> weights_;                       // [kernel y][kernel x][joined channel]; or else
  std::vector<std::int16_t> short_weights_;  // [kernel y][kernel x][joined channel and on from the first]
  std::vector<Count> padding_;               // per joined channel, where it is not zero
  bool copied_ = false;
};

}  // namespace syn::snn
