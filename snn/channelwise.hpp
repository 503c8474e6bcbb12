// Projections whose target channels read one source channel each, made ready to run: depthwise convolutions and
// one-to-one joins. They are dense over channels: no count is skipped, because a synapse costs less than asking whether
// it has anything to do. Depthwise sums that the weights and the source's greatest count keep inside 16 bits are added up
// there, twice as many at a time; positions beside each other that need the same weights are one run.
// Internal to snn/.
#pragma once

#include "snn/kernels/kernels.hpp"
#include "snn/model.hpp"
#include "snn/rules.hpp"

namespace syn::snn {

class Channelwise {
 public:
  Channelwise(const Depthwise& depthwise, const Population& from, const Population& to);
  Channelwise(const OneToOne& one, const Population& from, const Population& to);

  // sums[target width x target channels] = from + this projection's sums for target row `oy`. from == sums, or apart from
  // them.
  void add_row(const kernels::Table& kernels, const Count* counts, std::int64_t oy, const std::int32_t* from,
               std::int32_t* sums) const;

  std::uint64_t resident_bytes() const {
    return weights_.size() * sizeof weights_[0] + short_weights_.size() * sizeof short_weights_[0] +
           padding_.size() * sizeof padding_[0];
  }

 private:
  template <class T>
  void pack(const std::vector<T>& weights, std::int32_t shift);
  bool fits_short(Count greatest) const;
  void pack_short();
  void add_short_row(const kernels::Table& kernels, const Count* counts, std::int64_t oy, const std::int32_t* from,
                     std::int32_t* sums) const;

  Extent y_{}, x_{};
  std::size_t from_channels_ = 0, to_channels_ = 0;
  std::size_t first_from_ = 0, first_to_ = 0, joined_ = 0;  // source channels [first_from, +joined) meet [first_to, ..)
  std::vector<std::int32_t> weights_;                       // [kernel y][kernel x][joined channel]; or else
  std::vector<std::int16_t> short_weights_;                 // [kernel y][kernel x][joined channel and on from the first]
  std::vector<Count> padding_;                              // per joined channel, where it is not zero
};

}  // namespace syn::snn
