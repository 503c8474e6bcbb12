#include "snn/layers.hpp"

#include <algorithm>
#include <array>

#include "snn/kernels/reference.hpp"

namespace syn::snn {
namespace {

std::size_t rounded_up(std::size_t n, std::size_t step) {
  return (n + step - 1) / step * step;
}

}  // namespace

Linear::Linear(const Conv& conv, const Population& from, const Population& to)
    : y_(vertical(conv, from.shape, to.shape)),
      x_(horizontal(conv, from.shape, to.shape)),
      channels_(from.shape.channels) {
  if (const auto* source = std::get_if<Source>(&from.kind))
    if (std::ranges::any_of(source->padding, [](Count c) { return c != 0; })) padding_ = source->padding;
  copies_ = channels_ % 2 != 0 || !padding_.empty();
  inner_height_ = y_.source;
  inner_width_ = x_.source;
  if (!padding_.empty()) {  // the border becomes part of the source
    const auto absorb = [](Extent& e, std::int64_t& border) {
      border = e.pad;
      e.source = std::max(e.source + border, e.first(e.target - 1) + border + e.reach());
      e.pad = 0;
    };
    absorb(y_, border_top_);
    absorb(x_, border_left_);
  }
  pack(conv.weights, static_cast<std::size_t>(y_.kernel * x_.kernel), channels_, to.shape.channels);
}

Linear::Linear(const Dense& dense, const Population& from, const Population& to)
    : y_{1, 1, 1, 0, 1, 1}, x_{1, 1, 1, 0, 1, 1}, channels_(from.shape.neurons()), inner_height_(1), inner_width_(1) {
  copies_ = channels_ % 2 != 0;
  pack(dense.weights, 1, channels_, to.shape.channels);
}

void Linear::pack(std::span<const std::int8_t> weights, std::size_t taps, std::size_t inputs, std::size_t outputs) {
  pairs_ = (inputs + 1) / 2;
  outputs_ = outputs;
  padded_outputs_ = rounded_up(outputs, kernels::kTile);
  packed_.assign(taps * pairs_ * padded_outputs_ * 2, 0);
  for (std::size_t tap = 0; tap < taps; ++tap)
    for (std::size_t in = 0; in < inputs; ++in)
      for (std::size_t out = 0; out < outputs; ++out)
        packed_[((tap * pairs_ + in / 2) * padded_outputs_ + out) * 2 + in % 2] =
            weights[(tap * inputs + in) * outputs + out];
}

void Linear::list(const kernels::Table& kernels, const Count* counts, const Events& events) const {
  const std::size_t width = 2 * pairs_;
  if (copies_) {
    Count* to = events.copy;
    for (std::int64_t iy = 0; iy < y_.source; ++iy) {
      for (std::int64_t ix = 0; ix < x_.source; ++ix, to += width) {
        const std::int64_t sy = iy - border_top_, sx = ix - border_left_;
        to[width - 1] = 0;
        if (sy >= 0 && sy < inner_height_ && sx >= 0 && sx < inner_width_)
          std::copy_n(counts + static_cast<std::size_t>(sy * inner_width_ + sx) * channels_, channels_, to);
        else
          std::ranges::copy(padding_, to);
      }
    }
    counts = events.copy;
  }
  const auto row = static_cast<std::uint32_t>(padded_outputs_ * 2), pixel = row * static_cast<std::uint32_t>(pairs_);
  std::size_t n = 0, position = 0, left = pair_count();
  const auto list_some = [&](const auto& kernel, const Count* from, std::size_t pairs, std::uint32_t offset) {
    n += kernel(from, pairs, offset, row, events.values + n, events.offsets + n);
  };
  for (std::int64_t iy = 0; iy < y_.source; ++iy) {
    for (std::uint32_t ix = 0; ix < x_.source; ++ix, ++position, counts += width, left -= pairs_) {
      events.starts[position] = static_cast<std::uint32_t>(n);
      // Vector kernels read ahead: not beyond the last pair. Below four pairs a vector does not pay.
      const std::size_t ahead = left > kernels::kReadAhead ? left - kernels::kReadAhead : 0;
      const std::size_t fast = pairs_ < 4 ? 0 : std::min(pairs_, ahead);
      if (fast > 0) list_some(kernels.list_events, counts, fast, ix * pixel);
      if (fast < pairs_)
        list_some(kernels::reference::list_events, counts + 2 * fast, pairs_ - fast,
                  ix * pixel + row * static_cast<std::uint32_t>(fast));
    }
  }
  events.starts[position] = static_cast<std::uint32_t>(n);
}

void Linear::add_row(const kernels::Table& kernels, const Events& events, std::int64_t oy, std::int32_t* sums) const {
  const std::int64_t pixel = static_cast<std::int64_t>(pairs_ * padded_outputs_ * 2);
  constexpr std::size_t kBatch = 64;
  std::array<kernels::Segment, kBatch> segments;
  for (std::int64_t ox = 0; ox < x_.target; ++ox, sums += outputs_) {
    const std::int64_t x0 = x_.first(ox), y0 = y_.first(oy);
    std::size_t n = 0;
    const auto flush = [&] {
      if (n > 0)
        kernels.gather(events.values, events.offsets, {segments.data(), n}, packed_.data(), padded_outputs_, sums);
      n = 0;
    };
    const auto add = [&](std::int64_t iy, std::int64_t begin, std::int64_t end, std::int64_t base) {
      const std::uint32_t* starts = events.starts + iy * x_.source;
      if (starts[begin] == starts[end]) return;
      if (n == kBatch) flush();
      segments[n++] = {starts[begin], starts[end], base * pixel};
    };
    for (std::int64_t ky = 0; ky < y_.kernel; ++ky) {
      const std::int64_t iy = y0 + ky * y_.dilation;
      if (iy < 0 || iy >= y_.source) continue;
      if (x_.dilation == 1) {
        // The weights of kernel column kx meet pixel x0 + kx, whose offsets start at (x0 + kx) pixels.
        const std::int64_t begin = std::max<std::int64_t>(x0, 0), end = std::min(x0 + x_.kernel, x_.source);
        if (begin < end) add(iy, begin, end, ky * x_.kernel - x0);
      } else {
        for (std::int64_t kx = 0; kx < x_.kernel; ++kx) {
          const std::int64_t ix = x0 + kx * x_.dilation;
          if (ix >= 0 && ix < x_.source) add(iy, ix, ix + 1, ky * x_.kernel + kx - ix);
        }
      }
    }
    flush();
  }
}

namespace {

// Calls fn(source position, target position, kernel position) for every synapse bundle that is not padding.
template <class W, class Fn>
void each_tap(const W& window, const Shape& from, const Shape& to, Fn&& fn) {
  const Extent y = vertical(window, from, to), x = horizontal(window, from, to);
  for (std::int64_t oy = 0; oy < y.target; ++oy)
    for (std::int64_t ox = 0; ox < x.target; ++ox)
      for (std::int64_t ky = 0; ky < y.kernel; ++ky) {
        const std::int64_t iy = y.first(oy) + ky * y.dilation;
        if (iy < 0 || iy >= y.source) continue;
        for (std::int64_t kx = 0; kx < x.kernel; ++kx) {
          const std::int64_t ix = x.first(ox) + kx * x.dilation;
          if (ix < 0 || ix >= x.source) continue;
          fn(static_cast<std::size_t>(iy * x.source + ix), static_cast<std::size_t>(oy * x.target + ox),
             static_cast<std::size_t>(ky * x.kernel + kx));
        }
      }
}

// Calls fn(source pixel's counts) for every pixel under the kernel of target position (oy, ox).
template <class W, class T, class Fn>
void each_pixel(const W& window, const Shape& from, const Shape& to, const T* counts, std::int64_t oy, std::int64_t ox,
                Fn&& fn) {
  const Extent y = vertical(window, from, to), x = horizontal(window, from, to);
  const std::int64_t y_end = std::min(y.first(oy) + y.kernel, y.source),
                     x_end = std::min(x.first(ox) + x.kernel, x.source);
  for (std::int64_t iy = std::max<std::int64_t>(y.first(oy), 0); iy < y_end; ++iy)
    for (std::int64_t ix = std::max<std::int64_t>(x.first(ox), 0); ix < x_end; ++ix)
      fn(counts + static_cast<std::size_t>(iy * x.source + ix) * from.channels);
}

template <class T>
void add_pooled_row(const SumPool& pool, const Shape& from, const Shape& to, const Count* counts, std::int64_t oy,
                    T* sums) {
  for (std::int64_t ox = 0; ox < to.width; ++ox, sums += to.channels) {
    const std::uint32_t multiplier =
        pool.multiplier.empty() ? 1u : (pool.multiplier[static_cast<std::size_t>(oy * to.width + ox)]);
    each_pixel(pool, from, to, counts, oy, ox, [&](const Count* pixel) {
      for (std::uint32_t c = 0; c < to.channels; ++c)
        sums[c] = static_cast<T>(sums[c] + static_cast<T>(pixel[c] * multiplier));
    });
  }
}

}  // namespace

void add_sum_pool(const SumPool& pool, const Shape& from, const Shape& to, const Count* counts, std::int64_t oy,
                  std::int32_t* sums) {
  add_pooled_row(pool, from, to, counts, oy, sums);
}

void sum_pool(const SumPool& pool, const Shape& from, const Shape& to, const Count* counts, Count* out) {
  std::fill_n(out, to.neurons(), Count{0});
  for (std::uint32_t oy = 0; oy < to.height; ++oy)  // sums stay below 2^15 (rules.cpp), so 16 bits hold them
    add_pooled_row(pool, from, to, counts, oy, out + std::size_t{oy} * to.width * to.channels);
}

template <class T>
void max_pool(const MaxPool& pool, const Shape& from, const Shape& to, const T* counts, T* out) {
  std::fill_n(out, to.neurons(), T{0});
  for (std::uint32_t oy = 0; oy < to.height; ++oy)
    for (std::uint32_t ox = 0; ox < to.width; ++ox, out += to.channels)
      each_pixel(pool, from, to, counts, oy, ox, [&](const T* pixel) {
        for (std::uint32_t c = 0; c < to.channels; ++c) out[c] = std::max(out[c], pixel[c]);
      });
}
template void max_pool(const MaxPool&, const Shape&, const Shape&, const Count*, Count*);
template void max_pool(const MaxPool&, const Shape&, const Shape&, const std::int32_t*, std::int32_t*);

void add_fan_out(const Model& model, const Projection& projection, std::span<std::uint32_t> fan_out) {
  const Shape &from = model.populations[projection.from].shape, &to = model.populations[projection.to].shape;
  const auto non_zero = [](std::span<const std::int8_t> weights) {
    return static_cast<std::uint32_t>(weights.size() - static_cast<std::size_t>(std::ranges::count(weights, 0)));
  };
  if (const auto* conv = std::get_if<Conv>(&projection.connection)) {
    const std::size_t taps = std::size_t{conv->kernel_height} * conv->kernel_width;
    std::vector<std::uint32_t> of_tap(taps * from.channels);  // non-zero weights of [tap][source channel]
    for (std::size_t i = 0; i < of_tap.size(); ++i)
      of_tap[i] = non_zero(std::span(conv->weights).subspan(i * to.channels, to.channels));
    each_tap(*conv, from, to, [&](std::size_t source, std::size_t, std::size_t tap) {
      for (std::size_t c = 0; c < from.channels; ++c)
        fan_out[source * from.channels + c] += of_tap[tap * from.channels + c];
    });
  } else if (const auto* dense = std::get_if<Dense>(&projection.connection)) {
    for (std::size_t i = 0; i < fan_out.size(); ++i)
      fan_out[i] += non_zero(std::span(dense->weights).subspan(i * to.channels, to.channels));
  } else if (const auto* pool = std::get_if<SumPool>(&projection.connection)) {
    each_tap(*pool, from, to, [&](std::size_t source, std::size_t target, std::size_t) {
      if (!pool->multiplier.empty() && pool->multiplier[target] == 0) return;
      for (std::size_t c = 0; c < from.channels; ++c) ++fan_out[source * from.channels + c];
    });
  }
}

}  // namespace syn::snn
