#include "snn/layers.hpp"

#include <algorithm>

#include "snn/kernels/reference.hpp"

namespace syn::snn {
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
  const std::int64_t y_end = std::min(y.first(oy) + y.reach(), y.source),
                     x_end = std::min(x.first(ox) + x.reach(), x.source);
  for (std::int64_t iy = y.first_inside(oy); iy < y_end; iy += y.dilation)
    for (std::int64_t ix = x.first_inside(ox); ix < x_end; ix += x.dilation)
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

namespace {

// Whether every window lies in the source and reads adjacent positions.
template <class W>
bool windows_are_whole(const W& window, const Shape& from, const Shape& to) {
  const Extent y = vertical(window, from, to), x = horizontal(window, from, to);
  return y.dilation == 1 && x.dilation == 1 && y.pad == 0 && x.pad == 0 &&
         y.first(y.target - 1) + y.kernel <= y.source && x.first(x.target - 1) + x.kernel <= x.source;
}
// `counts` without slack: rows at whose end nothing else lies are left to `plain`.
template <class W, class Kernel>
void pool_whole(const W& window, const Shape& from, const Shape& to, const Count* counts, bool slack, Count* out,
                Kernel kernel, Kernel plain) {
  const std::size_t pitch = std::size_t{from.width} * from.channels;
  const kernels::PoolWindow pool{.height = window.kernel_height,
                                 .width = window.kernel_width,
                                 .pitch = pitch,
                                 .stride = std::size_t{window.stride_x} * from.channels,
                                 .channels = from.channels};
  for (std::uint32_t oy = 0; oy < to.height; ++oy, counts += window.stride_y * pitch) {
    const std::size_t behind = (from.height - std::size_t{oy} * window.stride_y - window.kernel_height) * pitch;
    const auto pool_row = slack || behind >= kernels::kSlack ? kernel : plain;
    pool_row(pool, counts, to.width, out + std::size_t{oy} * to.width * to.channels);
  }
}

}  // namespace

void sum_pool(const kernels::Table& kernels, const SumPool& pool, const Shape& from, const Shape& to,
              const Count* counts, bool slack, Count* out) {
  if (windows_are_whole(pool, from, to) && pool.multiplier.empty())
    return pool_whole(pool, from, to, counts, slack, out, kernels.sum_windows, kernels::reference::sum_windows);
  std::fill_n(out, to.neurons(), Count{0});
  for (std::uint32_t oy = 0; oy < to.height; ++oy)  // sums stay below 2^15 (rules.cpp), so 16 bits hold them
    add_pooled_row(pool, from, to, counts, oy, out + std::size_t{oy} * to.width * to.channels);
}

void max_pool(const kernels::Table& kernels, const MaxPool& pool, const Shape& from, const Shape& to,
              const Count* counts, bool slack, Count* out) {
  if (windows_are_whole(pool, from, to))
    return pool_whole(pool, from, to, counts, slack, out, kernels.greatest_of_windows,
                      kernels::reference::greatest_of_windows);
  max_pool(pool, from, to, counts, out);
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
template void max_pool(const MaxPool&, const Shape&, const Shape&, const std::int32_t*, std::int32_t*);

void add_fan_out(const Model& model, const Projection& projection, std::span<std::uint32_t> fan_out) {
  const Shape &from = model.populations[projection.from].shape, &to = model.populations[projection.to].shape;
  const auto joins = [&](std::size_t channel, std::int32_t shift) {
    const std::int64_t target = static_cast<std::int64_t>(channel) + shift;
    return target >= 0 && target < std::int64_t{to.channels};
  };
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
  } else if (const auto* depthwise = std::get_if<Depthwise>(&projection.connection)) {
    each_tap(*depthwise, from, to, [&](std::size_t source, std::size_t, std::size_t tap) {
      for (std::size_t c = 0; c < from.channels; ++c)
        if (joins(c, depthwise->shift))
          fan_out[source * from.channels + c] += depthwise->weights[tap * from.channels + c] != 0;
    });
  } else if (const auto* one = std::get_if<OneToOne>(&projection.connection)) {
    for (std::size_t i = 0; i < fan_out.size(); ++i)
      if (const std::size_t c = i % from.channels; joins(c, one->shift)) fan_out[i] += one->multiplier[c] != 0;
  }
}

}  // namespace syn::snn
