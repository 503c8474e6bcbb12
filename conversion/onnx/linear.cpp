// Conv, Gemm and MatMul: whatever has weights.
#include <algorithm>
#include <cmath>

#include "conversion/onnx/arrays.hpp"
#include "conversion/onnx/builder.hpp"
#include "conversion/onnx/spread.hpp"

namespace syn::onnx_file {
namespace {

Expected<> conv(GraphBuilder& builder, const Call& call) {
  const auto in = builder.view(call);
  if (!in) return fail(in.error());
  View& x = **in;
  ann::Conv conv;
  conv.groups = call.attributes.integer("group", 1);
  auto weight = builder.constants().floats(call.input(1));
  if (!weight) return fail(weight.error());
  conv.weight = std::move(*weight);
  const std::size_t rank = x.shape.size();
  if (rank < 2 || rank > 3 || conv.weight.shape.size() != rank + 1) {
    return call.refuse(text::cat("its weights are ", ann::text_of(conv.weight.shape), " over ", ann::text_of(x.shape),
                                 "; only one or two spatial axes are supported"));
  }
  std::vector<std::int64_t> kernel(conv.weight.shape.begin() + 2, conv.weight.shape.end());
  if (rank == 2) conv.weight.shape.insert(conv.weight.shape.begin() + 2, 1);
  if (call.has(2)) {
    auto bias = builder.constants().floats(call.input(2));
    if (!bias) return fail(bias.error());
    conv.bias = std::move(*bias);
  }
  // Zeros around the input are the convolution's own; auto_pad wants to see the padded size.
  const bool joins = x.padded() && !call.attributes.string("auto_pad", "").starts_with("SAME");
  View inner = x;
  if (joins) std::ranges::fill(inner.pads, 0);  // other readers still see them
  View& source = joins ? inner : x;
  if (auto ok = builder.settle(source); !ok) return ok;
  auto geometry = window_of(call, builder.shape(source), rank - 1, kernel);
  if (!geometry) return fail(geometry.error());
  conv.geometry = *geometry;
  if (joins) {
    for (int axis = 0; axis < 2; ++axis) {
      conv.geometry.pad_begin[axis] += x.pads[axis];
      conv.geometry.pad_end[axis] += x.pads[axis + 2];
    }
  }
  return builder.append_windowed(call, std::move(conv), source);
}

Expected<> dense(GraphBuilder& builder, const Call& call, ann::Gemm gemm) {
  const auto in = builder.view(call);
  if (!in) return fail(in.error());
  if ((*in)->axes().size() != 1) {
    return call.refuse(text::cat("a matrix product over ", ann::text_of((*in)->axes()), " per image is not supported"),
                       "flatten before it, or use a convolution with a kernel of one");
  }
  if (auto ok = builder.settle(**in); !ok) return ok;
  const std::int64_t outputs = gemm.weight.shape[0];
  return builder.append(call, std::move(gemm), {(*in)->value}, {outputs});
}

Expected<> gemm(GraphBuilder& builder, const Call& call) {
  if (call.attributes.integer("transA", 0) != 0) return call.refuse("transA would mix images");
  const float alpha = call.attributes.number("alpha", 1), beta = call.attributes.number("beta", 1);
  if (!std::isfinite(alpha) || !std::isfinite(beta)) return call.refuse("alpha or beta is not a number");
  auto weight = builder.constants().floats(call.input(1));
  if (!weight) return fail(weight.error());
  if (weight->shape.size() != 2) return call.refuse("its weights are not a matrix");
  ann::Gemm gemm{call.attributes.integer("transB", 0) != 0 ? std::move(*weight) : transposed(*weight, {1, 0}), {}};
  for (float& v : gemm.weight.data) v *= alpha;
  if (call.has(2)) {
    auto bias = builder.constants().floats(call.input(2));
    if (!bias) return fail(bias.error());
    auto spread = per_channel(*bias, {gemm.weight.shape[0]});
    if (!spread) return call.refuse("its bias is not one value per output");
    gemm.bias.shape = {gemm.weight.shape[0]};
    for (std::int64_t o = 0; o < gemm.weight.shape[0]; ++o)
      gemm.bias.data.push_back(beta * spread->data[spread->data.size() == 1 ? 0 : static_cast<std::size_t>(o)]);
  }
  return dense(builder, call, std::move(gemm));
}

Expected<> mat_mul(GraphBuilder& builder, const Call& call) {
  auto weight = builder.constants().floats(call.input(1));
  if (!weight) return fail(weight.error());
  if (weight->shape.size() != 2) return call.refuse("its weights are not a matrix");
  return dense(builder, call, {transposed(*weight, {1, 0}), {}});
}

}  // namespace

std::span<const Entry> linear_operators() {
  static const std::vector<Entry> entries{
      {"Conv", conv, 2, 3, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"}},
      {"Gemm", gemm, 2, 3, {"alpha", "beta", "broadcast", "transA", "transB"}},
      {"MatMul", mat_mul, 2, 2, {}},
  };
  return entries;
}

Expected<ann::Geometry> window_of(const Call& call, const ann::ValueShape& map, std::size_t file_axes,
                                  std::vector<std::int64_t> kernel) {
  if (map.size() != 3 || file_axes < 1 || file_axes > 2)
    return call.refuse(text::cat("a window over ", ann::text_of(map), "; only one or two spatial axes are supported"));
  if (const auto stated = call.attributes.integers("kernel_shape"); !stated.empty()) {
    if (!kernel.empty() && stated != kernel) return call.refuse("kernel_shape contradicts the weights");
    kernel = stated;
  }
  const auto strides = call.attributes.integers("strides"), dilations = call.attributes.integers("dilations"),
             pads = call.attributes.integers("pads");
  const auto fits = [&](const std::vector<std::int64_t>& list, std::size_t size) {
    return list.empty() || list.size() == size;
  };
  if (kernel.size() != file_axes || !fits(strides, file_axes) || !fits(dilations, file_axes) ||
      !fits(pads, 2 * file_axes))
    return call.refuse(text::cat("its window does not have ", file_axes, " axes"));
  ann::Geometry g;
  for (std::size_t i = 0; i < file_axes; ++i) {
    const std::size_t axis = i + 2 - file_axes;  // one axis is the width
    g.kernel[axis] = kernel[i];
    if (!strides.empty()) g.stride[axis] = strides[i];
    if (!dilations.empty()) g.dilation[axis] = dilations[i];
    if (!pads.empty()) {
      g.pad_begin[axis] = pads[i];
      g.pad_end[axis] = pads[i + file_axes];
    }
    for (const std::int64_t v : {g.kernel[axis], g.stride[axis], g.dilation[axis]}) {
      if (v < 1 || v > ann::kGreatestExtent)
        return call.refuse(text::cat("a kernel, stride or dilation of ", v, " is out of range"));
    }
    for (const std::int64_t v : {g.pad_begin[axis], g.pad_end[axis]}) {
      if (v < 0 || v > ann::kGreatestExtent) return call.refuse(text::cat("a padding of ", v, " is out of range"));
    }
  }
  const std::string automatic = call.attributes.string("auto_pad", "NOTSET");
  if (automatic == "VALID") {
    for (int axis = 0; axis < 2; ++axis) g.pad_begin[axis] = g.pad_end[axis] = 0;
  } else if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
    for (int axis = 0; axis < 2; ++axis) {
      const std::int64_t size = map[static_cast<std::size_t>(axis) + 1];
      const std::int64_t out = (size + g.stride[axis] - 1) / g.stride[axis];
      const std::int64_t pad =
          std::max<std::int64_t>(0, (out - 1) * g.stride[axis] + (g.kernel[axis] - 1) * g.dilation[axis] + 1 - size);
      g.pad_begin[axis] = automatic == "SAME_UPPER" ? pad / 2 : pad - pad / 2;
      g.pad_end[axis] = pad - g.pad_begin[axis];
    }
  } else if (automatic != "NOTSET" && !automatic.empty()) {
    return call.refuse(text::cat("auto_pad '", automatic, "' is not known"));
  }
  return g;
}

}  // namespace syn::onnx_file
