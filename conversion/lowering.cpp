#include "conversion/lowering.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "conversion/graph_edit.hpp"
#include "core/text.hpp"

namespace syn {
namespace {

using ann::Node;

// Terms of one sum: nested Adds repeat what they read, and this bounds them.
constexpr std::size_t kGreatestTerms = 256;

snn::Shape shape_from(const ann::ValueShape& s) {
  if (s.size() == 1) return {1, 1, static_cast<std::uint32_t>(s[0])};
  return {static_cast<std::uint32_t>(s[1]), static_cast<std::uint32_t>(s[2]), static_cast<std::uint32_t>(s[0])};
}

// Exactly one of `parts` and `terms` is empty.
struct Value {
  std::vector<std::size_t> parts = {};
  std::vector<LoweredTerm> terms = {};
  std::vector<double> shift = {};
  bool flattened = false;  // a map of several positions as a vector: only a Gemm or a Concat may read it
  std::size_t node = 0;    // of the last Conv, Gemm, Add or map: whom an error names
  bool is_sum() const { return !terms.empty(); }
  // An affine map of populations, which a Conv or Gemm can take in.
  bool is_map() const { return terms.size() == 1 && !terms[0].node && terms[0].gain.empty() && shift.empty(); }
};

class Lowering {
 public:
  Lowering(const ann::Graph& graph, std::map<std::string, ann::ValueShape> shapes)
      : graph_(graph), shapes_(std::move(shapes)) {}

  Expected<Lowered> run(const snn::Shape& image) {
    out_.source = unique(graph_.input);
    const bool flat = graph_.input_shape.size() == 1;
    out_.source_shape = flat ? image : shape_from(graph_.input_shape);
    const bool fits =
        flat ? image.neurons() == static_cast<std::uint64_t>(graph_.input_shape[0]) : out_.source_shape == image;
    if (!fits) {
      return fail(text::cat("the network takes ", ann::text_of(graph_.input_shape), " but the data set has images of ",
                            image.channels, "x", image.height, "x", image.width),
                  text::cat("input '", graph_.input, "'"), "use the data set that the network was trained on");
    }
    values_[graph_.input] = {.parts = {0}, .flattened = flat && image.positions() > 1};
    std::string output = graph_.output;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& n = graph_.nodes[i];
      if (std::holds_alternative<ann::Softmax>(n.op) && n.output == graph_.output) {
        out_.remarks.push_back("the Softmax at the end was dropped: it does not change which class is greatest");
        output = n.inputs[0];
        continue;
      }
      auto value = lowered(i);
      if (!value) return fail(value.error());
      values_[n.output] = std::move(*value);
    }
    if (auto ok = readout(output); !ok) return fail(ok.error());
    return std::move(out_);
  }

 private:
  std::string unique(const std::string& name) {
    std::string candidate = name.substr(0, 200);
    for (int i = 2; candidate.empty() || !names_.insert(candidate).second; ++i)
      candidate = text::cat(name.substr(0, 200), "_", i);
    return candidate;
  }
  std::unexpected<Error> refuse(std::size_t i, std::string what, std::string todo) const {
    return fail(std::move(what), place_of(graph_.nodes[i]), std::move(todo));
  }
  std::unexpected<Error> no_activation(const Value& value, std::size_t reader) const {
    return refuse(value.node, text::cat("no Relu follows it before ", place_of(graph_.nodes[reader]), " reads it"),
                  "put a Relu, or a Clip from 0, directly behind it, or behind the Add that joins it");
  }

  Expected<Value> lowered(std::size_t i) {
    const Node& n = graph_.nodes[i];
    const Value& in = values_.at(n.inputs[0]);
    if (std::holds_alternative<ann::Conv>(n.op) || std::holds_alternative<ann::Gemm>(n.op)) return linear(i, in);
    if (std::holds_alternative<ann::Add>(n.op)) return add(i);
    if (std::holds_alternative<ann::Concat>(n.op)) return concat(i);
    if (std::holds_alternative<ann::AveragePool>(n.op) || std::holds_alternative<ann::MaxPool>(n.op)) {
      if (in.is_sum()) return no_activation(in, i);
      LoweredLayer layer{.kind = LoweredLayer::Kind::pooled, .name = n.name, .pool = i};
      layer.terms.push_back({.parts = in.parts});
      return append(std::move(layer), n.output);
    }
    if (std::holds_alternative<ann::Flatten>(n.op)) {
      const bool one = shape_from(shapes_.at(n.inputs[0])).positions() == 1;
      if (in.is_sum() && !one) return no_activation(in, i);
      Value out = in;
      out.flattened = out.flattened || !one;
      return out;
    }
    if (const auto map = channel_map(n.op, static_cast<std::size_t>(shapes_.at(n.output)[0])))
      return mapped(i, in, *map);
    return activation_or_refusal(i, in);
  }

