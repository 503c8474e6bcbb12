#include "snn/channelwise.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace syn::snn {
namespace {

constexpr std::size_t kBatch = 64;  // taps a call; an even number

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
  if (padding_.empty() && fits_short(static_cast<Count>(from.greatest))) pack_pairs();
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

// Any sum over some of a channel's taps lies between the greatest count times its negative and times its positive
// weights.
bool Channelwise::fits_short(Count greatest) const {
  if (greatest > UINT8_MAX) return false;
  for (std::size_t c = 0; c < joined_; ++c) {
    std::int64_t negative = 0, positive = 0;
    for (std::size_t at = c; at < weights_.size(); at += joined_)
      (weights_[at] < 0 ? negative : positive) += weights_[at];
    if (std::max(-negative, positive) * greatest > INT16_MAX) return false;
  }
  return joined_ > 0;
}

void Channelwise::pack_pairs() {
  const std::size_t pair = 2 * (joined_ + kernels::kPairSlack);
  pairs_.assign((taps() + 1) / 2 * pair, 0);
  for (std::size_t tap = 0; tap < taps(); ++tap)
    for (std::size_t i = 0; i < joined_ + kernels::kPairSlack; ++i)
      pairs_[tap / 2 * pair + 2 * i + tap % 2] = static_cast<std::int8_t>(weights_[tap * joined_ + i % joined_]);
  weights_ = {};
  const auto copied = [](const Extent& e) {
    return static_cast<std::size_t>(std::max(e.source + e.pad, e.first(e.target - 1) + e.pad + e.reach()));
  };
  height_ = copied(y_);
  width_ = copied(x_);
}

const std::int32_t* Channelwise::add_row(const kernels::Table& kernels, const Count* counts, const std::uint8_t* copy,
                                         std::int64_t oy, const std::int32_t* from, std::int32_t* sums,
                                         const kernels::Firing* firing) const {
  if (joined_ == 0) return from;
  std::int32_t* const begin = sums;
  if (from != sums && joined_ < to_channels_) {
    std::copy_n(from, static_cast<std::size_t>(x_.target) * to_channels_, sums);
    from = sums;
  }
  from += first_to_;
  sums += first_to_;
  if (!pairs_.empty()) {
    if (firing && !fires_rows(*firing)) firing = nullptr;
    add_copied_rows(kernels, copy, static_cast<std::size_t>(oy), 1, from, sums, firing);
    return firing ? nullptr : begin;
  }
  counts += first_from_;
  std::array<kernels::Tap, kBatch> taps;
  for (std::int64_t ox = 0; ox < x_.target; ++ox, from += to_channels_, sums += to_channels_) {
    const std::int32_t* start = from;
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
          kernels.add_products({taps.data(), n}, joined_, start, sums);
          start = sums;
          n = 0;
        }
        const std::size_t at = static_cast<std::size_t>(iy * x_.source + ix) * from_channels_;
        taps[n++] = {inside ? counts + at : padding_.data(), weights};
      }
    }
    kernels.add_products({taps.data(), n}, joined_, start, sums);
  }
  return begin;
}

void Channelwise::open(const kernels::Table& kernels, const Count* counts, std::size_t first_row, std::size_t last_row,
                       std::uint8_t* copy) const {
  if (pairs_.empty()) return;
  const auto first = static_cast<std::size_t>(y_.first(static_cast<std::int64_t>(first_row)) + y_.pad);
  const auto last = static_cast<std::size_t>(y_.first(static_cast<std::int64_t>(last_row) - 1) + y_.pad + y_.reach());
  const auto top = static_cast<std::size_t>(y_.pad), height = static_cast<std::size_t>(y_.source);
  const auto width = static_cast<std::size_t>(x_.source), left = static_cast<std::size_t>(x_.pad) * joined_;
  for (std::size_t y = first; y < last; ++y) {
    std::uint8_t* to = copy + y * copied_row();
    if (y < top || y >= top + height) {
      std::fill_n(to, copied_row(), std::uint8_t{0});
      continue;
    }
    const Count* from = counts + (y - top) * width * from_channels_ + first_from_;
    std::fill_n(to, left, std::uint8_t{0});
    if (joined_ == from_channels_) {
      kernels.narrow(from, width * joined_, to + left);
    } else {
      for (std::size_t x = 0; x < width; ++x)
        kernels.narrow(from + x * from_channels_, joined_, to + left + x * joined_);
    }
    std::fill(to + left + width * joined_, to + copied_row(), std::uint8_t{0});
  }
}

bool Channelwise::fire_rows(const kernels::Table& kernels, const std::uint8_t* copy, std::size_t first_row,
                            std::size_t last_row, const kernels::Firing& firing) const {
  if (!fires_rows(firing) || !one_run()) return false;
  add_copied_rows(kernels, copy, first_row, last_row - first_row, nullptr, nullptr, &firing);
  return true;
}

void Channelwise::add_copied_rows(const kernels::Table& kernels, const std::uint8_t* copy, std::size_t oy,
                                  std::size_t rows, const std::int32_t* from, std::int32_t* sums,
                                  const kernels::Firing* firing) const {
  const auto positions = static_cast<std::size_t>(x_.target), pixels = static_cast<std::size_t>(x_.stride) * joined_;
  const auto stride = static_cast<std::size_t>(y_.stride) * copied_row();
  std::array<const std::uint8_t*, kBatch> counts;
  kernels::ChannelRow row{.taps = counts.data(),
                          .weights = pairs_.data(),
                          .pairs = 0,
                          .period = joined_,
                          .n = one_run() ? positions * joined_ : joined_,
                          .runs = one_run() ? rows : positions,
                          .step = one_run() ? stride : pixels,
                          .pitch = one_run() ? positions * joined_ : to_channels_};
  std::size_t n = 0;
  const auto flush = [&] {
    if (n % 2 != 0) counts[n] = counts[n - 1];  // its weights are zeros
    row.pairs = (n + 1) / 2;
    kernels.add_channels(row, from, sums, firing);
    row.weights += row.pairs * 2 * (joined_ + kernels::kPairSlack);
    from = sums;
    n = 0;
  };
  copy += oy * stride;
  for (std::int64_t ky = 0; ky < y_.kernel; ++ky, copy += static_cast<std::size_t>(y_.dilation) * copied_row()) {
    for (std::int64_t kx = 0; kx < x_.kernel; ++kx) {
      if (n == kBatch) flush();
      counts[n++] = copy + static_cast<std::size_t>(kx * x_.dilation) * joined_;
    }
  }
  flush();
}

}  // namespace syn::snn
