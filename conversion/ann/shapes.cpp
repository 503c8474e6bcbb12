#include "conversion/ann/shapes.hpp"

#include <algorithm>
#include <cmath>

#include "core/text.hpp"

namespace syn::ann {
namespace {

constexpr std::int64_t kGreatestLevels = 1 << 16;
constexpr std::size_t kGreatestInputs = 1024;

std::unexpected<Error> mismatch(const Node& node, std::string what) {
  return fail(std::move(what), text::cat("node '", node.name, "' (", name_of(node.op), ")"),
              "check the shapes of the exported network");
}

bool holds(const Tensor& tensor, std::initializer_list<std::int64_t> shape) {
  return std::ranges::equal(tensor.shape, shape) &&
         static_cast<std::int64_t>(tensor.data.size()) == elements(tensor.shape);
}

// One value, or one a channel.
bool per_channel(const Tensor& tensor, const ValueShape& in) {
  return holds(tensor, {1}) || holds(tensor, {in[0]});
}

struct Out {
  const Node& node;
  std::span<const ValueShape> all;
  const ValueShape& in = all[0];

  Expected<ValueShape> operator()(const Conv& conv) const {
    if (in.size() != 3)
      return mismatch(node, text::cat("a convolution over ", text_of(in), "; only two spatial axes are supported"));
    const auto& g = conv.geometry;
    const std::int64_t out = conv.weight.shape.empty() ? 0 : conv.weight.shape[0];
    if (conv.groups < 1 || conv.groups > in[0] || in[0] % conv.groups != 0 || out < 1 || out % conv.groups != 0) {
      return mismatch(node, text::cat(in[0], " channels do not go into ", conv.groups, " groups of ", out, " outputs"));
    }
    if (!holds(conv.weight, {out, in[0] / conv.groups, g.kernel[0], g.kernel[1]})) {
      return mismatch(node,
                      text::cat("the weights ", text_of(conv.weight.shape), " do not fit an input of ", text_of(in)));
    }
    if (!conv.bias.data.empty() && !holds(conv.bias, {out}))
      return mismatch(node, "the bias is not one value per output channel");
    return window(g, out, false);
  }
  Expected<ValueShape> operator()(const Gemm& gemm) const {
    const std::int64_t out = gemm.weight.shape.empty() ? 0 : gemm.weight.shape[0];
    if (in.size() != 1 || out < 1 || !holds(gemm.weight, {out, in[0]})) {
      return mismatch(node,
                      text::cat("the weights ", text_of(gemm.weight.shape), " do not fit an input of ", text_of(in)));
    }
    if (!gemm.bias.data.empty() && !holds(gemm.bias, {out}))
      return mismatch(node, "the bias is not one value per output");
    return ValueShape{out};
  }
  Expected<ValueShape> operator()(const BatchNormalization& bn) const {
    for (const Tensor* tensor : {&bn.scale, &bn.bias, &bn.mean, &bn.variance}) {
      if (!holds(*tensor, {in[0]})) return mismatch(node, text::cat("its parameters are not ", in[0], " values each"));
    }
    for (const float v : bn.variance.data) {
      if (!(v + bn.epsilon > 0)) return mismatch(node, "a variance plus epsilon is not positive");
    }
    return in;
  }
  Expected<ValueShape> operator()(const Affine& affine) const {
    if (!per_channel(affine.factor, in) || !per_channel(affine.shift, in)) {
      return mismatch(node, text::cat("its constants ", text_of(affine.factor.shape), " and ",
                                      text_of(affine.shift.shape), " are not one value per channel of ", text_of(in)));
    }
    return in;
  }
  Expected<ValueShape> operator()(const Relu&) const { return in; }
  Expected<ValueShape> operator()(const LeakyRelu& relu) const {
    if (!std::isfinite(relu.slope)) return mismatch(node, "its slope is not a number");
    return in;
  }
  Expected<ValueShape> operator()(const Clip& clip) const {
    if (!(clip.low <= clip.high)) return mismatch(node, text::cat("it clips to ", clip.low, " .. ", clip.high));
    return in;
  }
  Expected<ValueShape> operator()(const Floor&) const { return in; }
  Expected<ValueShape> operator()(const QuantisedRelu& relu) const {
    if (!per_channel(relu.ceiling, in) || relu.levels < 1 || relu.levels > kGreatestLevels ||
        !std::ranges::all_of(relu.ceiling.data, [](float v) { return v > 0 && std::isfinite(v); })) {
      return mismatch(node, text::cat("its ceilings are not one positive value per channel of ", text_of(in),
                                      ", or its levels (", relu.levels, ") are not 1 to ", kGreatestLevels));
    }
    return in;
  }
  Expected<ValueShape> operator()(const LocalResponseNormalization& lrn) const {
    if (lrn.size < 1 || lrn.size > kGreatestExtent || !std::isfinite(lrn.alpha) || !std::isfinite(lrn.beta) ||
        !std::isfinite(lrn.bias)) {
      return mismatch(node, "its size, alpha, beta or bias is out of range");
    }
    return in;
  }
  Expected<ValueShape> operator()(const AveragePool& pool) const { return pooled(pool.geometry, pool.ceil_mode); }
  Expected<ValueShape> operator()(const MaxPool& pool) const { return pooled(pool.geometry, pool.ceil_mode); }
  Expected<ValueShape> operator()(const Flatten&) const { return ValueShape{elements(in)}; }
  Expected<ValueShape> operator()(const Reshape& reshape) const {
    if (reshape.shape.size() != 1 && reshape.shape.size() != 3)
      return mismatch(node, text::cat("a shape of ", text_of(reshape.shape), " per image is not supported"));
    std::int64_t room = elements(in);
    for (const std::int64_t side : reshape.shape) room = side < 1 || room % side != 0 ? 0 : room / side;
    if (room != 1) return mismatch(node, text::cat(text_of(in), " does not go into ", text_of(reshape.shape)));
    return reshape.shape;
  }
  Expected<ValueShape> operator()(const Pad& pad) const {
    if (in.size() != 3) return mismatch(node, text::cat("a padding of ", text_of(in), "; a map is needed"));
    if (!std::isfinite(pad.value)) return mismatch(node, "its value is not a number");
    ValueShape out = in;
    for (std::size_t axis = 0; axis < 2; ++axis) {
      for (const std::int64_t v : {pad.begin[axis], pad.end[axis]}) {
        if (v < 0 || v > kGreatestExtent) return mismatch(node, text::cat("a padding of ", v, " is out of range"));
      }
      out[axis + 1] += pad.begin[axis] + pad.end[axis];
    }
    if (out[2] > kGreatestValue / out[1] || out[0] > kGreatestValue / (out[1] * out[2]))
      return mismatch(node, "the output is too large");
    return out;
  }
  Expected<ValueShape> operator()(const Add&) const {
    for (const ValueShape& other : all) {
      if (other != in) return mismatch(node, text::cat("it adds ", text_of(in), " and ", text_of(other)));
    }
    return in;
  }
  Expected<ValueShape> operator()(const Concat&) const {
    ValueShape out = in;
    for (const ValueShape& other : all.subspan(1)) {
      if (!std::equal(other.begin() + 1, other.end(), in.begin() + 1, in.end()))
        return mismatch(node, text::cat("it joins ", text_of(in), " and ", text_of(other)));
      out[0] += other[0];
      if (elements(out) > kGreatestValue) return mismatch(node, "the output is too large");
    }
    return out;
  }
  Expected<ValueShape> operator()(const ChannelPermutation& permutation) const {
    std::vector<bool> seen(static_cast<std::size_t>(in[0]));
    bool good = permutation.source.size() == seen.size();
    for (std::size_t o = 0; good && o < seen.size(); ++o) {
      const std::uint32_t source = permutation.source[o];
      good = source < seen.size() && !seen[source];
      if (good) seen[source] = true;
    }
    if (!good) return mismatch(node, text::cat("it does not name each channel of ", text_of(in), " once"));
    return in;
  }
  Expected<ValueShape> operator()(const Softmax&) const { return in; }

