// A constant that meets an activation by ONNX's broadcasting: does it say one value a channel? Private to
// conversion/onnx.
#pragma once

#include <algorithm>
#include <optional>

#include "conversion/ann/graph.hpp"

namespace syn::onnx_file {

// `axes` are the activation's, without the batch. The result is [channels] or [1]; nothing where the constant varies
// within a channel or over the images, or would make the activation larger.
inline std::optional<ann::Tensor> per_channel(const ann::Tensor& constant, const std::vector<std::int64_t>& axes) {
  if (constant.data.empty()) return {};
  bool by_channel = true;
  for (std::size_t i = 1; i <= constant.shape.size(); ++i) {  // from the last axis
    const std::int64_t side = constant.shape[constant.shape.size() - i];
    if (side == 1) continue;
    if (i > axes.size() || axes[axes.size() - i] != side) return {};
    by_channel = by_channel && i == axes.size();
  }
  const float first = constant.data[0];
  if (std::ranges::all_of(constant.data, [&](float v) { return v == first; })) return ann::Tensor{{1}, {first}};
  if (!by_channel) return {};
  return ann::Tensor{{axes[0]}, constant.data};
}

}  // namespace syn::onnx_file
