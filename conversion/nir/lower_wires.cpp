#include <algorithm>
#include <cmath>

#include "conversion/nir/lower_parts.hpp"
#include "core/text.hpp"

namespace syn::nir {
namespace {

namespace real = snn::real;

std::vector<float> floats(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}
std::vector<float> bias(const Tensor& tensor, std::int64_t channels) {
  const auto values = spread(tensor, {channels});
  if (std::all_of(values.begin(), values.end(), [](double v) { return v == 0; })) return {};
  return floats(values);
}

// (..., out, in): a matrix for each of the leading axes, side by side.
real::Connection matrix(const Tensor& weight, std::vector<float> bias) {
  if (weight.shape.size() == 2) return real::Dense{.weights = floats(weight.values), .bias = std::move(bias)};
  const auto in = static_cast<std::uint32_t>(weight.shape.back());
  const auto out = static_cast<std::uint32_t>(weight.shape[weight.shape.size() - 2]);
  const auto blocks = static_cast<std::uint32_t>(weight.values.size() / in / out);
  real::Sparse sparse{.row = {0}, .source = {}, .weights = floats(weight.values), .bias = std::move(bias)};
  for (std::uint32_t row = 0; row < blocks * out; ++row) {
    for (std::uint32_t i = 0; i < in; ++i) sparse.source.push_back(row / out * in + i);
    sparse.row.push_back(static_cast<std::uint32_t>(sparse.source.size()));
  }
  return sparse;
}

template <class P>
real::Conv convolution(const P& p) {
  constexpr bool kTwo = std::is_same_v<P, Conv2d>;
  real::Conv out{.groups = static_cast<std::uint32_t>(p.groups), .weights = floats(p.weight.values)};
  out.bias = bias(p.bias, static_cast<std::int64_t>(p.weight.shape[0]));
  for (std::size_t axis = kTwo ? 0 : 1; axis < 2; ++axis) {
    const auto of = [&](const auto& size) {
      if constexpr (kTwo)
        return static_cast<std::uint32_t>(size[axis]);
      else
        return static_cast<std::uint32_t>(size);
    };
    out.kernel[axis] = static_cast<std::uint32_t>(p.weight.shape[kTwo ? axis + 2 : 2]);
    out.stride[axis] = of(p.stride);
    out.dilation[axis] = of(p.dilation);
    using Kind = decltype(p.padding.kind);
    if (p.padding.kind == Kind::zeros) out.pad_begin[axis] = out.pad_end[axis] = of(p.padding.size);
    if (p.padding.kind == Kind::same) {  // an odd zero goes to the end, as in PyTorch
      const std::uint32_t all = out.dilation[axis] * (out.kernel[axis] - 1);
      out.pad_begin[axis] = all / 2;
      out.pad_end[axis] = all - all / 2;
    }
  }
  return out;
}

template <class P>
real::Pool pool(const P& p) {
  real::Pool out{.average = std::is_same_v<P, AvgPool2d> ? 1u : 0u};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    out.kernel[axis] = static_cast<std::uint32_t>(p.kernel_size[axis]);
    out.stride[axis] = static_cast<std::uint32_t>(p.stride[axis]);
    out.pad_begin[axis] = out.pad_end[axis] = static_cast<std::uint32_t>(p.padding[axis]);
  }
  return out;
}

std::expected<Wire, std::string> delay(const Delay& p, const Shape& population, double dt) {
  real::Delays out;
  for (const double seconds : spread(p.delay, population)) {
    const double steps = std::round(seconds / dt);
    if (steps > double(real::kMostDelay))
      return std::unexpected(
          text::cat("its delay of ", seconds, " seconds is ", steps, " steps; ", real::kMostDelay, " are possible"));
    out.steps.push_back(static_cast<std::uint32_t>(steps));
  }
  const std::uint32_t first = out.steps.front();
  if (std::all_of(out.steps.begin(), out.steps.end(), [&](std::uint32_t s) { return s == first; }))
    return Wire{.connection = real::Identity{}, .delay = first, .passes = true};
  return Wire{.connection = std::move(out)};
}

}  // namespace

std::expected<Wire, std::string> wire_of(const Shapes::Place& place, double dt) {
  return std::visit(
      [&](const auto& p) -> std::expected<Wire, std::string> {
        using P = std::remove_cvref_t<decltype(p)>;
        if constexpr (std::is_same_v<P, Affine>) {
          const auto values = spread(p.bias, place.out);
          const bool none = std::all_of(values.begin(), values.end(), [](double v) { return v == 0; });
          return Wire{.connection = matrix(p.weight, none ? std::vector<float>{} : floats(values))};
        } else if constexpr (std::is_same_v<P, Linear>) {
          return Wire{.connection = matrix(p.weight, {})};
        } else if constexpr (std::is_same_v<P, Scale>) {
          return Wire{.connection = real::Scale{floats(spread(p.scale, place.in))}};
        } else if constexpr (std::is_same_v<P, Conv1d> || std::is_same_v<P, Conv2d>) {
          return Wire{.connection = convolution(p), .grid = true};
        } else if constexpr (std::is_same_v<P, AvgPool2d> || std::is_same_v<P, SumPool2d>) {
          return Wire{.connection = pool(p), .grid = true};
        } else if constexpr (std::is_same_v<P, Delay>) {
          return delay(p, place.in, dt);
        } else {  // Flatten, and the ends of graphs
          return Wire{.connection = real::Identity{}, .passes = true};
        }
      },
      place.node->primitive);
}

}  // namespace syn::nir