  Expected<Value> activation_or_refusal(std::size_t i, const Value& in) {
    const Node& n = graph_.nodes[i];
    LoweredLayer layer;
    if (const auto* clip = std::get_if<ann::Clip>(&n.op)) {
      if (clip->low != 0 || !(clip->high > 0)) {
        return refuse(i, text::cat("it clips to ", clip->low, " .. ", clip->high, "; counts can only say 0 and above"),
                      "use a Clip from 0, such as ReLU6");
      }
      layer.highest = clip->high;
    } else if (const auto* quantised = std::get_if<ann::QuantisedRelu>(&n.op)) {
      layer.quantised = quantised;
    } else if (!std::holds_alternative<ann::Relu>(n.op)) {
      return refusal(i);
    }
    if (in.flattened) return refuse(i, "it follows a Flatten", "put it before the Flatten");
    layer.terms = terms_of(in);
    layer.shift = in.shift;
    layer.name = in.is_sum() && !in.is_map() ? graph_.nodes[in.node].name : n.name;
    return append(std::move(layer), n.output);
  }

  std::unexpected<Error> refusal(std::size_t i) const {
    const ann::Operator& op = graph_.nodes[i].op;
    if (std::holds_alternative<ann::LeakyRelu>(op))
      return refuse(i, "its activations can be negative, and counts cannot", "train with Relu instead");
    if (std::holds_alternative<ann::Floor>(op)) {
      return refuse(i, "it is not part of a clip-floor-shift activation that is recognised",
                    "spell it theta * Clip(Floor(x * L / theta + 0.5) / L, 0, 1), with one L for all channels");
    }
    if (std::holds_alternative<ann::LocalResponseNormalization>(op)) {
      return refuse(i, "it divides activations by each other, which sums of spikes cannot",
                    "train with BatchNormalization instead");
    }
    if (std::holds_alternative<ann::Pad>(op)) {
      return refuse(i, "this padding fits into no convolution or pooling behind it",
                    "pad with zeros directly before a Conv, or let the Conv pad");
    }
    if (std::holds_alternative<ann::ChannelPermutation>(op)) {
      return refuse(i, "only channels that one Conv has made can be shuffled",
                    "put the shuffle directly behind a Conv and its Relu");
    }
    if (std::holds_alternative<ann::Softmax>(op))
      return refuse(i, "it is not the last node", "end the network with it");
    return refuse(i, "it has no place in a spiking network", "remove it");
  }

  static std::vector<LoweredTerm> terms_of(const Value& value) {
    if (value.is_sum()) return value.terms;
    return {LoweredTerm{.parts = value.parts}};
  }

  Expected<Value> linear(std::size_t i, const Value& in) {
    if (in.is_sum() && !in.is_map()) return no_activation(in, i);
    const Node& n = graph_.nodes[i];
    if (const auto* conv = std::get_if<ann::Conv>(&n.op); conv && conv->groups > 1) {
      const std::int64_t inputs = shapes_.at(n.inputs[0])[0];
      if (conv->groups != inputs || conv->weight.shape[0] != inputs) {
        out_.remarks.push_back(text::cat("the ", conv->groups, " groups of ", place_of(n),
                                         " became one convolution with zeros between them"));
      }
    }
    LoweredTerm term = terms_of(in)[0];
    term.node = i;
    return Value{.terms = {std::move(term)}, .node = i};
  }

