#include "snn/channelwise.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace syn::snn {
namespace {

constexpr std::size_t kBatch = 64;  // taps a call

}  // namespace

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
  if (padding_.empty() && fits_short(static_cast<Count>(from.greatest))) pack_short();
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

// Any sum over some of a channel's taps lies between the greatest count times its negative and times its positive weights.
bool Channelwise::fits_short(Count greatest) const {
  for (std::size_t c = 0; c < joined_; ++c) {
    std::int64_t negative = 0, positive = 0;
    for (std::size_t at = c; at < weights_.size(); at += joined_) (weights_[at] < 0 ? negative : positive) += weights_[at];
    if (std::max(-negative, positive) * greatest > INT16_MAX) return false;
  }
  return joined_ > 0;
}

void Channelwise::pack_short() {
  for (auto tap = weights_.begin(); tap != weights_.end(); tap += static_cast<std::ptrdiff_t>(joined_))
    for (std::size_t i = 0; i < joined_ + kernels::kTapSlack; ++i)
      short_weights_.push_back(static_cast<std::int16_t>(tap[static_cast<std::ptrdiff_t>(i % joined_)]));
  weights_ = {};
}

void Channelwise::add_row(const kernels::Table& kernels, const Count* counts, std::int64_t oy,
                          const std::int32_t* from, std::int32_t* sums) const {
  if (from != sums && (short_weights_.empty() || joined_ < to_channels_)) {
    std::copy_n(from, static_cast<std::size_t>(x_.target) * to_channels_, sums);
    from = sums;
  }
  if (joined_ == 0) return;
  from += first_to_;
  sums += first_to_;
  counts += first_from_;
  if (!short_weights_.empty()) return add_short_row(kernels, counts, oy, from, sums);
  std::array<kernels::Tap, kBatch> taps;
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

void Channelwise::add_short_row(const kernels::Table& kernels, const Count* counts, std::int64_t oy,
                                const std::int32_t* from, std::int32_t* sums) const {
  const bool whole_pixels = joined_ == from_channels_ && joined_ == to_channels_ && x_.stride == 1;
  std::array<kernels::ShortTap, kBatch> taps;
  for (std::int64_t ox = 0; ox < x_.target;) {
    // Positions whose whole kernel lies over the source's columns read the same taps, one stride further each.
    const auto inside = [&](std::int64_t at) { return x_.first(at) >= 0 && x_.first(at) + x_.reach() <= x_.source; };
    std::int64_t end = ox + 1;
    if (inside(ox))
      while (end < x_.target && inside(end)) ++end;
    const auto positions = static_cast<std::size_t>(end - ox);
    const std::int32_t* begin = from;
    const auto add = [&](std::size_t n) {
      if (whole_pixels) {
        kernels.add_short_products({taps.data(), n}, positions * joined_, joined_, begin, sums);
        begin = sums;
        return;
      }
      for (std::size_t p = 0; p < positions; ++p) {
        kernels.add_short_products({taps.data(), n}, joined_, joined_, begin + p * to_channels_, sums + p * to_channels_);
        for (std::size_t i = 0; i < n; ++i) taps[i].counts += static_cast<std::size_t>(x_.stride) * from_channels_;
      }
      begin = sums;
    };
    std::size_t n = 0;
    const std::int16_t* weights = short_weights_.data();
    for (std::int64_t ky = 0; ky < y_.kernel; ++ky) {
      const std::int64_t iy = y_.first(oy) + ky * y_.dilation;
      for (std::int64_t kx = 0; kx < x_.kernel; ++kx, weights += joined_ + kernels::kTapSlack) {
        const std::int64_t ix = x_.first(ox) + kx * x_.dilation;
        if (iy < 0 || iy >= y_.source || ix < 0 || ix >= x_.source) continue;
        if (n == kBatch) {
          add(n);
          n = 0;
        }
        taps[n++] = {counts + static_cast<std::size_t>(iy * x_.source + ix) * from_channels_, weights};
      }
    }
    add(n);
    from += positions * to_channels_;
    sums += positions * to_channels_;
    ox = end;
  }
}

}  // namespace syn::snn
