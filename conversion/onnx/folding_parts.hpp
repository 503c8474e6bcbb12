// What folding.cpp and folding_layout.cpp share. Private to them.
#pragma once

#include <algorithm>

#include "conversion/onnx/arrays.hpp"
#include "conversion/onnx/folding.hpp"

namespace syn::onnx_file::folding {

inline constexpr std::int64_t kGreatestFolded = std::int64_t{1} << 26;  // values of one result
inline constexpr std::size_t kGreatestRank = 8;

inline bool small(const Axes& shape) {
  std::int64_t room = kGreatestFolded;
  for (const std::int64_t side : shape) {
    if (side > room) return false;
    room /= std::max<std::int64_t>(1, side);
  }
  return shape.size() <= kGreatestRank;
}

// Calls f with the input's floats or whole numbers; f returns the same kind, which becomes the output.
template <class F>
Expected<> each_kind(const Call& call, Constants& constants, const F& f) {
  const auto keep = [&](auto&& in) -> Expected<> {
    if (!in) return fail(in.error());
    auto out = f(*in);
    if (!out) return fail(out.error());
    return constants.add(call.output(), std::move(*out));
  };
  return constants.whole(call.input(0)) ? keep(constants.wholes(call.input(0))) : keep(constants.floats(call.input(0)));
}

// Input `i` as what the first input is.
template <class A>
Expected<A> like_first(const Call& call, Constants& constants, std::size_t i) {
  if constexpr (std::is_same_v<A, Wholes>) {
    return constants.wholes(call.input(i));
  } else {
    return constants.floats(call.input(i));
  }
}

using Folder = Expected<> (*)(const Call&, Constants&);
// Those that move values without changing them.
Expected<> squeeze(const Call& call, Constants& constants);
Expected<> reshape(const Call& call, Constants& constants);
Expected<> transpose(const Call& call, Constants& constants);
Expected<> gather(const Call& call, Constants& constants);
Expected<> slice(const Call& call, Constants& constants);
Expected<> concat(const Call& call, Constants& constants);

}  // namespace syn::onnx_file::folding
