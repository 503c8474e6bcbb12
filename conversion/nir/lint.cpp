#include "conversion/nir/lint.hpp"

#include <algorithm>
#include <set>

#include "conversion/nir/lowering.hpp"
#include "core/text.hpp"

namespace syn::nir {
namespace {

// One number for all, or one number in every place.
std::optional<double> uniform(const Tensor& tensor) {
  if (tensor.values.empty()) return {};
  const double first = tensor.values.front();
  for (const double v : tensor.values) {
    if (v != first) return {};
  }
  return first;
}

class Linter {
 public:
  std::vector<Remark> out;

  void graph(const Graph& graph, const std::string& path) {
    std::set<Edge> once;
    for (const Edge& edge : graph.edges) {
      if (!once.insert(edge).second)
        say(path, text::cat("the edge '", edge.first, "' -> '", edge.second,
                            "' is listed twice; edges are a set, so it counts once"));
    }
    for (const auto& [name, node] : graph.nodes) {
      if (const auto* inside = std::get_if<Subgraph>(&node.primitive))
        this->graph(*inside->graph, text::cat(path, path.empty() ? "" : "/", name));
    }
  }

  void node(const std::string& name, const Node& node) {
    std::visit([&](const auto& p) { primitive(name, p); }, node.primitive);
  }

  void say(const std::string& node, std::string what) { out.push_back({node, std::move(what)}); }

 private:
  template <class P>
  void primitive(const std::string& name, const P& p) {
    if constexpr (requires { p.r; }) {
      if (const auto r = uniform(p.r); !r || *r != 1)
        say(name, text::cat("r is ", r ? text::cat(*r) : "not the same for all neurons",
                            ": a gain on the input in NIR; sinabs takes it as 1, SpikingJelly wants 1/dt in IF"));
    }
    if constexpr (requires { p.v_reset; }) {
      if (!p.v_reset) say(name, "v_reset is missing: it counts as 0");
      const auto threshold = uniform(p.v_threshold);
      const auto reset = p.v_reset ? uniform(*p.v_reset) : std::optional(0.0);
      if (threshold && reset && *reset > *threshold)
        say(name,
            text::cat("v_reset ", *reset, " lies above v_threshold ", *threshold, ": once fired, it fires every step"));
    }
    if constexpr (requires { p.w_in; }) {
      if (!p.w_in) say(name, "w_in is missing: it counts as 1");
    }
    if constexpr (std::is_same_v<P, Flatten>) {
      if (!p.start_dim)
        say(name, "start_dim is missing: it counts as 1, and the batch is not counted, so the first axis stays");
    }
    if constexpr (std::is_same_v<P, AvgPool2d>) {
      if (p.padding != Pair{0, 0})
        say(name, "whether the zeros of its padding count in the average is not said; they do, as in PyTorch");
    }
    if constexpr (std::is_same_v<P, Conv1d> || std::is_same_v<P, Conv2d>) {
      if (p.padding.kind == decltype(p.padding.kind)::same) {
        for (std::size_t axis = 2; axis < p.weight.shape.size(); ++axis) {
          if (p.weight.shape[axis] % 2 == 0)
            say(name, "padding 'same' of an even kernel: the odd zero goes to the end, as in PyTorch");
        }
      }
    }
    if constexpr (std::is_same_v<P, Delay>) say(name, "a delay in seconds: it is rounded to whole steps of dt");
  }
};

std::string some(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < 5; ++i) out += text::cat(i ? ", '" : "'", names[i], "'");
  if (names.size() > 5) out += text::cat(" and ", names.size() - 5, " more");
  return out;
}

}  // namespace

std::vector<Remark> lint(const Graph& graph, const Shapes& shapes) {
  Linter linter;
  std::vector<std::string> neurons, spiking, timed, current;
  for (const auto& place : shapes.places) {
    if (!neuron(*place.node)) continue;
    neurons.push_back(place.name);
    std::visit(
        [&](const auto& p) {
          if constexpr (requires { p.v_threshold; }) spiking.push_back(place.name);
          if constexpr (
              requires { p.tau; } || requires { p.tau_mem; })
            timed.push_back(place.name);
          if constexpr (requires { p.tau_syn; }) current.push_back(place.name);
        },
        place.node->primitive);
  }
  if (!graph.version) linter.say("", "the version of the nir package is missing");
  const StatedRules stated = stated_rules(graph);
  if (!timed.empty() && !stated.dt && !stated.dialect)
    linter.say("", text::cat("dt is not in the file, and neither is how ", some(timed),
                             " are stepped (forward Euler or exponential): say --dialect and --dt"));
  if (!timed.empty() && !stated.dt && stated.dialect)
    linter.say("", text::cat("dt is not in the file, which ", some(timed), " are stepped by: say --dt"));
  if (!timed.empty() && stated.dt && !stated.dialect)
    linter.say("", text::cat("how ", some(timed),
                             " are stepped (forward Euler or exponential) is not in the file: say --dialect"));
  if (!spiking.empty() && !stated.reset && !stated.dialect)
    linter.say(
        "",
        text::cat("the reset of ", some(spiking),
                  " is to v_reset by NIR's equations; snnTorch, sinabs, Rockpool may have trained with subtraction"));
  if (!neurons.empty()) linter.say("", "the initial state is not in the file: every potential and current starts at 0");
  if (!current.empty() && !stated.dialect)
    linter.say("", text::cat("whether a spike reaches the potential of ", some(current),
                             " in its own step or the next is not said: the dialect decides"));
  linter.graph(graph, "");
  for (const auto& place : shapes.places) linter.node(place.name, *place.node);
  for (const auto& link : shapes.links) {
    if (link.back)
      linter.say(shapes.places[link.from].name,
                 text::cat("its edge to '", shapes.places[link.to].name,
                           "' closes a cycle: it carries the value of the previous step"));
  }
  std::vector<bool> leads(shapes.places.size(), false);
  for (const auto& link : shapes.links) leads[link.from] = true;
  for (std::size_t i = 0; i < leads.size(); ++i) {
    if (!leads[i] && std::find(shapes.outputs.begin(), shapes.outputs.end(), i) == shapes.outputs.end() &&
        !std::holds_alternative<Output>(shapes.places[i].node->primitive))
      linter.say(shapes.places[i].name, "no edge leaves it: what it gives is not seen");
  }
  return linter.out;
}

}  // namespace syn::nir
