#include "conversion/nir/write.hpp"

#include <map>

#include "conversion/nir/check.hpp"
#include "core/text.hpp"

namespace syn::nir {
namespace {

using hdf5::Element;
using hdf5::Group;
using hdf5::Item;
using hdf5::Numbers;
using hdf5::Texts;

Item word(std::string text) {
  return Item{Texts{.shape = {}, .values = {std::move(text)}}};
}
Item whole(std::vector<std::size_t> shape, std::vector<double> values) {
  return Item{Numbers{.shape = std::move(shape), .element = Element::int64, .values = std::move(values)}};
}

struct Fields {
  Group& group;

  bool operator()(const char* name, const auto& value) {
    group.emplace(name, item(value));
    return true;
  }
  template <class T>
  bool operator()(const char* name, const std::optional<T>& value) {
    if (value) group.emplace(name, item(*value));
    return true;
  }
  static Item item(const Tensor& value) { return Item{value}; }
  static Item item(const Shape& value) { return whole({value.size()}, {value.begin(), value.end()}); }
  static Item item(std::int64_t value) { return whole({}, {static_cast<double>(value)}); }
  static Item item(const Pair& value) {
    return whole({2}, {static_cast<double>(value[0]), static_cast<double>(value[1])});
  }
  template <class Size>
  static Item item(const Padding<Size>& value) {
    using Kind = typename Padding<Size>::Kind;
    if (value.kind == Kind::zeros) return item(value.size);
    return word(value.kind == Kind::same ? "same" : "valid");
  }
};

Group fields(const Graph& graph);

Group fields(const Node& node) {
  if (const auto* inside = std::get_if<Subgraph>(&node.primitive)) return fields(*inside->graph);
  Group out;
  out.emplace("type", word(std::string(type_of(node))));
  std::visit(
      [&](const auto& p) {
        if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(p)>, Subgraph>) p.each(p, Fields{out});
      },
      node.primitive);
  if (!node.metadata.empty()) out.emplace("metadata", Item{node.metadata});
  return out;
}

Group fields(const Graph& graph) {
  Group out, nodes;
  out.emplace("type", word(std::string(Subgraph::kType)));
  for (const auto& [name, node] : graph.nodes) nodes.emplace(name, Item{fields(node)});
  out.emplace("nodes", Item{std::move(nodes)});
  Texts edges{.shape = {graph.edges.size(), 2}, .values = {}};
  for (const auto& [from, to] : graph.edges) {
    edges.values.push_back(from);
    edges.values.push_back(to);
  }
  out.emplace("edges", Item{std::move(edges)});
  if (!graph.metadata.empty()) out.emplace("metadata", Item{graph.metadata});
  return out;
}

using Inputs = std::map<std::string, Shape>;

void spread_over(Tensor& tensor, const Shape& population) {
  tensor.values = spread(tensor, population);
  tensor.shape.assign(population.begin(), population.end());
}

Graph completed(const Graph& graph, const Inputs& inputs, const std::string& path) {
  Graph out = graph;
  for (auto& [name, node] : out.nodes) {
    const std::string full = text::cat(path, path.empty() ? "" : "/", name);
    std::visit(
        [&](auto& p) {
          using P = std::remove_cvref_t<decltype(p)>;
          if constexpr (std::is_same_v<P, Subgraph>) {
            p.graph = std::make_shared<const Graph>(completed(*p.graph, inputs, full));
          } else {
            const Shape& in = inputs.at(full);
            if constexpr (std::is_same_v<P, Conv1d>) p.input_shape = in[1];
            if constexpr (std::is_same_v<P, Conv2d>) p.input_shape = Pair{in[1], in[2]};
            if constexpr (std::is_same_v<P, Flatten>) {
              p.input_type = in;
              if (!p.start_dim) p.start_dim = 1;
              if (!p.end_dim) p.end_dim = -1;
            }
            if constexpr (std::is_same_v<P, Delay> || std::is_same_v<P, Threshold> || std::is_same_v<P, Scale> ||
                          requires { p.r; }) {
              P::each(p, [&](const char*, auto& field) {
                if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, Tensor>)
                  spread_over(field, in);
                else if (field)
                  spread_over(*field, in);
                return true;
              });
            }
          }
        },
        node.primitive);
  }
  return out;
}

}  // namespace

Expected<Graph> completed(const Graph& graph) {
  const auto shapes = check(graph);
  if (!shapes) return fail(shapes.error());
  Inputs inputs;
  for (const auto& place : shapes->places) inputs.emplace(place.name, place.in);
  Graph out = completed(graph, inputs, "");
  if (!out.version) out.version = kVersion;
  return out;
}

Expected<Bytes> write(const Graph& graph) {
  const auto whole = completed(graph);
  if (!whole) return fail(whole.error());
  Group root;
  root.emplace("version", word(*whole->version));
  root.emplace("node", Item{fields(*whole)});
  return hdf5::write(root);
}

}  // namespace syn::nir
