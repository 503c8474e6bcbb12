// Constants that are reshaped, turned, cut and joined; and the axes arithmetic of Squeeze and Unsqueeze, which
// activations share.
#include <algorithm>
#include <set>

#include "conversion/onnx/folding_parts.hpp"

namespace syn::onnx_file {
namespace folding {

Expected<> squeeze(const Call& call, Constants& constants) {
  const auto axes = list_argument(call, constants, 1, "axes");
  if (!axes) return fail(axes.error());
  return each_kind(call, constants, [&]<class A>(A in) -> Expected<A> {
    auto shape = call.type() == "Squeeze" ? squeezed(call, in.shape, *axes) : unsqueezed(call, in.shape, *axes);
    if (!shape) return fail(shape.error());
    in.shape = std::move(*shape);
    return in;
  });
}

Expected<> reshape(const Call& call, Constants& constants) {
  std::vector<std::int64_t> target;
  if (call.type() == "Reshape") {
    if (call.inputs() < 2) return call.refuse("it wants a shape");
    auto stated = constants.ints(call.input(1));
    if (!stated) return fail(stated.error());
    target = std::move(*stated);
  }
  return each_kind(call, constants, [&]<class A>(A in) -> Expected<A> {
    if (call.type() == "Flatten") {
      const std::int64_t axis = call.attributes.integer("axis", 1);
      if (axis < 0 || axis > static_cast<std::int64_t>(in.shape.size())) return call.refuse("its axis is out of range");
      target = {ann::elements(std::span(in.shape).first(static_cast<std::size_t>(axis))), -1};
    }
    const std::int64_t size = static_cast<std::int64_t>(in.data.size());
    std::int64_t known = 1, open = -1;
    for (std::size_t i = 0; i < target.size(); ++i) {
      if (target[i] == 0 && i < in.shape.size() && call.attributes.integer("allowzero", 0) == 0)
        target[i] = in.shape[i];
      if (target[i] == -1 && open < 0) {
        open = static_cast<std::int64_t>(i);
      } else if (target[i] < 1 || target[i] > size / known) {
        return call.refuse(text::cat("a constant of ", size, " values does not go into [", ann::text_of(target), "]"));
      } else {
        known *= target[i];
      }
    }
    if (open >= 0) target[static_cast<std::size_t>(open)] = size / known;
    if (target.size() > kGreatestRank || ann::elements(target) != size)
      return call.refuse(text::cat("a constant of ", size, " values does not go into [", ann::text_of(target), "]"));
    in.shape = target;
    return in;
  });
}

Expected<> transpose(const Call& call, Constants& constants) {
  return each_kind(call, constants, [&]<class A>(const A& in) -> Expected<A> {
    auto order = call.attributes.integers("perm");
    if (order.empty()) {
      for (std::size_t axis = in.shape.size(); axis-- > 0;) order.push_back(static_cast<std::int64_t>(axis));
    }
    auto sorted = order;
    std::ranges::sort(sorted);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      if (sorted[i] != static_cast<std::int64_t>(i)) return call.refuse("its axes are not each there once");
    }
    if (order.size() != in.shape.size()) return call.refuse("its axes are not each there once");
    return transposed(in, order);
  });
}

Expected<> gather(const Call& call, Constants& constants) {
  if (call.inputs() != 2) return call.refuse("it wants two inputs");
  const auto indices = constants.ints(call.input(1));
  if (!indices) return fail(indices.error());
  const auto index_shape = constants.shape(call.input(1));
  return each_kind(call, constants, [&]<class A>(const A& in) -> Expected<A> {
    const std::int64_t axis = from_front(call.attributes.integer("axis", 0), in.shape.size());
    if (axis < 0) return call.refuse("its axis is out of range");
    const auto at = static_cast<std::size_t>(axis);
    const std::int64_t side = in.shape[at], inner = ann::elements(std::span(in.shape).subspan(at + 1)),
                       outer = ann::elements(std::span(in.shape).first(at));
    A out{{in.shape.begin(), in.shape.begin() + axis}, {}};
    out.shape.insert(out.shape.end(), index_shape->begin(), index_shape->end());
    out.shape.insert(out.shape.end(), in.shape.begin() + axis + 1, in.shape.end());
    if (!small(out.shape)) return call.refuse("its output is too large");
    for (std::int64_t o = 0; o < outer; ++o) {
      for (const std::int64_t index : *indices) {
        if (index < -side || index >= side) return call.refuse(text::cat("its index ", index, " is out of range"));
        const auto from = in.data.begin() + (o * side + (index + side) % side) * inner;
        out.data.insert(out.data.end(), from, from + inner);
      }
    }
    return out;
  });
}

Expected<> slice(const Call& call, Constants& constants) {
  const auto starts = list_argument(call, constants, 1, "starts"), ends = list_argument(call, constants, 2, "ends"),
             named = list_argument(call, constants, 3, "axes"), strides = list_argument(call, constants, 4, "steps");
  for (const auto* list : {&starts, &ends, &named, &strides}) {
    if (!*list) return fail(list->error());
  }
  if (starts->size() != ends->size() || (!named->empty() && named->size() != starts->size()) ||
      (!strides->empty() && strides->size() != starts->size()))
    return call.refuse("its starts, ends, axes and steps are not equally many");
  return each_kind(call, constants, [&]<class A>(const A& in) -> Expected<A> {
    Axes shape = in.shape, step = strides_of(in.shape);
    std::set<std::int64_t> seen;
    std::int64_t base = 0;
    for (std::size_t i = 0; i < starts->size(); ++i) {
      const std::int64_t axis = from_front(named->empty() ? static_cast<std::int64_t>(i) : (*named)[i], shape.size());
      const std::int64_t by = strides->empty() ? 1 : (*strides)[i];
      if (axis < 0 || !seen.insert(axis).second || by == 0 || std::abs(by) > kGreatestFolded)
        return call.refuse("its axes or steps are out of range");
      const auto at = static_cast<std::size_t>(axis);
      const std::int64_t side = in.shape[at];
      const auto place = [&](std::int64_t v) {  // counted from the end where negative, then held inside
        v = v < 0 ? std::max<std::int64_t>(v, -side - 1) + side : v;
        return by > 0 ? std::clamp<std::int64_t>(v, 0, side) : std::clamp<std::int64_t>(v, -1, side - 1);
      };
      const std::int64_t first = place((*starts)[i]), last = place((*ends)[i]);
      shape[at] = std::max<std::int64_t>(0, by > 0 ? (last - first + by - 1) / by : (first - last - by - 1) / -by);
      base += first * step[at];
      step[at] *= by;
    }
    return strided(in, shape, step, base);
  });
}

Expected<> concat(const Call& call, Constants& constants) {
  return each_kind(call, constants, [&]<class A>(const A& first) -> Expected<A> {
    const std::int64_t axis = from_front(call.attributes.integer("axis", 0), first.shape.size());
    if (axis < 0) return call.refuse("its axis is out of range");
    const auto at = static_cast<std::size_t>(axis);
    std::vector<A> parts;
    A out{first.shape, {}};
    out.shape[at] = 0;
    for (std::size_t i = 0; i < call.inputs(); ++i) {
      Expected<A> part = like_first<A>(call, constants, i);
      if (!part) return fail(part.error());
      auto same_but = part->shape;
      if (same_but.size() != out.shape.size()) return call.refuse("its inputs do not fit");
      out.shape[at] += same_but[at];
      same_but[at] = first.shape[at];
      if (same_but != first.shape || !small(out.shape)) return call.refuse("its inputs do not fit");
      parts.push_back(std::move(*part));
    }
    const std::int64_t outer = ann::elements(std::span(first.shape).first(at));
    if (outer == 0) return out;
    for (std::int64_t o = 0; o < outer; ++o) {
      for (const A& part : parts) {
        const auto run = static_cast<std::int64_t>(part.data.size()) / outer;
        out.data.insert(out.data.end(), part.data.begin() + o * run, part.data.begin() + (o + 1) * run);
      }
    }
    return out;
  });
}

}  // namespace folding

