#include "conversion/nir/shapes.hpp"

#include <algorithm>

#include "conversion/nir/read.hpp"
#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::nir {
namespace {

using Result = std::expected<Shape, std::string>;

template <class... Parts>
std::unexpected<std::string> no(const Parts&... parts) {
  return std::unexpected(text::cat(parts...));
}

bool spreads(const Shape& from, const Shape& to) {
  if (from.size() > to.size()) return elements(from) == 1;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::int64_t dim = from[from.size() - 1 - i];
    if (dim != 1 && dim != to[to.size() - 1 - i]) return false;
  }
  return true;
}

// Every Tensor of an element-wise primitive (neurons, Scale, Delay, Threshold).
template <class P>
std::vector<std::pair<const char*, const Tensor*>> parameters(const P& primitive) {
  std::vector<std::pair<const char*, const Tensor*>> out;
  P::each(primitive, [&](const char* name, const auto& field) {
    using F = std::remove_cvref_t<decltype(field)>;
    if constexpr (std::is_same_v<F, Tensor>) out.emplace_back(name, &field);
    if constexpr (std::is_same_v<F, std::optional<Tensor>>) {
      if (field) out.emplace_back(name, &*field);
    }
    return true;
  });
  return out;
}

template <class P>
constexpr bool kElementwise = std::is_same_v<P, Scale> || std::is_same_v<P, Delay> || std::is_same_v<P, Threshold> ||
                              std::is_same_v<P, I> || std::is_same_v<P, IF> || std::is_same_v<P, LI> ||
                              std::is_same_v<P, LIF> || std::is_same_v<P, CubaLI> || std::is_same_v<P, CubaLIF>;
template <class P>
constexpr bool kMatrix = std::is_same_v<P, Affine> || std::is_same_v<P, Linear>;
template <class P>
constexpr bool kPool = std::is_same_v<P, AvgPool2d> || std::is_same_v<P, SumPool2d>;

// One axis of a convolution or a pool: how many windows fit.
Result window(const char* axis, std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
              std::int64_t dilation) {
  if (kernel < 1 || stride < 1 || dilation < 1 || padding < 0)
    return no("along its ", axis, " the kernel is ", kernel, ", the stride ", stride, ", the dilation ", dilation,
              " and the padding ", padding, ": all but the padding have to be 1 or more");
  const std::int64_t span = dilation * (kernel - 1) + 1, room = in + 2 * padding - span;
  if (room < 0)
    return no("along its ", axis, " a window of ", span, " does not fit into ", in, " with a padding of ", padding);
  return Shape{room / stride + 1};
}

template <class Size>
std::int64_t at(const Size& size, std::size_t axis) {
  if constexpr (std::is_same_v<Size, Pair>)
    return size[axis];
  else
    return size;
}

template <class Conv>
Result convolve(const Conv& conv, const Shape& in) {
  constexpr std::size_t kAxes = std::is_same_v<Conv, Conv2d> ? 2 : 1;
  constexpr const char* kNames[] = {"height", "width"};
  const Shape weight = shape_of(conv.weight);
  if (weight.size() != kAxes + 2) return no("its weight has ", weight.size(), " axes instead of ", kAxes + 2);
  if (in.size() != kAxes + 1) return no("its input is ", to_text(in), ", not channels and ", kAxes, " axes of space");
  if (conv.groups < 1 || weight[0] % conv.groups != 0)
    return no("its ", weight[0], " channels cannot be cut into ", conv.groups, " groups");
  if (in[0] != weight[1] * conv.groups)
    return no("its input has ", in[0], " channels, its weight takes ", weight[1] * conv.groups);
  if (const Shape bias = shape_of(conv.bias); !spreads(bias, {weight[0]}))
    return no("its bias is ", to_text(bias), " for ", weight[0], " channels");
  if (conv.input_shape) {
    for (std::size_t axis = 0; axis < kAxes; ++axis) {
      if (at(*conv.input_shape, axis) != in[axis + 1])
        return no("it states an input of ", at(*conv.input_shape, axis), " along axis ", axis, " and gets ",
                  in[axis + 1]);
    }
  }
  Shape out{weight[0]};
  using Kind = decltype(conv.padding.kind);
  for (std::size_t axis = 0; axis < kAxes; ++axis) {
    const std::int64_t stride = at(conv.stride, axis);
    const bool same = conv.padding.kind == Kind::same;
    if (same && stride != 1) return no("padding 'same' has no meaning with a stride of ", stride);
    const std::int64_t padding = conv.padding.kind == Kind::zeros ? at(conv.padding.size, axis) : 0;
    // 'same' adds as much as the window spans beyond one, whatever the side.
    const auto found = window(kNames[axis + 2 - kAxes],
                              same ? in[axis + 1] + at(conv.dilation, axis) * (weight[axis + 2] - 1) : in[axis + 1],
                              weight[axis + 2], stride, padding, at(conv.dilation, axis));
    if (!found) return found;
    out.push_back(found->front());
  }
  return out;
}