  Expected<ValueShape> pooled(const Geometry& g, bool ceil_mode) const {
    if (in.size() != 3)
      return mismatch(node, text::cat("a pooling of ", text_of(in), "; only two spatial axes are supported"));
    for (int axis = 0; axis < 2; ++axis) {  // else a window could hold nothing but padding
      const std::int64_t reach = (g.kernel[axis] - 1) * g.dilation[axis] + 1;
      if (g.pad_begin[axis] >= reach || g.pad_end[axis] >= reach)
        return mismatch(node, "the padding is not smaller than the window");
      if (g.pad_begin[axis] > 0 && g.dilation[axis] > in[static_cast<std::size_t>(axis) + 1])
        return mismatch(node, "a window would step over the whole input");
    }
    return window(g, in[0], ceil_mode);
  }
  Expected<ValueShape> window(const Geometry& g, std::int64_t channels, bool ceil_mode) const {
    ValueShape out{channels, 0, 0};
    std::int64_t padded = in[0];
    for (int axis = 0; axis < 2; ++axis) {
      for (const std::int64_t v : {g.kernel[axis], g.stride[axis], g.dilation[axis]}) {
        if (v < 1 || v > kGreatestExtent)
          return mismatch(node, text::cat("a kernel, stride or dilation of ", v, " is out of range"));
      }
      for (const std::int64_t v : {g.pad_begin[axis], g.pad_end[axis]}) {
        if (v < 0 || v > kGreatestExtent) return mismatch(node, text::cat("a padding of ", v, " is out of range"));
      }
      out[static_cast<std::size_t>(axis) + 1] = windows(in[static_cast<std::size_t>(axis) + 1], g, axis, ceil_mode);
      if (out[static_cast<std::size_t>(axis) + 1] < 1)
        return mismatch(node, text::cat("the window does not fit an input of ", text_of(in)));
      padded *= in[static_cast<std::size_t>(axis) + 1] + g.pad_begin[axis] + g.pad_end[axis];  // below 2^26 * 2^22
      if (padded > kGreatestValue) return mismatch(node, "the padded input is too large");
    }
    if (channels > kGreatestValue / (out[1] * out[2])) return mismatch(node, "the output is too large");
    return out;
  }
};

}  // namespace

std::int64_t elements(std::span<const std::int64_t> shape) {
  std::int64_t product = 1;
  for (const std::int64_t side : shape) product *= side;
  return product;
}

std::string text_of(std::span<const std::int64_t> shape) {
  std::string out;
  for (const std::int64_t side : shape) out += text::cat(out.empty() ? "" : "x", side);
  return out.empty() ? "nothing" : out;
}

std::int64_t windows(std::int64_t size, const Geometry& g, int axis, bool ceil_mode) {
  const std::int64_t room = size + g.pad_begin[axis] + g.pad_end[axis] - ((g.kernel[axis] - 1) * g.dilation[axis] + 1);
  if (room < 0) return 0;
  std::int64_t count = (room + (ceil_mode ? g.stride[axis] - 1 : 0)) / g.stride[axis] + 1;
  if (ceil_mode && (count - 1) * g.stride[axis] >= size + g.pad_begin[axis]) --count;
  return count;
}

Expected<ValueShape> output_shape(const Node& node, std::span<const ValueShape> in) {
  const bool several = std::holds_alternative<Add>(node.op) || std::holds_alternative<Concat>(node.op);
  if (in.empty() || in.size() > kGreatestInputs || (in.size() > 1 && !several))
    return mismatch(node, text::cat("it has ", in.size(), " inputs"));
  return std::visit(Out{node, in}, node.op);
}

Expected<std::map<std::string, ValueShape>> shapes(const Graph& graph) {
  std::map<std::string, ValueShape> out;
  std::int64_t room = kGreatestValue;
  if (graph.input_shape.size() != 1 && graph.input_shape.size() != 3) {
    return fail(text::cat("an input of shape ", text_of(graph.input_shape), " per image is not supported"),
                text::cat("input '", graph.input, "'"), "use channels x height x width, or a vector");
  }
  for (const std::int64_t side : graph.input_shape) {
    if (side < 1 || side > room) {
      return fail(text::cat("an input of shape ", text_of(graph.input_shape), " is empty or too large"),
                  text::cat("input '", graph.input, "'"), "export the network with a fixed input shape");
    }
    room /= side;
  }
  out[graph.input] = graph.input_shape;
  for (const Node& node : graph.nodes) {
    std::vector<ValueShape> in;
    for (const std::string& input : node.inputs) {
      const auto found = out.find(input);
      if (found == out.end()) return mismatch(node, text::cat("its input '", input, "' is made by no earlier node"));
      in.push_back(found->second);
    }
    auto shape = output_shape(node, in);
    if (!shape) return fail(shape.error());
    if (!out.emplace(node.output, std::move(*shape)).second) {
      return mismatch(node, text::cat("its output '", node.output, "' has two makers"));
    }
  }
  if (!out.contains(graph.output)) {
    return fail(text::cat("the output '", graph.output, "' is made by no node"), graph.name,
                "export the network again");
  }
  return out;
}

}  // namespace syn::ann
