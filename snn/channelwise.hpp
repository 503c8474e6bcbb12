// Projections whose target channels read one source channel each, made ready to run: depthwise convolutions and
// one-to-one joins. They are dense over channels: no count is skipped, because a synapse costs less than asking whether
// it has anything to do. Depthwise sums that the weights and the source's greatest count keep inside 16 bits are added
// up there, of bytes: the source's counts are copied with their border filled in, so that no position differs from the
// others, and positions beside each other are one run. Internal to snn/.
#pragma once

#include <algorithm>

#include "core/lines.hpp"
#include "snn/kernels/kernels.hpp"
#include "snn/model.hpp"
#include "snn/rules.hpp"

namespace syn::snn {

class Channelwise {
 public:
  Channelwise(const Depthwise& depthwise, const Population& from, const Population& to);
  Channelwise(const OneToOne& one, const Population& from, const Population& to);

  // Bytes of the copy that open() makes; 0: it makes none.
  std::size_t copy_size() const { return pairs_.empty() ? 0 : height_ * copied_row(); }
  // Copies what target rows [first_row, last_row) read.
  void open(const kernels::Table& kernels, const Count* counts, std::size_t first_row, std::size_t last_row,
            std::uint8_t* copy) const;
  // sums[target width x target channels] = from + this projection's sums for target row `oy`. from == sums, or apart
  // from them. Returns where the sums are, as Linear::add_row does.
  const std::int32_t* add_row(const kernels::Table& kernels, const Count* counts, const std::uint8_t* copy,
                              std::int64_t oy, const std::int32_t* from, std::int32_t* sums,
                              const kernels::Firing* firing) const;
  // As Linear::fire_rows, of target rows [first_row, last_row): whether they fired.
  bool fire_rows(const kernels::Table& kernels, const std::uint8_t* copy, std::size_t first_row, std::size_t last_row,
                 const kernels::Firing& firing) const;

  std::uint64_t resident_bytes() const {
    return weights_.size() * sizeof weights_[0] + pairs_.size() + padding_.size() * sizeof padding_[0];
  }

 private:
  template <class T>
  void pack(const std::vector<T>& weights, std::int32_t shift);
  bool fits_short(Count greatest) const;
  void pack_pairs();
  // All sums, of whole rows of target channels, are made in 16 bits at once, and nothing but a constant is added.
  bool fires_rows(const kernels::Firing& firing) const {
    return !pairs_.empty() && joined_ == to_channels_ && taps() <= 2 * kernels::kPairsAtOnce && firing.is_short &&
           firing.in_short.start;
  }
  std::size_t taps() const { return static_cast<std::size_t>(y_.kernel * x_.kernel); }
  // Target row `oy` and, where `rows` are more, those behind it.
  void add_copied_rows(const kernels::Table& kernels, const std::uint8_t* copy, std::size_t oy, std::size_t rows,
                       const std::int32_t* from, std::int32_t* sums, const kernels::Firing* firing) const;
  bool one_run() const { return x_.stride == 1 && to_channels_ == joined_; }
  std::size_t copied_row() const { return width_ * joined_; }

  Extent y_{}, x_{};
  std::size_t from_channels_ = 0, to_channels_ = 0;
  std::size_t first_from_ = 0, first_to_ = 0, joined_ = 0;  // source channels [first_from, +joined) meet [first_to, ..)
  std::size_t height_ = 0, width_ = 0;                      // of the copy
  std::vector<std::int32_t> weights_;                       // [kernel y][kernel x][joined channel]; or else
  LineVector<std::int8_t> pairs_;                           // kernels::ChannelRow::weights
  std::vector<Count> padding_;                              // per joined channel, where it is not zero
};

}  // namespace syn::snn
