#include "conversion/fold.hpp"

#include <cmath>
#include <optional>

#include "conversion/ann/shapes.hpp"
#include "core/text.hpp"

namespace syn {
namespace {

using ann::Graph;
using ann::Node;
using ann::Tensor;

std::string at(const Node& node) {
  return text::cat("node '", node.name, "' (", ann::name_of(node.op), ")");
}

// y = x * factor + shift, per channel: a BatchNormalization in evaluation mode.
struct Affine {
  std::vector<double> factor, shift;
  explicit Affine(const ann::BatchNormalization& bn) : factor(bn.scale.data.size()), shift(factor.size()) {
    for (std::size_t c = 0; c < factor.size(); ++c) {
      factor[c] = bn.scale.data[c] / std::sqrt(double{bn.variance.data[c]} + double{bn.epsilon});
      shift[c] = bn.bias.data[c] - bn.mean.data[c] * factor[c];
    }
  }
};

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

// node, then the affine map.
void fold_behind(Node& node, const Affine& affine) {
  Tensor& weight = *weight_of(node);
  Tensor& bias = bias_of(node);
  const std::size_t out = bias.data.size(), each = weight.data.size() / out;
  for (std::size_t o = 0; o < out; ++o) {
    for (std::size_t i = 0; i < each; ++i) {
      weight.data[o * each + i] = static_cast<float>(weight.data[o * each + i] * affine.factor[o]);
    }
    bias.data[o] = static_cast<float>(bias.data[o] * affine.factor[o] + affine.shift[o]);
  }
}

// The affine map, then node. `repeat`: how many consecutive inputs of the weights share a channel (kernel taps;
// positions of a flattened map).
void fold_before(Node& node, const Affine& affine, std::size_t groups, std::size_t repeat) {
  Tensor& weight = *weight_of(node);
  Tensor& bias = bias_of(node);
  const std::size_t out = bias.data.size(), each = weight.data.size() / out, per_group = affine.factor.size() / groups;
  for (std::size_t o = 0; o < out; ++o) {
    double sum = bias.data[o];
    for (std::size_t i = 0; i < each; ++i) {
      const std::size_t channel = (o / (out / groups)) * per_group + i / repeat;
      const double w = weight.data[o * each + i];
      sum += w * affine.shift[channel];
      weight.data[o * each + i] = static_cast<float>(w * affine.factor[channel]);
    }
    bias.data[o] = static_cast<float>(sum);
  }
}

class Folder {
 public:
  explicit Folder(Graph graph) : graph_(std::move(graph)) {}

  Expected<Graph> run() {
    for (std::size_t i = 0; i < graph_.nodes.size() || i == 0;) {
      const auto shapes = ann::shapes(graph_);  // a rewrite changes what values hold
      if (!shapes) return fail(shapes.error());
      if (graph_.nodes.empty()) break;
      const auto changed = rewrite(i, *shapes);
      if (!changed) return fail(changed.error());
      i = *changed ? 0 : i + 1;  // a rewrite may enable one further up
    }
    return std::move(graph_);
  }

 private:
  int readers(const std::string& value) const {
    int count = value == graph_.output;
    for (const Node& node : graph_.nodes) count += node.inputs[0] == value;
    return count;
  }
  std::optional<std::size_t> maker(const std::string& value) const {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (graph_.nodes[i].output == value) return i;
    }
    return {};
  }
  std::optional<std::size_t> only_reader(const std::string& value) const {
    if (readers(value) != 1) return {};
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (graph_.nodes[i].inputs[0] == value) return i;
    }
    return {};
  }
  // Takes node i out; its readers read what it read.
  void remove(std::size_t i) {
    const Node gone = std::move(graph_.nodes[i]);
    graph_.nodes.erase(graph_.nodes.begin() + static_cast<std::ptrdiff_t>(i));
    for (Node& node : graph_.nodes) {
      if (node.inputs[0] == gone.output) node.inputs[0] = gone.inputs[0];
    }
    if (graph_.output == gone.output) graph_.output = gone.inputs[0];
  }

