// One projection of a layer in real numbers, amplitudes folded in: what stands between a graph's weights and int8.
// Private to conversion/.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "conversion/ann/graph.hpp"
#include "snn/model.hpp"

namespace syn {

struct RealProjection {
  enum class Kind : std::uint8_t { conv, dense, depthwise, identity } kind;
  std::uint32_t from = 0;
  std::size_t first = 0;      // depthwise, identity: the target channel of source channel 0
  std::vector<double> value;  // conv, dense: [input][target channel]; depthwise: [tap][channel]; identity: [channel]
  const ann::Geometry* geometry = nullptr;

  bool channel_by_channel() const { return kind == Kind::depthwise || kind == Kind::identity; }
  std::size_t taps() const {
    return geometry ? static_cast<std::size_t>(geometry->kernel[0] * geometry->kernel[1]) : 1;
  }
  // Its target channels among `all`.
  template <class T>
  std::span<T> targets(std::span<T> all) const {
    return channel_by_channel() ? all.subspan(first, value.size() / taps()) : all;
  }
  snn::Connection connection() const;  // without weights
};

template <class W>
W window_of(const ann::Geometry& g) {
  const auto u32 = [](std::int64_t v) { return static_cast<std::uint32_t>(v); };
  W out;
  out.kernel_height = u32(g.kernel[0]);
  out.kernel_width = u32(g.kernel[1]);
  out.stride_y = u32(g.stride[0]);
  out.stride_x = u32(g.stride[1]);
  if constexpr (requires { out.dilation_y; }) {
    out.dilation_y = u32(g.dilation[0]);
    out.dilation_x = u32(g.dilation[1]);
  }
  out.pad_top = static_cast<std::int32_t>(g.pad_begin[0]);
  out.pad_left = static_cast<std::int32_t>(g.pad_begin[1]);
  return out;
}

inline snn::Connection RealProjection::connection() const {
  switch (kind) {
    case Kind::dense:
      return snn::Dense{};
    case Kind::conv:
      return window_of<snn::Conv>(*geometry);
    case Kind::depthwise: {
      auto out = window_of<snn::Depthwise>(*geometry);
      out.shift = static_cast<std::int32_t>(first);
      return out;
    }
    case Kind::identity:
      break;
  }
  return snn::OneToOne{.shift = static_cast<std::int32_t>(first), .multiplier = {}};
}

}  // namespace syn
