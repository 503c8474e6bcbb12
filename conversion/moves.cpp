#include "conversion/moves.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace syn {
namespace {

using ann::Node;

template <class Op>
bool is(const Node& node) {
  return std::holds_alternative<Op>(node.op);
}

bool does_nothing(const GraphEdit& edit, const Node& node) {
  if (const auto* pool = std::get_if<ann::AveragePool>(&node.op)) return pool->geometry == ann::Geometry{};
  if (const auto* pool = std::get_if<ann::MaxPool>(&node.op)) return pool->geometry == ann::Geometry{};
  if (const auto* pad = std::get_if<ann::Pad>(&node.op))
    return !pad->begin[0] && !pad->begin[1] && !pad->end[0] && !pad->end[1];
  if (is<ann::Flatten>(node)) return edit.shape(node.inputs[0]).size() == 1;
  if (is<ann::Reshape>(node)) return edit.shape(node.inputs[0]) == edit.shape(node.output);
  if (is<ann::Add>(node) || is<ann::Concat>(node)) return node.inputs.size() == 1;
  if (is<ann::Relu>(node)) return edit.never_negative(node.inputs[0]);
  if (const auto* clip = std::get_if<ann::Clip>(&node.op))
    return std::isinf(clip->high) && (std::isinf(clip->low) || (clip->low <= 0 && edit.never_negative(node.inputs[0])));
  if (const auto* permutation = std::get_if<ann::ChannelPermutation>(&node.op)) {
    for (std::size_t c = 0; c < permutation->source.size(); ++c) {
      if (permutation->source[c] != c) return false;
    }
    return true;
  }
  if (is<ann::Affine>(node)) {
    const auto map = channel_map(node.op, edit.channels(node.inputs[0]));
    return map && std::ranges::all_of(map->factor, [](double f) { return f == 1; }) &&
           std::ranges::all_of(map->shift, [](double s) { return s == 0; });
  }
  return false;
}

// An activation, when it can stand on either side of whatever only moves or compares values.
bool is_activation(const Node& node) {
  const auto* quantised = std::get_if<ann::QuantisedRelu>(&node.op);
  return is<ann::Relu>(node) || is<ann::Clip>(node) || (quantised && quantised->ceiling.data.size() == 1);
}

bool simplify(GraphEdit& edit, std::size_t i) {
  Node& node = edit.nodes()[i];
  if (const auto* clip = std::get_if<ann::Clip>(&node.op)) {
    if (clip->low == 0 && std::isinf(clip->high)) {
      node.op = ann::Relu{};
      return true;
    }
    if (std::isinf(clip->low) && clip->low < 0 && edit.never_negative(node.inputs[0])) {
      node.op = ann::Clip{0, clip->high};
      return true;
    }
  }
  if (const auto* leaky = std::get_if<ann::LeakyRelu>(&node.op)) {
    if (leaky->slope == 0 || edit.never_negative(node.inputs[0])) {
      node.op = ann::Relu{};
      return true;
    }
  }
  if (is<ann::Reshape>(node) && edit.shape(node.output).size() == 1) {
    node.op = ann::Flatten{};
    return true;
  }
  return false;
}

// The greatest of rectified values is the rectified greatest; and of values times something positive likewise.
bool move_up(GraphEdit& edit, std::size_t i) {
  Node& node = edit.nodes()[i];
  const auto up = edit.maker(node.inputs[0]);
  if (!up || edit.readers(node.inputs[0]) != 1) return false;
  const Node& before = edit.nodes()[*up];
  const bool keeps_channels = is<ann::MaxPool>(before);
  const bool only_moves = is<ann::Flatten>(before) || is<ann::Reshape>(before) || is<ann::ChannelPermutation>(before);
  if (is_activation(node) && (keeps_channels || only_moves)) {
    edit.swap(*up, i);
    return true;
  }
  if (keeps_channels) {
    const auto map = channel_map(node.op, edit.channels(node.inputs[0]));
    if (map && std::ranges::all_of(map->factor, [](double f) { return f > 0; })) {
      edit.swap(*up, i);
      return true;
    }
  }
  return false;
}

// Concat of what has been pooled or rectified instead of pooling or rectifying what has been joined.
bool split_over_concat(GraphEdit& edit, std::size_t i) {
  const Node node = edit.nodes()[i];
  const bool pool = is<ann::AveragePool>(node) || is<ann::MaxPool>(node);
  if (!pool && !is_activation(node)) return false;
  const auto up = edit.maker(node.inputs[0]);
  if (!up || !is<ann::Concat>(edit.nodes()[*up])) return false;
  std::vector<std::string> inputs = edit.nodes()[*up].inputs;
  std::size_t at = i;
  for (std::string& input : inputs) input = edit.insert(at++, node.op, node.name, input);
  edit.nodes()[at].op = ann::Concat{};
  edit.nodes()[at].inputs = std::move(inputs);
  return true;
}

bool merge_pad(GraphEdit& edit, std::size_t i) {
  const auto* pad = std::get_if<ann::Pad>(&edit.nodes()[i].op);
  if (!pad || pad->value != 0) return false;
  const std::string &input = edit.nodes()[i].inputs[0], &output = edit.nodes()[i].output;
  for (Node& reader : edit.nodes()) {
    if (reader.inputs[0] != output || reader.inputs.size() != 1) continue;
    Node merged = reader;
    const auto widen = [&](ann::Geometry& g) {
      for (int axis = 0; axis < 2; ++axis) {
        if (pad->begin[axis] < 0 || pad->end[axis] < 0) return false;
        g.pad_begin[axis] += pad->begin[axis];
        g.pad_end[axis] += pad->end[axis];
      }
      return true;
    };
    bool possible = false;
    if (auto* conv = std::get_if<ann::Conv>(&merged.op)) possible = widen(conv->geometry);
    if (auto* average = std::get_if<ann::AveragePool>(&merged.op)) {
      const ann::Geometry& g = average->geometry;
      const bool own = g.pad_begin[0] || g.pad_begin[1] || g.pad_end[0] || g.pad_end[1];
      possible = (average->count_include_pad || !own) && widen(average->geometry);
      average->count_include_pad = true;
    }
    // Where nothing is negative, a zero beside the window's values never is the greatest.
    if (auto* max = std::get_if<ann::MaxPool>(&merged.op))
      possible = edit.never_negative(input) && widen(max->geometry);
    if (!possible) continue;
    merged.inputs[0] = input;
    const auto shape = ann::output_shape(merged, std::vector<ann::ValueShape>{edit.shape(input)});
    if (!shape || *shape != edit.shape(reader.output)) continue;
    reader = std::move(merged);
    if (edit.readers(output) == 0) edit.nodes().erase(edit.nodes().begin() + static_cast<std::ptrdiff_t>(i));
    return true;
  }
  return false;
}

// Grouped weights as those of one group, with zeros between.
void ungroup(ann::Conv& conv) {
  const auto out = static_cast<std::size_t>(conv.weight.shape[0]),
             each = static_cast<std::size_t>(conv.weight.shape[1]), groups = static_cast<std::size_t>(conv.groups),
             taps = static_cast<std::size_t>(conv.geometry.kernel[0] * conv.geometry.kernel[1]);
  std::vector<float> full(out * each * groups * taps);
  for (std::size_t o = 0; o < out; ++o) {
    const std::size_t first = o / (out / groups) * each;
    std::copy_n(conv.weight.data.begin() + static_cast<std::ptrdiff_t>(o * each * taps), each * taps,
                full.begin() + static_cast<std::ptrdiff_t>((o * each * groups + first) * taps));
  }
  conv.weight.shape[1] *= conv.groups;
  conv.weight.data = std::move(full);
  conv.groups = 1;
}

// Channels that are shuffled behind a convolution and its activation: the convolution makes them in that order.
bool absorb_permutation(GraphEdit& edit, std::size_t i) {
  const auto* permutation = std::get_if<ann::ChannelPermutation>(&edit.nodes()[i].op);
  if (!permutation) return false;
  auto up = edit.maker(edit.nodes()[i].inputs[0]);
  while (up && edit.readers(edit.nodes()[*up].output) == 1 &&
         (is_activation(edit.nodes()[*up]) || is<ann::MaxPool>(edit.nodes()[*up]) ||
          is<ann::AveragePool>(edit.nodes()[*up]))) {
    up = edit.maker(edit.nodes()[*up].inputs[0]);
  }
  if (!up || edit.readers(edit.nodes()[*up].output) != 1) return false;
  auto* conv = std::get_if<ann::Conv>(&edit.nodes()[*up].op);
  if (!conv) return false;
  if (conv->groups != 1) ungroup(*conv);
  const ann::Conv before = *conv;
  const std::size_t outputs = permutation->source.size(), each = before.weight.data.size() / outputs;
  for (std::size_t o = 0; o < outputs; ++o) {
    const std::size_t source = permutation->source[o];
    std::copy_n(before.weight.data.begin() + static_cast<std::ptrdiff_t>(source * each), each,
                conv->weight.data.begin() + static_cast<std::ptrdiff_t>(o * each));
    if (!before.bias.data.empty()) conv->bias.data[o] = before.bias.data[source];
  }
  edit.remove(i);
  return true;
}

// Averaging what a 1 x 1 convolution made is convolving the average, as long as no padding is averaged.
bool pool_first(GraphEdit& edit, std::size_t i) {
  const auto* pool = std::get_if<ann::AveragePool>(&edit.nodes()[i].op);
  const auto up = pool ? edit.maker(edit.nodes()[i].inputs[0]) : std::nullopt;
  if (!up || edit.readers(edit.nodes()[i].inputs[0]) != 1) return false;
  const auto* conv = std::get_if<ann::Conv>(&edit.nodes()[*up].op);
  const ann::Geometry& g = pool->geometry;
  const bool padded = g.pad_begin[0] || g.pad_begin[1] || g.pad_end[0] || g.pad_end[1];
  if (!conv || conv->geometry != ann::Geometry{} || (padded && pool->count_include_pad)) return false;
  edit.swap(*up, i);
  return true;
}

}  // namespace

bool move_node(GraphEdit& edit, std::size_t i) {
  if (does_nothing(edit, edit.nodes()[i])) {
    edit.remove(i);
    return true;
  }
  return simplify(edit, i) || move_up(edit, i) || split_over_concat(edit, i) || merge_pad(edit, i) ||
         absorb_permutation(edit, i) || pool_first(edit, i);
}

}  // namespace syn
