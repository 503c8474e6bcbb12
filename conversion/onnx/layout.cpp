// What moves values without changing them: reshapes, transposes, paddings, and the joining of channels.
#include <algorithm>

#include "conversion/onnx/builder.hpp"
#include "conversion/onnx/folding.hpp"

namespace syn::onnx_file {
namespace {

constexpr std::int64_t kBatch = -1;  // stands for the batch in a list of axes
constexpr std::size_t kGreatestRank = 8;

std::vector<std::int64_t> with_batch(std::vector<std::int64_t> axes) {
  axes.insert(axes.begin(), kBatch);
  return axes;
}

// The input, nothing pending, as elements in order.
Expected<View> straight(GraphBuilder& builder, const Call& call) {
  const auto in = builder.view(call);
  if (!in) return fail(in.error());
  if (auto ok = builder.straighten(**in); !ok) return fail(ok.error());
  return **in;
}

Expected<> flatten(GraphBuilder& builder, const Call& call) {
  auto view = straight(builder, call);
  if (!view) return fail(view.error());
  const std::int64_t stated = call.attributes.integer("axis", 1);
  if (from_front(stated, view->shape.size() + 1) != 1)
    return call.refuse(text::cat("axis ", stated, " would mix images"));
  view->shape = {ann::elements(view->shape)};
  return builder.add_view(call, std::move(*view));
}

Expected<> reshape(GraphBuilder& builder, const Call& call) {
  auto view = straight(builder, call);
  if (!view) return fail(view.error());
  const auto target = builder.constants().wholes(call.input(1));
  if (!target) return fail(target.error());
  const std::int64_t size = ann::elements(view->shape), batch = builder.facts().batch;
  std::string wanted;
  for (const Whole& side : target->data)
    wanted += text::cat(wanted.empty() ? "" : ", ", side.value, side.per_image ? " x batch" : "");
  const auto refuse = [&] {
    return call.refuse(text::cat("a reshape of ", ann::text_of(view->shape), " per image to [", wanted,
                                 "] does not keep images apart"),
                       "let the first axis be the batch");
  };
  if (target->data.empty() || target->data.size() > kGreatestRank || call.attributes.integer("allowzero", 0) != 0)
    return refuse();
  std::vector<std::int64_t> shape;
  std::int64_t known = 1, open = -1;
  for (std::size_t i = 1; i < target->data.size(); ++i) {
    auto [side, per_image] = target->data[i];
    if (side == 0 && i <= view->shape.size()) side = view->shape[i - 1];
    if (per_image || (side == -1 && open >= 0) || side == 0 || side < -1 || side > size / known) return refuse();
    if (side == -1) {
      open = static_cast<std::int64_t>(shape.size());
    } else {
      known *= side;
    }
    shape.push_back(side);
  }
  const auto [first, first_per_image] = target->data[0];
  // -1 infers the batch, 0 copies it; a batch of one is what many exporters write where they mean any.
  const bool infers = first == -1 && open < 0;
  if (!infers && first != 0 && first != 1 && !(batch > 0 && first == batch)) return refuse();
  if (first_per_image && first != 1) return refuse();
  if (open >= 0) shape[static_cast<std::size_t>(open)] = size / known;
  if (ann::elements(shape) != size) return refuse();
  view->shape = std::move(shape);
  return builder.add_view(call, std::move(*view));
}

Expected<> squeeze(GraphBuilder& builder, const Call& call) {
  auto view = straight(builder, call);
  if (!view) return fail(view.error());
  const auto axes = list_argument(call, builder.constants(), 1, "axes");
  if (!axes) return fail(axes.error());
  if (call.type() == "Squeeze" && axes->empty() && builder.facts().batch == 1)
    return call.refuse("it would squeeze the batch", "name its axes");
  auto shape = call.type() == "Squeeze" ? squeezed(call, with_batch(view->shape), *axes)
                                        : unsqueezed(call, with_batch(view->shape), *axes);
  if (!shape) return fail(shape.error());
  if (shape->front() != kBatch) return call.refuse("it would move the batch");
  view->shape.assign(shape->begin() + 1, shape->end());
  return builder.add_view(call, std::move(*view));
}

Expected<> transpose(GraphBuilder& builder, const Call& call) {
  const auto in = builder.view(call);
  if (!in) return fail(in.error());
  if ((*in)->padded()) {
    if (auto ok = builder.straighten(**in); !ok) return ok;
  }
  View view = **in;
  const auto order = call.attributes.integers("perm");
  auto sorted = order;
  std::ranges::sort(sorted);
  bool each_once = order.size() == view.shape.size() + 1;
  for (std::size_t i = 0; i < sorted.size(); ++i) each_once = each_once && sorted[i] == static_cast<std::int64_t>(i);
  if (!each_once || order[0] != 0) return call.refuse("it would mix images, or does not name each axis once");
  std::vector<std::int64_t> composed;
  for (std::size_t i = 1; i < order.size(); ++i) {
    const std::int64_t axis = order[i] - 1;
    composed.push_back(view.order.empty() ? axis : view.order[static_cast<std::size_t>(axis)]);
  }
  view.order = std::ranges::is_sorted(composed) ? std::vector<std::int64_t>{} : std::move(composed);
  return builder.add_view(call, std::move(view));
}

Expected<> pad(GraphBuilder& builder, const Call& call) {
  const auto pads = list_argument(call, builder.constants(), 1, "pads");
  if (!pads) return fail(pads.error());
  float value = call.attributes.number("value", 0);
  if (call.has(2)) {
    const auto stated = builder.constants().bound(call.input(2));
    if (!stated) return fail(stated.error());
    value = *stated;
  }
  const auto in = builder.view(call);
  if (!in) return fail(in.error());
  const std::size_t rank = (*in)->shape.size() + 1;
  if (pads->size() != 2 * rank) return call.refuse(text::cat("it has ", pads->size(), " paddings for ", rank, " axes"));
  if (std::ranges::all_of(*pads, [](std::int64_t p) { return p == 0; })) return builder.pass(call);
  if (call.attributes.string("mode", "constant") != "constant")
    return call.refuse("only padding by a constant is supported");
  if (rank < 3 || rank > 4) return call.refuse("only maps of one or two spatial axes can be padded");
  std::int64_t sides[4] = {0, 0, 0, 0};
  for (std::size_t i = 0; i < pads->size(); ++i) {
    const std::int64_t side = (*pads)[i];
    const std::size_t axis = i % rank;
    if (side != 0 && axis < 2) return call.refuse("padding the batch or the channels is not supported");
    if (side < 0 || side > ann::kGreatestExtent)
      return call.refuse(text::cat("a padding of ", side, " is out of range"));
    if (axis >= 2) sides[(axis + 2 - rank) + (i < rank ? 0 : 2)] = side;
  }
  if (!(*in)->order.empty() || value != 0) {
    if (auto ok = builder.settle(**in); !ok) return ok;
  }
  View view = **in;
  for (std::size_t i = 0; i < 4; ++i) view.pads[i] += sides[i];
  if (value == 0) return builder.add_view(call, std::move(view));
  const auto axes = view.axes();
  return builder.append(call, ann::Pad{{sides[0], sides[1]}, {sides[2], sides[3]}, value}, {view.value}, axes);
}

Expected<> concat(GraphBuilder& builder, const Call& call) {
  std::vector<std::string> inputs;
  std::vector<std::int64_t> axes;
  for (std::size_t i = 0; i < call.inputs(); ++i) {
    const auto in = builder.view(call, i);
    if (!in) return fail(in.error());
    if (auto ok = builder.settle(**in); !ok) return ok;
    const auto& shape = (*in)->shape;
    if (from_front(call.attributes.integer("axis", 1), shape.size() + 1) != 1 || shape.empty())
      return call.refuse("only channels can be joined", "concatenate along axis 1");
    if (i == 0) {
      axes = shape;
    } else if (shape.size() != axes.size() || !std::equal(shape.begin() + 1, shape.end(), axes.begin() + 1)) {
      return call.refuse(text::cat("it joins ", ann::text_of(axes), " and ", ann::text_of(shape), " per image"));
    } else {
      axes[0] += shape[0];
    }
    inputs.push_back((*in)->value);
  }
  if (inputs.size() == 1) return builder.pass(call);
  return builder.append(call, ann::Concat{}, std::move(inputs), axes);
}

// Channels in another order.
Expected<> gather(GraphBuilder& builder, const Call& call) {
  const auto in = builder.view(call);
  if (!in) return fail(in.error());
  const auto indices = builder.constants().ints(call.input(1));
  if (!indices) return fail(indices.error());
  if (auto ok = builder.settle(**in); !ok) return ok;
  const auto& shape = (*in)->shape;
  std::vector<bool> seen(shape.empty() ? 0 : static_cast<std::size_t>(builder.shape(**in)[0]));
  ann::ChannelPermutation permutation;
  for (const std::int64_t index : *indices) {
    const std::int64_t channel = from_front(index, seen.size());
    if (channel < 0 || seen[static_cast<std::size_t>(channel)]) break;
    seen[static_cast<std::size_t>(channel)] = true;
    permutation.source.push_back(static_cast<std::uint32_t>(channel));
  }
  const auto index_shape = builder.constants().shape(call.input(1));
  if (from_front(call.attributes.integer("axis", 0), shape.size() + 1) != 1 || index_shape->size() != 1 ||
      permutation.source.size() != seen.size() || indices->size() != seen.size())
    return call.refuse("only channels can be picked, and each exactly once");
  if (auto ok = builder.spend(call, static_cast<std::int64_t>(seen.size())); !ok) return ok;
  return builder.append(call, std::move(permutation), {(*in)->value}, shape);
}

Expected<> same(GraphBuilder& builder, const Call& call) {
  if (call.type() == "Cast" && call.attributes.integer("to", 0) != onnx::TensorProto::FLOAT)
    return call.refuse("activations can be cast to 32-bit floats only");
  if (call.type() == "Dropout" && call.has(2)) {
    const auto training = builder.constants().truth(call.input(2));
    if (!training) return fail(training.error());
    if (*training) return call.refuse("it is in training mode", "export the network in evaluation mode");
  }
  return builder.pass(call);
}

}  // namespace

std::span<const Entry> layout_operators() {
  static const std::vector<Entry> entries{
      {"Cast", same, 1, 1, {"to"}},
      {"Concat", concat, 1, 1024, {"axis"}},
      {"Dropout", same, 1, 3, {"is_test", "ratio", "seed"}},
      {"Flatten", flatten, 1, 1, {"axis"}},
      {"Gather", gather, 2, 2, {"axis"}},
      {"Identity", same, 1, 1, {}},
      {"Pad", pad, 1, 3, {"mode", "pads", "value"}},
      {"Reshape", reshape, 2, 2, {"allowzero"}},
      {"Squeeze", squeeze, 1, 2, {"axes"}},
      {"Transpose", transpose, 1, 1, {"perm"}},
      {"Unsqueeze", squeeze, 1, 2, {"axes"}},
  };
  return entries;
}

}  // namespace syn::onnx_file
