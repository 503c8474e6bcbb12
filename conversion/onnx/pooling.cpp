// Pooling, global pooling and means over space.
#include <algorithm>

#include "conversion/onnx/builder.hpp"
#include "conversion/onnx/folding.hpp"

namespace syn::onnx_file {
namespace {

// Zeros that a Pad put around the input count like an average's own padding, where both mean the same windows.
bool joins(const Call& call, const View& in, const ann::Geometry& g) {
  if (call.type() != "AveragePool" || call.attributes.integer("ceil_mode", 0) != 0 ||
      call.attributes.string("auto_pad", "").starts_with("SAME"))
    return false;
  const bool counted = call.attributes.integer("count_include_pad", 0) != 0;
  for (int axis = 0; axis < 2; ++axis) {
    if (!counted && (g.pad_begin[axis] != 0 || g.pad_end[axis] != 0)) return false;
    if (g.pad_begin[axis] + in.pads[axis] >= g.kernel[axis] || g.pad_end[axis] + in.pads[axis + 2] >= g.kernel[axis])
      return false;
  }
  return true;
}

Expected<> pool(GraphBuilder& builder, const Call& call) {
  const auto in = builder.view(call);
  if (!in) return fail(in.error());
  View source = **in;
  if (source.padded()) {  // once without the padding, to see whether it may join
    std::ranges::fill(source.pads, 0);
    if (auto ok = builder.settle(source); !ok) return ok;
    auto geometry = window_of(call, builder.shape(source), source.shape.size() - 1, {});
    if (!geometry) return fail(geometry.error());
    if (joins(call, **in, *geometry)) {
      for (int axis = 0; axis < 2; ++axis) {
        geometry->pad_begin[axis] += (*in)->pads[axis];
        geometry->pad_end[axis] += (*in)->pads[axis + 2];
      }
      return builder.append_windowed(call, ann::AveragePool{*geometry, false, true}, source);
    }
  }
  if (auto ok = builder.settle(**in); !ok) return ok;
  const auto geometry = window_of(call, builder.shape(**in), (*in)->shape.size() - 1, {});
  if (!geometry) return fail(geometry.error());
  const bool ceil_mode = call.attributes.integer("ceil_mode", 0) != 0;
  if (call.type() == "MaxPool") return builder.append_windowed(call, ann::MaxPool{*geometry, ceil_mode}, **in);
  if (geometry->dilation[0] != 1 || geometry->dilation[1] != 1) return call.refuse("dilation is not supported here");
  const bool counted = call.attributes.integer("count_include_pad", 0) != 0;
  return builder.append_windowed(call, ann::AveragePool{*geometry, ceil_mode, counted}, **in);
}

Expected<> global_pool(GraphBuilder& builder, const Call& call) {
  const auto in = builder.view(call);
  if (!in) return fail(in.error());
  if (auto ok = builder.settle(**in); !ok) return ok;
  const ann::ValueShape& map = builder.shape(**in);
  if (map.size() != 3) return call.refuse("a map with one or two spatial axes is needed");
  const ann::Geometry whole{.kernel = {map[1], map[2]}};
  std::vector<std::int64_t> axes((*in)->shape.size(), 1);
  axes[0] = map[0];
  if (call.type() == "GlobalMaxPool") return builder.append(call, ann::MaxPool{whole, false}, {(*in)->value}, axes);
  return builder.append(call, ann::AveragePool{.geometry = whole}, {(*in)->value}, axes);
}

Expected<> reduce_mean(GraphBuilder& builder, const Call& call) {
  const auto in = builder.view(call);
  if (!in) return fail(in.error());
  if (auto ok = builder.settle(**in); !ok) return ok;
  const ann::ValueShape& map = builder.shape(**in);
  std::vector<std::int64_t> axes = (*in)->shape;
  const std::size_t rank = axes.size();
  const auto reduced = call.attributes.integers("axes");
  ann::Geometry g;
  for (const std::int64_t stated : reduced) {
    const std::int64_t axis = from_front(stated, rank + 1);
    if (axis < 2 || rank > 3)
      return call.refuse(text::cat("a mean over axis ", stated, " is not supported"), "only means over space are");
    g.kernel[axis + 1 - static_cast<std::int64_t>(rank)] = axes[static_cast<std::size_t>(axis) - 1];
    axes[static_cast<std::size_t>(axis) - 1] = -1;
  }
  if (reduced.empty() || map.size() != 3) return call.refuse("only means over space are supported");
  if (call.attributes.integer("keepdims", 1) != 0) {
    std::ranges::replace(axes, -1, 1);
  } else {
    std::erase(axes, -1);
  }
  // Where one of two axes goes, the windows are as many as the other is long.
  return builder.append(call, ann::AveragePool{.geometry = g}, {(*in)->value}, axes);
}

}  // namespace

std::span<const Entry> pooling_operators() {
  static const std::vector<Entry> entries{
      {"AveragePool", pool, 1, 1, {"auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides"}},
      {"GlobalAveragePool", global_pool, 1, 1, {}},
      {"GlobalMaxPool", global_pool, 1, 1, {}},
      {"MaxPool",
       pool,
       1,
       1,
       {"auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"}},
      {"ReduceMean", reduce_mean, 1, 1, {"axes", "keepdims"}},
  };
  return entries;
}

}  // namespace syn::onnx_file
