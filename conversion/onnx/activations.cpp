// What acts on each value by itself, or on the channels of one place: activations and normalisations.
#include <algorithm>
#include <cmath>
#include <limits>

#include "conversion/onnx/builder.hpp"
#include "conversion/onnx/spread.hpp"

namespace syn::onnx_file {
namespace {

Expected<> batch_normalization(GraphBuilder& builder, const Call& call) {
  const auto& attributes = call.attributes;
  if (attributes.integer("training_mode", 0) != 0 || attributes.integer("spatial", 1) != 1 ||
      (call.opset < 7 && attributes.integer("is_test", 0) != 1)) {
    return call.refuse("it is in training mode, or not per channel", "export the network in evaluation mode");
  }
  ann::BatchNormalization bn;
  bn.epsilon = attributes.number("epsilon", 1e-5f);
  if (!(bn.epsilon >= 0) || !std::isfinite(bn.epsilon)) return call.refuse("its epsilon is not a positive number");
  std::size_t i = 1;
  for (ann::Tensor* part : {&bn.scale, &bn.bias, &bn.mean, &bn.variance}) {
    auto value = builder.constants().floats(call.input(i++));
    if (!value) return fail(value.error());
    *part = std::move(*value);
  }
  return builder.append_elementwise(call, std::move(bn));
}

Expected<> relu(GraphBuilder& builder, const Call& call) {
  return builder.append_elementwise(call, ann::Relu{});
}

Expected<> leaky_relu(GraphBuilder& builder, const Call& call) {
  return builder.append_elementwise(call, ann::LeakyRelu{call.attributes.number("alpha", 0.01f)});
}

Expected<> parametric_relu(GraphBuilder& builder, const Call& call) {
  const auto in = builder.view(call);
  if (!in) return fail(in.error());
  const auto slope = builder.constants().floats(call.input(1));
  if (!slope) return fail(slope.error());
  const auto spread = per_channel(*slope, (*in)->axes());
  if (!spread || spread->data.size() != 1)
    return call.refuse("its slope is not one value for all channels", "train with LeakyRelu or Relu");
  return builder.append_elementwise(call, ann::LeakyRelu{spread->data[0]});
}

Expected<> clip(GraphBuilder& builder, const Call& call) {
  constexpr float kNone = std::numeric_limits<float>::infinity();
  ann::Clip clip{call.attributes.number("min", -kNone), call.attributes.number("max", kNone)};
  if (call.opset >= 11) {
    clip = {-kNone, kNone};
    std::size_t i = 1;
    for (float* bound : {&clip.low, &clip.high}) {
      if (call.has(i)) {
        const auto stated = builder.constants().bound(call.input(i));
        if (!stated) return fail(stated.error());
        *bound = *stated;
      }
      ++i;
    }
  }
  if (clip.low > clip.high) clip.low = clip.high;  // ONNX: the upper bound wins
  // Exporters spell an open bound as the last float there is.
  if (clip.low <= std::numeric_limits<float>::lowest()) clip.low = -kNone;
  if (clip.high >= std::numeric_limits<float>::max()) clip.high = kNone;
  if (clip.low == -kNone && clip.high == kNone) return builder.pass(call);
  if (clip.low == 0 && clip.high == kNone) return builder.append_elementwise(call, ann::Relu{});
  return builder.append_elementwise(call, clip);
}

Expected<> floor(GraphBuilder& builder, const Call& call) {
  return builder.append_elementwise(call, ann::Floor{});
}

Expected<> local_response(GraphBuilder& builder, const Call& call) {
  const auto& attributes = call.attributes;
  return builder.append_elementwise(call, ann::LocalResponseNormalization{.size = attributes.integer("size", 0),
                                                                          .alpha = attributes.number("alpha", 1e-4f),
                                                                          .beta = attributes.number("beta", 0.75f),
                                                                          .bias = attributes.number("bias", 1)});
}

// Over the channels of each place, or over the one axis that has any size.
Expected<> softmax(GraphBuilder& builder, const Call& call) {
  const auto in = builder.view(call);
  if (!in) return fail(in.error());
  View view = **in;
  if (auto ok = builder.straighten(view); !ok) return ok;
  const std::vector<std::int64_t> axes = view.shape;
  const std::int64_t axis = from_front(call.attributes.integer("axis", call.opset >= 13 ? -1 : 1), axes.size() + 1);
  if (axis < 1) return call.refuse("its axis would mix images");
  const std::int64_t size = ann::elements(axes), side = axes[static_cast<std::size_t>(axis) - 1];
  // Before operator set 13 all axes from `axis` on are one.
  const std::int64_t joined =
      call.opset >= 13 ? side : ann::elements(std::span(axes).subspan(static_cast<std::size_t>(axis) - 1));
  if (joined == size) {
    view.shape = {size};
  } else if (axis != 1) {
    return call.refuse(text::cat("a Softmax over axis ", axis, " of ", ann::text_of(axes), " per image"),
                       "let it work on class scores");
  }
  if (auto ok = builder.settle(view); !ok) return ok;
  return builder.append(call, ann::Softmax{.log = call.type() == "LogSoftmax"}, {view.value}, axes);
}

}  // namespace

std::span<const Entry> activation_operators() {
  static const std::vector<Entry> entries{
      {"BatchNormalization", batch_normalization, 5, 5, {"epsilon", "momentum", "spatial", "is_test", "training_mode"}},
      {"Clip", clip, 1, 3, {"min", "max"}},
      {"Floor", floor, 1, 1, {}},
      {"LRN", local_response, 1, 1, {"alpha", "beta", "bias", "size"}},
      {"LeakyRelu", leaky_relu, 1, 1, {"alpha"}},
      {"LogSoftmax", softmax, 1, 1, {"axis"}},
      {"PRelu", parametric_relu, 2, 2, {}},
      {"Relu", relu, 1, 1, {}},
      {"Softmax", softmax, 1, 1, {"axis"}},
  };
  return entries;
}

}  // namespace syn::onnx_file