  // y = factor * in + shift.
  Expected<Value> mapped(std::size_t i, const Value& in, const ChannelMap& map) {
    if (in.flattened)
      return refuse(i, "it follows a Flatten, and more than one Gemm reads it", "put it before the Flatten");
    Value out = in;
    out.node = i;
    if (!in.is_sum()) {
      out.parts.clear();
      out.terms = {LoweredTerm{.parts = in.parts, .factor = map.factor, .shift = map.shift}};
      return out;
    }
    const std::size_t channels = map.factor.size();
    if (in.is_map()) {
      LoweredTerm& term = out.terms[0];
      if (term.factor.empty()) term.factor.assign(channels, 1);
      if (term.shift.empty()) term.shift.assign(channels, 0);
      for (std::size_t c = 0; c < channels; ++c) {
        term.factor[c] *= map.factor[c];
        term.shift[c] = term.shift[c] * map.factor[c] + map.shift[c];
      }
      return out;
    }
    for (LoweredTerm& term : out.terms) {
      if (term.gain.empty()) term.gain.assign(channels, 1);
      for (std::size_t c = 0; c < channels; ++c) term.gain[c] *= map.factor[c];
    }
    if (out.shift.empty()) out.shift.assign(channels, 0);
    for (std::size_t c = 0; c < channels; ++c) out.shift[c] = out.shift[c] * map.factor[c] + map.shift[c];
    return out;
  }

  Expected<Value> add(std::size_t i) {
    Value out{.node = i};
    for (const std::string& name : graph_.nodes[i].inputs) {
      const Value& in = values_.at(name);
      if (in.flattened) return refuse(i, "it adds what a Flatten made", "add before the Flatten");
      for (LoweredTerm& term : terms_of(in)) out.terms.push_back(std::move(term));
      if (out.terms.size() > kGreatestTerms)
        return refuse(i, text::cat("it joins more than ", kGreatestTerms, " branches"), "put a Relu behind some Adds");
      if (!in.shift.empty() && out.shift.empty()) out.shift.assign(in.shift.size(), 0);
      for (std::size_t c = 0; c < in.shift.size(); ++c) out.shift[c] += in.shift[c];
    }
    return out;
  }

  Expected<Value> concat(std::size_t i) {
    Value out{.node = i};
    for (const std::string& name : graph_.nodes[i].inputs) {
      const Value& in = values_.at(name);
      if (in.is_sum()) return no_activation(in, i);
      out.parts.insert(out.parts.end(), in.parts.begin(), in.parts.end());
      out.flattened = out.flattened || in.flattened;
    }
    return out;
  }

  Expected<> readout(const std::string& name) {
    const Value& value = values_.at(name);
    const auto made = std::ranges::find(graph_.nodes, name, &Node::output);
    if (shape_from(shapes_.at(name)).positions() != 1 || value.flattened) {
      return fail(
          text::cat("the network ends with a map of ", ann::text_of(shapes_.at(name)), ", not with one score a class"),
          made == graph_.nodes.end() ? text::cat("output '", name, "'") : place_of(*made),
          "end it with a Gemm, or with a global pooling");
    }
    LoweredLayer layer{.kind = LoweredLayer::Kind::readout,
                       .name = value.is_sum()               ? graph_.nodes[value.node].name
                               : made == graph_.nodes.end() ? "readout"
                                                            : made->name + "_readout",
                       .terms = terms_of(value),
                       .shift = value.shift};
    append(std::move(layer), name);
    return {};
  }

  Value append(LoweredLayer layer, const std::string& value) {
    layer.name = unique(layer.name);
    layer.shape = shape_from(shapes_.at(value));
    layer.value = value;
    collect(layer);
    stored_.insert(value);
    out_.layers.push_back(std::move(layer));
    return {.parts = {out_.layers.size()}};
  }

  // Which nodes lead from values of populations to the layer's own.
  void collect(LoweredLayer& layer) const {
    std::set<std::string> wanted{layer.value}, reads;
    for (std::size_t i = graph_.nodes.size(); i-- > 0;) {
      const Node& n = graph_.nodes[i];
      if (!wanted.contains(n.output) || stored_.contains(n.output)) continue;
      layer.nodes.insert(layer.nodes.begin(), i);
      for (const std::string& in : n.inputs) wanted.insert(in);
    }
    for (const std::string& name : wanted) {
      if (name == graph_.input || stored_.contains(name)) layer.reads.push_back(name);
    }
  }

  const ann::Graph& graph_;
  std::map<std::string, ann::ValueShape> shapes_;
  std::map<std::string, Value> values_;
  std::set<std::string> stored_;  // values of populations
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
