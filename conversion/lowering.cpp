#include "conversion/lowering.hpp"

#include <map>
#include <set>

#include "core/text.hpp"

namespace syn {
namespace {

using ann::Node;

std::string at(const Node& node) {
  return text::cat("node '", node.name, "' (", ann::name_of(node.op), ")");
}

snn::Shape shape_from(const ann::ValueShape& s) {
  if (s.size() == 1) return {1, 1, static_cast<std::uint32_t>(s[0])};
  return {static_cast<std::uint32_t>(s[1]), static_cast<std::uint32_t>(s[2]), static_cast<std::uint32_t>(s[0])};
}

class Lowering {
 public:
  Lowering(const ann::Graph& graph, std::map<std::string, ann::ValueShape> shapes)
      : graph_(graph), shapes_(std::move(shapes)) {}

  Expected<Lowered> run(const snn::Shape& image) {
    out_.source = unique(graph_.input);
    const bool flat = graph_.input_shape.size() == 1;
    out_.source_shape = flat ? image : shape_from(graph_.input_shape);
    if (out_.source_shape != image && !(flat && image.neurons() == graph_.input_shape[0])) {
      return fail(text::cat("the network takes ", ann::text_of(graph_.input_shape), " but the data set has images of ",
                            image.channels, "x", image.height, "x", image.width),
                  text::cat("input '", graph_.input, "'"), "use the data set that the network was trained on");
    }
    if (flat && image.neurons() != static_cast<std::uint64_t>(graph_.input_shape[0])) {
      return fail(text::cat("the network takes ", graph_.input_shape[0], " values but an image has ", image.neurons()),
                  text::cat("input '", graph_.input, "'"), "use the data set that the network was trained on");
    }
    values_[graph_.input] = {};
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (auto ok = node(i); !ok) return fail(ok.error());
    }
    if (out_.layers.empty() || out_.layers.back().kind != LoweredLayer::Kind::readout) {
      return fail("the network does not end with a Gemm", text::cat("output '", graph_.output, "'"),
                  "end it with a linear layer");
    }
    return std::move(out_);
  }

 private:
  // Where a value of the graph stands: behind which population, and by which nodes that hold no neurons.
  struct Place {
    std::size_t population = 0;
    std::vector<std::size_t> nodes = {};
  };

  std::string unique(const std::string& name) {
    std::string candidate = name.substr(0, 200);
    for (int i = 2; candidate.empty() || !names_.insert(candidate).second; ++i)
      candidate = text::cat(name.substr(0, 200), "_", i);
    return candidate;
  }
  std::vector<std::size_t> readers(const std::string& value) const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (graph_.nodes[i].inputs[0] == value) out.push_back(i);
    }
    return out;
  }

  Expected<> node(std::size_t i) {
    const Node& n = graph_.nodes[i];
    if (skip_.contains(i)) return {};
    const Place& place = values_.at(n.inputs[0]);
    if (std::holds_alternative<ann::Flatten>(n.op)) {
      Place behind = place;
      behind.nodes.push_back(i);
      values_[n.output] = std::move(behind);
      return {};
    }
    if (std::holds_alternative<ann::AveragePool>(n.op) || std::holds_alternative<ann::MaxPool>(n.op)) {
      if (const auto* max = std::get_if<ann::MaxPool>(&n.op);
          max && (max->geometry.dilation[0] != 1 || max->geometry.dilation[1] != 1)) {
        return fail("max pooling with dilation is not supported", at(n), "use a dilation of 1");
      }
      if (n.output == graph_.output) return fail("the network ends with a pooling", at(n), "end it with a Gemm");
      return layer(i, LoweredLayer::Kind::pooled, place, n.output, {i});
    }
    if (std::holds_alternative<ann::Conv>(n.op) || std::holds_alternative<ann::Gemm>(n.op)) return synapses(i, place);
    if (std::holds_alternative<ann::Relu>(n.op)) {
      return fail("this Relu follows neither a Conv nor a Gemm", at(n),
                  "put it directly behind the layer it belongs to");
    }
    return fail(text::cat("it has no place in a spiking network"), at(n), "remove it");
  }

  Expected<> synapses(std::size_t i, const Place& place) {
    const Node& n = graph_.nodes[i];
    if (const auto* conv = std::get_if<ann::Conv>(&n.op); conv && conv->groups != 1) {
      return fail(text::cat("a convolution of ", conv->groups, " groups is not supported yet"), at(n),
                  "use groups = 1");
    }
    const auto next = readers(n.output);
    const bool softmax = next.size() == 1 && std::holds_alternative<ann::Softmax>(graph_.nodes[next[0]].op);
    if ((next.empty() && n.output == graph_.output) || (softmax && n.output != graph_.output)) {
      if (!std::holds_alternative<ann::Gemm>(n.op))
        return fail("the network ends with a convolution", at(n), "end it with a Gemm");
      if (softmax) {
        skip_.insert(next[0]);
        out_.remarks.push_back("the Softmax at the end was dropped: it does not change which class is greatest");
      }
      return layer(i, LoweredLayer::Kind::readout, place, n.output, {i});
    }
    if (next.size() != 1 || n.output == graph_.output || !std::holds_alternative<ann::Relu>(graph_.nodes[next[0]].op)) {
      return fail("no Relu follows it directly, or something else reads it too", at(n),
                  "put a Relu behind every layer but the last");
    }
    skip_.insert(next[0]);
    if (graph_.nodes[next[0]].output == graph_.output) {
      return fail("the network ends with a Relu", at(graph_.nodes[next[0]]), "end it with a Gemm");
    }
    return layer(i, LoweredLayer::Kind::spiking, place, graph_.nodes[next[0]].output, {i, next[0]});
  }

  Expected<> layer(std::size_t synapse, LoweredLayer::Kind kind, const Place& place, const std::string& value,
                   std::initializer_list<std::size_t> own) {
    LoweredLayer layer{.kind = kind,
                       .name = unique(graph_.nodes[synapse].name),
                       .from = place.population,
                       .shape = shape_from(shapes_.at(value)),
                       .synapse = synapse,
                       .nodes = place.nodes,
                       .value = value};
    layer.nodes.insert(layer.nodes.end(), own);
    out_.layers.push_back(std::move(layer));
    values_[value] = {out_.layers.size(), {}};
    return {};
  }

  const ann::Graph& graph_;
  std::map<std::string, ann::ValueShape> shapes_;
  std::map<std::string, Place> values_;
  std::set<std::size_t> skip_;  // nodes that became part of an earlier one's population
  std::set<std::string> names_;
  Lowered out_;
};

}  // namespace

Expected<Lowered> lower(const ann::Graph& graph, const snn::Shape& image) {
  auto shapes = ann::shapes(graph);
  if (!shapes) return fail(shapes.error());
  return Lowering(graph, std::move(*shapes)).run(image);
}

}  // namespace syn
