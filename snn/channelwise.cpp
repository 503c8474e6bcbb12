#include "snn/channelwise.hpp"

#include <algorithm>
#include <array>

namespace syn::snn {

Channelwise::Channelwise(const Depthwise& depthwise, const Population& from, const Population& to)
    : y_(vertical(depthwise, from.shape, to.shape)),
      x_(horizontal(depthwise, from.shape, to.shape)),
      from_channels_(from.shape.channels),
      to_channels_(to.shape.channels) {
  pack(depthwise.weights, depthwise.shift);
  const auto* source = std::get_if<Source>(&from.kind);
  if (source && std::ranges::any_of(source->padding, [](Count c) { return c != 0; }))
    padding_.assign(source->padding.begin() + static_cast<std::ptrdiff_t>(first_from_),
                    source->padding.begin() + static_cast<std::ptrdiff_t>(first_from_ + joined_));
}

Channelwise::Channelwise(const OneToOne& one, const Population& from, const Population& to)
    : from_channels_(from.shape.channels), to_channels_(to.shape.channels) {
  pack(one.multiplier, one.shift);
  const std::int64_t height = from.shape.height, width = from.shape.width;
  y_ = {1, 1, 1, 0, height, height};
  x_ = {1, 1, 1, 0, width, width};
  if (joined_ < from_channels_ || joined_ < to_channels_) return;
  // Rows of both sides lie alike: one long run of channels instead of a short one for every position.
  joined_ = from_channels_ = to_channels_ = joined_ * static_cast<std::size_t>(width);
  const std::vector<std::int32_t> of_channels = std::move(weights_);
  weights_.reserve(joined_);
  while (weights_.size() < joined_) weights_.insert(weights_.end(), of_channels.begin(), of_channels.end());
  x_ = {1, 1, 1, 0, 1, 1};
}

template <class T>
void Channelwise::pack(const std::vector<T>& weights, std::int32_t shift) {
  const auto from = static_cast<std::int64_t>(from_channels_), to = static_cast<std::int64_t>(to_channels_);
  const std::int64_t begin = std::max<std::int64_t>(0, -shift), end = std::min(from, to - shift);
  if (begin >= end) return;
  first_from_ = static_cast<std::size_t>(begin);
  first_to_ = static_cast<std::size_t>(begin + shift);
  joined_ = static_cast<std::size_t>(end - begin);
  for (auto tap = weights.begin(); tap != weights.end(); tap += from)
    weights_.insert(weights_.end(), tap + begin, tap + end);
}

void Channelwise::add_row(const kernels::Table& kernels, const Count* counts, std::int64_t oy,
                          std::int32_t* sums) const {
  if (joined_ == 0) return;
  constexpr std::size_t kBatch = 64;
  std::array<kernels::Tap, kBatch> taps;
  sums += first_to_;
  counts += first_from_;
  for (std::int64_t ox = 0; ox < x_.target; ++ox, sums += to_channels_) {
    std::size_t n = 0;
    const std::int32_t* weights = weights_.data();
    for (std::int64_t ky = 0; ky < y_.kernel; ++ky) {
      const std::int64_t iy = y_.first(oy) + ky * y_.dilation;
      const bool row = iy >= 0 && iy < y_.source;
      for (std::int64_t kx = 0; kx < x_.kernel; ++kx, weights += joined_) {
        const std::int64_t ix = x_.first(ox) + kx * x_.dilation;
        const bool inside = row && ix >= 0 && ix < x_.source;
        if (!inside && padding_.empty()) continue;
        if (n == kBatch) {
          kernels.add_products({taps.data(), n}, joined_, sums);
          n = 0;
        }
        const std::size_t at = static_cast<std::size_t>(iy * x_.source + ix) * from_channels_;
        taps[n++] = {inside ? counts + at : padding_.data(), weights};
      }
    }
    kernels.add_products({taps.data(), n}, joined_, sums);
  }
}

}  // namespace syn::snn