Result flatten(const Flatten& node, const Shape& in) {
  if (node.input_type && *node.input_type != in)
    return no("it states an input of ", to_text(*node.input_type), " and gets ", to_text(in));
  const auto rank = static_cast<std::int64_t>(in.size());
  const std::int64_t start = node.start_dim.value_or(1), end = node.end_dim.value_or(-1);
  const std::int64_t first = start < 0 ? start + rank : start, last = end < 0 ? end + rank : end;
  if (first < 0 || last >= rank || first > last)
    return no("start_dim ", start, " and end_dim ", end, " do not name axes of ", to_text(in),
              " (the batch is not one of them)");
  Shape out(in.begin(), in.begin() + first);
  std::int64_t middle = 1;
  for (std::int64_t axis = first; axis <= last; ++axis) middle *= in[static_cast<std::size_t>(axis)];
  out.push_back(middle);
  out.insert(out.end(), in.begin() + last + 1, in.end());
  return out;
}

}  // namespace

std::int64_t elements(const Shape& shape) {
  std::int64_t out = 1;
  for (const std::int64_t dim : shape) {
    if (dim < 1 || out > kGreatestSize / dim) return dim < 1 ? 0 : kGreatestSize + 1;
    out *= dim;
  }
  return out;
}
std::string to_text(const Shape& shape) {
  if (shape.empty()) return "one number";
  std::string out;
  for (const std::int64_t dim : shape) out += text::cat(out.empty() ? "" : " x ", dim);
  return out;
}
Shape shape_of(const Tensor& tensor) {
  return Shape(tensor.shape.begin(), tensor.shape.end());
}

std::vector<double> spread(const Tensor& parameter, const Shape& population) {
  const Shape from = shape_of(parameter);
  const auto count = static_cast<std::size_t>(elements(population));
  if (elements(from) == 1) return std::vector<double>(count, parameter.values.at(0));
  SYN_ASSERT(spreads(from, population), to_text(from), to_text(population));
  if (from == population) return parameter.values;
  std::vector<double> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t left = i, source = 0, stride = 1;
    for (std::size_t axis = 0; axis < from.size(); ++axis) {
      const auto dim = static_cast<std::size_t>(population[population.size() - 1 - axis]);
      const auto own = static_cast<std::size_t>(from[from.size() - 1 - axis]);
      if (own != 1) source += left % dim * stride;
      stride *= own;
      left /= dim;
    }
    out[i] = parameter.values[source];
  }
  return out;
}

