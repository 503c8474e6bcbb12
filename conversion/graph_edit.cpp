#include "conversion/graph_edit.hpp"

#include <algorithm>
#include <cmath>

#include "core/text.hpp"

namespace syn {
namespace {

bool makes_positive(const ann::Node& node, const std::set<std::string>& positive) {
  if (std::holds_alternative<ann::Relu>(node.op) || std::holds_alternative<ann::QuantisedRelu>(node.op) ||
      std::holds_alternative<ann::Softmax>(node.op)) {
    return !std::holds_alternative<ann::Softmax>(node.op) || !std::get<ann::Softmax>(node.op).log;
  }
  if (const auto* clip = std::get_if<ann::Clip>(&node.op)) return clip->low >= 0;
  if (const auto* pad = std::get_if<ann::Pad>(&node.op); pad && pad->value < 0) return false;
  const bool keeps = std::holds_alternative<ann::AveragePool>(node.op) ||
                     std::holds_alternative<ann::MaxPool>(node.op) || std::holds_alternative<ann::Pad>(node.op) ||
                     std::holds_alternative<ann::Add>(node.op) || std::holds_alternative<ann::Concat>(node.op) ||
                     std::holds_alternative<ann::Flatten>(node.op) ||
                     std::holds_alternative<ann::ChannelPermutation>(node.op) ||
                     std::holds_alternative<ann::Reshape>(node.op) || std::holds_alternative<ann::Floor>(node.op);
  return keeps && std::ranges::all_of(node.inputs, [&](const std::string& in) { return positive.contains(in); });
}

}  // namespace

GraphEdit::GraphEdit(ann::Graph graph) : graph_(std::move(graph)) {
  names_.insert(graph_.input);
  for (const ann::Node& node : graph_.nodes) {
    names_.insert(node.output);
    names_.insert(node.name);
  }
}

int GraphEdit::readers(const std::string& value) const {
  int count = value == graph_.output;
  for (const ann::Node& node : graph_.nodes) count += std::ranges::find(node.inputs, value) != node.inputs.end();
  return count;
}

std::optional<std::size_t> GraphEdit::maker(const std::string& value) const {
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (graph_.nodes[i].output == value) return i;
  }
  return {};
}

std::optional<std::size_t> GraphEdit::only_reader(const std::string& value) const {
  if (readers(value) != 1) return {};
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (std::ranges::find(graph_.nodes[i].inputs, value) != graph_.nodes[i].inputs.end()) return i;
  }
  return {};
}

void GraphEdit::remove(std::size_t i) {
  const ann::Node gone = std::move(graph_.nodes[i]);
  graph_.nodes.erase(graph_.nodes.begin() + static_cast<std::ptrdiff_t>(i));
  for (ann::Node& node : graph_.nodes) std::ranges::replace(node.inputs, gone.output, gone.inputs[0]);
  if (graph_.output == gone.output) graph_.output = gone.inputs[0];
}

std::string GraphEdit::insert(std::size_t at, ann::Operator op, const std::string& name, const std::string& value) {
  ann::Node node{fresh(name), std::move(op), {value}, fresh(value + "'")};
  std::string made = node.output;
  graph_.nodes.insert(graph_.nodes.begin() + static_cast<std::ptrdiff_t>(at), std::move(node));
  return made;
}

void GraphEdit::swap(std::size_t first, std::size_t second) {
  std::swap(graph_.nodes[first].op, graph_.nodes[second].op);
  std::swap(graph_.nodes[first].name, graph_.nodes[second].name);
}

Expected<> GraphEdit::refresh() {
  auto shapes = ann::shapes(graph_);
  if (!shapes) return fail(shapes.error());
  shapes_ = std::move(*shapes);
  positive_.clear();
  for (const ann::Node& node : graph_.nodes) {
    if (makes_positive(node, positive_)) positive_.insert(node.output);
  }
  return {};
}

std::string GraphEdit::fresh(const std::string& wanted) {
  std::string candidate = wanted.substr(0, 200);
  for (int i = 2; !names_.insert(candidate).second; ++i) candidate = text::cat(wanted.substr(0, 200), "_", i);
  return candidate;
}

std::string place_of(const ann::Node& node) {
  return text::cat("node '", node.name, "' (", ann::name_of(node.op), ")");
}

std::optional<ChannelMap> channel_map(const ann::Operator& op, std::size_t channels) {
  ChannelMap out{std::vector<double>(channels, 1), std::vector<double>(channels, 0)};
  if (const auto* bn = std::get_if<ann::BatchNormalization>(&op)) {
    if (bn->scale.data.size() != channels) return {};
    for (std::size_t c = 0; c < channels; ++c) {
      out.factor[c] = bn->scale.data[c] / std::sqrt(double{bn->variance.data[c]} + double{bn->epsilon});
      out.shift[c] = bn->bias.data[c] - bn->mean.data[c] * out.factor[c];
    }
    return out;
  }
  const auto* affine = std::get_if<ann::Affine>(&op);
  if (!affine) return {};
  const auto spread = [&](const ann::Tensor& tensor, std::vector<double>& to) {
    if (tensor.data.size() != 1 && tensor.data.size() != channels) return false;
    for (std::size_t c = 0; c < channels; ++c) to[c] = tensor.data[tensor.data.size() == 1 ? 0 : c];
    return true;
  };
  if (!spread(affine->factor, out.factor) || !spread(affine->shift, out.shift)) return {};
  return out;
}

}  // namespace syn