Expected<std::vector<std::int64_t>> list_argument(const Call& call, const Constants& constants, std::size_t i,
                                                  std::string_view attribute) {
  return call.has(i) ? constants.ints(call.input(i)) : call.attributes.integers(attribute);
}

Expected<std::vector<std::int64_t>> squeezed(const Call& call, std::vector<std::int64_t> shape,
                                             const std::vector<std::int64_t>& axes) {
  std::set<std::int64_t> gone;
  for (const std::int64_t axis : axes) {
    const std::int64_t at = from_front(axis, shape.size());
    if (at < 0 || shape[static_cast<std::size_t>(at)] != 1)
      return call.refuse(text::cat("axis ", axis, " is not of size one"));
    gone.insert(at);
  }
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (axes.empty() ? shape[i] != 1 : !gone.contains(static_cast<std::int64_t>(i))) out.push_back(shape[i]);
  }
  return out;
}

Expected<std::vector<std::int64_t>> unsqueezed(const Call& call, std::vector<std::int64_t> shape,
                                               const std::vector<std::int64_t>& axes) {
  std::set<std::int64_t> fresh;
  const std::size_t rank = shape.size() + axes.size();
  for (const std::int64_t axis : axes) {
    const std::int64_t at = from_front(axis, rank);
    if (at < 0 || rank > folding::kGreatestRank || !fresh.insert(at).second)
      return call.refuse(text::cat("axis ", axis, " is out of range"));
  }
  for (const std::int64_t at : fresh) shape.insert(shape.begin() + at, 1);
  return shape;
}

}  // namespace syn::onnx_file