std::optional<Shape> stated_input(const Node& node) {
  return std::visit(
      [](const auto& p) -> std::optional<Shape> {
        using P = std::remove_cvref_t<decltype(p)>;
        if constexpr (std::is_same_v<P, Input> || std::is_same_v<P, Output>) {
          return p.shape;
        } else if constexpr (kMatrix<P>) {
          Shape in = shape_of(p.weight);
          if (in.size() < 2) return {};
          in.erase(in.end() - 2);
          return in;
        } else if constexpr (kElementwise<P>) {
          std::optional<Shape> out;
          for (const auto& [name, tensor] : parameters(p)) {
            const Shape shape = shape_of(*tensor);
            if (elements(shape) > 1 && (!out || shape.size() > out->size() || elements(shape) > elements(*out)))
              out = shape;
          }
          return out;
        } else if constexpr (std::is_same_v<P, Conv2d>) {
          const Shape weight = shape_of(p.weight);
          if (!p.input_shape || weight.size() != 4 || p.groups < 1) return {};
          return Shape{weight[1] * p.groups, (*p.input_shape)[0], (*p.input_shape)[1]};
        } else if constexpr (std::is_same_v<P, Conv1d>) {
          const Shape weight = shape_of(p.weight);
          if (!p.input_shape || weight.size() != 3 || p.groups < 1) return {};
          return Shape{weight[1] * p.groups, *p.input_shape};
        } else if constexpr (std::is_same_v<P, Flatten>) {
          return p.input_type;
        } else {
          return {};
        }
      },
      node.primitive);
}

std::expected<Shape, std::string> output_shape(const Node& node, const Shape& in) {
  return std::visit(
      [&](const auto& p) -> Result {
        using P = std::remove_cvref_t<decltype(p)>;
        if constexpr (std::is_same_v<P, Input> || std::is_same_v<P, Output>) {
          if (p.shape != in) return no("it states a shape of ", to_text(p.shape), " and gets ", to_text(in));
          return in;
        } else if constexpr (kMatrix<P>) {
          const Shape weight = shape_of(p.weight);
          if (weight.size() < 2) return no("its weight is ", to_text(weight), ", not at least a matrix");
          Shape takes = weight, out = weight;
          takes.erase(takes.end() - 2);
          out.pop_back();
          if (takes != in)
            return no("its input is ", to_text(in), ", its weight takes ", to_text(takes),
                      elements(takes) == elements(in) ? " (a Flatten is missing)" : "");
          if constexpr (std::is_same_v<P, Affine>) {
            if (const Shape bias = shape_of(p.bias); !spreads(bias, out))
              return no("its bias is ", to_text(bias), " for an output of ", to_text(out));
          }
          return out;
        } else if constexpr (kElementwise<P>) {
          for (const auto& [name, tensor] : parameters(p)) {
            if (const Shape shape = shape_of(*tensor); !spreads(shape, in))
              return no("its ", name, " is ", to_text(shape), ", its input ", to_text(in));
            const bool time = std::string_view(name).starts_with("tau"), delay = std::is_same_v<P, Delay>;
            for (const double v : tensor->values) {
              if ((time && !(v > 0)) || (delay && !(v >= 0)))
                return no("its ", name, " is ", v, " seconds, and has to be ", time ? "above" : "at least", " zero");
            }
          }
          return in;
        } else if constexpr (std::is_same_v<P, Conv1d> || std::is_same_v<P, Conv2d>) {
          return convolve(p, in);
        } else if constexpr (kPool<P>) {
          if (in.size() != 3) return no("its input is ", to_text(in), ", not channels, height and width");
          const auto height = window("height", in[1], p.kernel_size[0], p.stride[0], p.padding[0], 1);
          const auto width = window("width", in[2], p.kernel_size[1], p.stride[1], p.padding[1], 1);
          if (!height || !width) return height ? width : height;
          return Shape{in[0], height->front(), width->front()};
        } else if constexpr (std::is_same_v<P, Flatten>) {
          return flatten(p, in);
        } else {
          static_assert(std::is_same_v<P, Subgraph>);
          SYN_ASSERT(false, "subgraphs are dissolved before shapes are asked for");
          return in;
        }
      },
      node.primitive);
}

}  // namespace syn::nir
