#include "conversion/fold.hpp"

#include <algorithm>

#include "conversion/graph_edit.hpp"
#include "conversion/moves.hpp"
#include "conversion/quantised.hpp"

namespace syn {
namespace {

using ann::Node;
using ann::Tensor;

Tensor* weight_of(Node& node) {
  if (auto* conv = std::get_if<ann::Conv>(&node.op)) return &conv->weight;
  if (auto* gemm = std::get_if<ann::Gemm>(&node.op)) return &gemm->weight;
  return nullptr;
}
Tensor& bias_of(Node& node) {
  auto* conv = std::get_if<ann::Conv>(&node.op);
  Tensor& bias = conv ? conv->bias : std::get<ann::Gemm>(node.op).bias;
  if (bias.data.empty()) {
    const std::int64_t out = weight_of(node)->shape[0];
    bias = {{out}, std::vector<float>(static_cast<std::size_t>(out), 0.f)};
  }
  return bias;
}

// node, then the map.
void fold_behind(Node& node, const ChannelMap& map) {
  Tensor& weight = *weight_of(node);
  Tensor& bias = bias_of(node);
  const std::size_t out = bias.data.size(), each = weight.data.size() / out;
  for (std::size_t o = 0; o < out; ++o) {
    for (std::size_t i = 0; i < each; ++i) {
      weight.data[o * each + i] = static_cast<float>(weight.data[o * each + i] * map.factor[o]);
    }
    bias.data[o] = static_cast<float>(bias.data[o] * map.factor[o] + map.shift[o]);
  }
}

// The map, then node. `repeat`: how many consecutive inputs of the weights share a channel (kernel taps; positions of a
// flattened map).
void fold_before(Node& node, const ChannelMap& map, std::size_t groups, std::size_t repeat) {
  Tensor& weight = *weight_of(node);
  Tensor& bias = bias_of(node);
  const std::size_t out = bias.data.size(), each = weight.data.size() / out, per_group = map.factor.size() / groups;
  for (std::size_t o = 0; o < out; ++o) {
    double sum = bias.data[o];
    for (std::size_t i = 0; i < each; ++i) {
      const std::size_t channel = (o / (out / groups)) * per_group + i / repeat;
      const double w = weight.data[o * each + i];
      sum += w * map.shift[channel];
      weight.data[o * each + i] = static_cast<float>(w * map.factor[channel]);
    }
    bias.data[o] = static_cast<float>(sum);
  }
}

// Behind an Add: each branch gets the factor, the first one the shift too.
void split_over_add(GraphEdit& edit, std::size_t i, std::size_t add, const ChannelMap& map) {
  const auto channels = static_cast<std::int64_t>(map.factor.size());
  const std::string name = edit.nodes()[i].name;
  std::vector<std::string> inputs = edit.nodes()[add].inputs;
  std::size_t at = add;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    ann::Affine part{{{channels}, {}}, {{channels}, {}}};
    for (std::size_t c = 0; c < map.factor.size(); ++c) {
      part.factor.data.push_back(static_cast<float>(map.factor[c]));
      part.shift.data.push_back(k == 0 ? static_cast<float>(map.shift[c]) : 0.f);
    }
    inputs[k] = edit.insert(at++, std::move(part), name, inputs[k]);
  }
  edit.nodes()[at].inputs = std::move(inputs);
  edit.remove(i + (at - add));
}

bool fold_into_reader(GraphEdit& edit, std::size_t i, const ChannelMap& map) {
  const Node& node = edit.nodes()[i];
  auto reader = edit.only_reader(node.output);
  std::size_t repeat = 1;
  if (reader && std::holds_alternative<ann::Flatten>(edit.nodes()[*reader].op)) {
    repeat = static_cast<std::size_t>(ann::elements(edit.shape(node.inputs[0]))) / map.factor.size();
    reader = edit.only_reader(edit.nodes()[*reader].output);
  }
  if (!reader) return false;
  std::size_t groups = 1;
  if (const auto* conv = std::get_if<ann::Conv>(&edit.nodes()[*reader].op)) {
    const ann::Geometry& g = conv->geometry;
    if (g.pad_begin[0] || g.pad_begin[1] || g.pad_end[0] || g.pad_end[1]) return false;  // a bias per border position
    groups = static_cast<std::size_t>(conv->groups);
    repeat = static_cast<std::size_t>(g.kernel[0] * g.kernel[1]);
  } else if (!std::holds_alternative<ann::Gemm>(edit.nodes()[*reader].op)) {
    return false;
  }
  fold_before(edit.nodes()[*reader], map, groups, repeat);
  edit.remove(i);
  return true;
}

bool fold_node(GraphEdit& edit, std::size_t i) {
  const Node& node = edit.nodes()[i];
  const auto map = channel_map(node.op, edit.channels(node.inputs[0]));
  if (!map) return false;
  const auto before = edit.maker(node.inputs[0]);
  if (before && edit.readers(node.inputs[0]) == 1) {
    if (weight_of(edit.nodes()[*before])) {
      fold_behind(edit.nodes()[*before], *map);
      edit.remove(i);
      return true;
    }
    if (std::holds_alternative<ann::Add>(edit.nodes()[*before].op)) {
      split_over_add(edit, i, *before, *map);
      return true;
    }
  }
  return fold_into_reader(edit, i, *map);
}

void drop_unread(GraphEdit& edit) {
  for (std::size_t i = edit.nodes().size(); i-- > 0;) {
    if (edit.readers(edit.nodes()[i].output) == 0)
      edit.nodes().erase(edit.nodes().begin() + static_cast<std::ptrdiff_t>(i));
  }
}

}  // namespace

Expected<ann::Graph> fold(ann::Graph graph) {
  GraphEdit edit(std::move(graph));
  if (auto ok = edit.refresh(); !ok) return fail(ok.error());
  drop_unread(edit);
  if (auto ok = recognise_quantised(edit); !ok) return fail(ok.error());
  for (bool changed = true; changed;) {
    changed = false;
    if (auto ok = edit.refresh(); !ok) return fail(ok.error());
    for (std::size_t i = 0; i < edit.nodes().size();) {
      if (!move_node(edit, i) && !fold_node(edit, i)) {
        ++i;
        continue;
      }
      changed = true;
      drop_unread(edit);
      if (auto ok = edit.refresh(); !ok) return fail(ok.error());
      i = i > 2 ? i - 2 : 0;  // it may enable a rewrite of what stands before it
    }
  }
  return std::move(edit.graph());
}

}  // namespace syn