  Expected<bool> rewrite(std::size_t i, const std::map<std::string, ann::ValueShape>& shapes) {
    Node& node = graph_.nodes[i];
    const auto before = maker(node.inputs[0]);
    if (const auto* pool = std::get_if<ann::AveragePool>(&node.op); pool && pool->geometry == ann::Geometry{})
      return removed(i);
    if (const auto* pool = std::get_if<ann::MaxPool>(&node.op); pool && pool->geometry == ann::Geometry{})
      return removed(i);
    if (std::holds_alternative<ann::Flatten>(node.op) && shapes.at(node.inputs[0]).size() == 1) return removed(i);
    if (std::holds_alternative<ann::Relu>(node.op)) {
      // What has passed a Relu stays positive through pooling and flattening: a second Relu changes nothing.
      for (auto up = before; up; up = maker(graph_.nodes[*up].inputs[0])) {
        const ann::Operator& op = graph_.nodes[*up].op;
        if (std::holds_alternative<ann::Relu>(op)) return removed(i);
        if (!std::holds_alternative<ann::AveragePool>(op) && !std::holds_alternative<ann::MaxPool>(op) &&
            !std::holds_alternative<ann::Flatten>(op)) {
          break;
        }
      }
      // The greatest of rectified values is the rectified greatest.
      const bool movable = before && (std::holds_alternative<ann::MaxPool>(graph_.nodes[*before].op) ||
                                      std::holds_alternative<ann::Flatten>(graph_.nodes[*before].op));
      if (movable && readers(node.inputs[0]) == 1) {
        Node& pool = graph_.nodes[*before];
        std::swap(pool.op, node.op);
        std::swap(pool.name, node.name);
        return true;
      }
    }
    if (const auto* bn = std::get_if<ann::BatchNormalization>(&node.op)) {
      const Affine affine(*bn);
      if (before && weight_of(graph_.nodes[*before]) && readers(node.inputs[0]) == 1) {
        fold_behind(graph_.nodes[*before], affine);
        return removed(i);
      }
      return fold_into_reader(i, affine, shapes);
    }
    return false;
  }

  Expected<bool> fold_into_reader(std::size_t i, const Affine& affine,
                                  const std::map<std::string, ann::ValueShape>& shapes) {
    const Node& node = graph_.nodes[i];
    auto reader = only_reader(node.output);
    std::size_t repeat = 1;
    if (reader && std::holds_alternative<ann::Flatten>(graph_.nodes[*reader].op)) {
      repeat = static_cast<std::size_t>(ann::elements(shapes.at(node.inputs[0]))) / affine.factor.size();
      reader = only_reader(graph_.nodes[*reader].output);
    }
    if (reader && std::holds_alternative<ann::Gemm>(graph_.nodes[*reader].op)) {
      fold_before(graph_.nodes[*reader], affine, 1, repeat);
      return removed(i);
    }
    if (reader) {
      if (const auto* conv = std::get_if<ann::Conv>(&graph_.nodes[*reader].op)) {
        const ann::Geometry& g = conv->geometry;
        if (g.pad_begin[0] || g.pad_begin[1] || g.pad_end[0] || g.pad_end[1]) {
          return fail(text::cat("it stands before the padded convolution '", graph_.nodes[*reader].name,
                                "', where it would become a bias per border position"),
                      at(node), "put the BatchNormalization behind the convolution");
        }
        fold_before(graph_.nodes[*reader], affine, static_cast<std::size_t>(conv->groups),
                    static_cast<std::size_t>(g.kernel[0] * g.kernel[1]));
        return removed(i);
      }
    }
    return fail("it neither follows nor precedes a Conv or Gemm that it could be folded into", at(node),
                "put the BatchNormalization directly behind the Conv or Gemm");
  }

  bool removed(std::size_t i) {
    remove(i);
    return true;
  }

  Graph graph_;
};

}  // namespace

Expected<ann::Graph> fold(ann::Graph graph) {
  return Folder(std::move(graph)).run();
}

}  // namespace syn
