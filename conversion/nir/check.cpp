#include "conversion/nir/check.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "conversion/nir/read.hpp"
#include "conversion/nir/shapes.hpp"
#include "core/text.hpp"

namespace syn::nir {
namespace {

constexpr const char* kMend = "mend the network where it was made and export it again";

class Checker {
 public:
  explicit Checker(std::string where) : where_(std::move(where)) {}

  Error trouble;
  Shapes out;

  bool run(const Graph& graph) {
    if (!dissolve(graph, "", 0)) return false;
    for (const auto& [from, to] : edges_) out.links.push_back({.from = from, .to = to});
    successors_.resize(out.places.size());
    for (std::size_t i = 0; i < out.links.size(); ++i) successors_[out.links[i].from].push_back(i);
    for (auto& list : successors_) {
      std::sort(list.begin(), list.end(),
                [&](std::size_t a, std::size_t b) { return name(out.links[a].to) < name(out.links[b].to); });
    }
    return fed() && stateless_cycles() && (order(), true) && infer();
  }

 private:
  const std::string& name(std::size_t place) const { return out.places[place].name; }
  bool refuse(std::string what, const std::string& node) {
    trouble = Error{std::move(what), node.empty() ? where_ : text::cat(where_, ", node '", node, "'"), kMend};
    return false;
  }

  // Where edges outside a node begin and end; of a subgraph, its Output and Input.
  struct Ends {
    std::optional<std::size_t> in, out;
    const char* why_not = "";
  };

  bool dissolve(const Graph& graph, const std::string& path, std::size_t depth, Ends* ends = nullptr) {
    if (depth > kDeepest) return refuse(text::cat("subgraphs lie more than ", kDeepest, " deep"), path);
    std::map<std::string, Ends> here;
    std::vector<std::size_t> inputs, outputs;
    for (const auto& [name, node] : graph.nodes) {
      const std::string full = text::cat(path, path.empty() ? "" : "/", name);
      if (name.empty() || name.find('/') != std::string::npos) return refuse("this is no name of a node", full);
      Ends& end = here[name];
      if (const auto* inside = std::get_if<Subgraph>(&node.primitive)) {
        if (!dissolve(*inside->graph, full, depth + 1, &end)) return false;
        continue;
      }
      if (out.places.size() == kMostNodes) return refuse(text::cat("there are more than ", kMostNodes, " nodes"), "");
      const std::size_t place = out.places.size();
      out.places.push_back({.name = full, .node = &node, .in = {}, .out = {}});
      end.in = end.out = place;
      if (std::holds_alternative<Input>(node.primitive)) inputs.push_back(place), end.in.reset();
      if (std::holds_alternative<Output>(node.primitive)) outputs.push_back(place), end.out.reset();
    }
    if (inputs.empty() || outputs.empty())
      return refuse(text::cat("there is no ", inputs.empty() ? "Input" : "Output"), path);
    if (ends) {
      if (inputs.size() > 1 || outputs.size() > 1)
        return refuse(text::cat("a subgraph with ", inputs.size(), " Inputs and ", outputs.size(),
                                " Outputs: edges outside cannot say which they mean"),
                      path);
      *ends = {.in = inputs[0], .out = outputs[0]};
      if (inputs[0] < out.places.size()) inner_.insert(inputs[0]);
    } else {
      out.inputs = inputs;
      out.outputs = outputs;
    }
    for (const auto& [from, to] : graph.edges) {
      const auto source = here.find(from), target = here.find(to);
      for (const auto* end : {&from, &to}) {
        if (!here.contains(*end))
          return refuse(text::cat("the edge '", from, "' -> '", to, "' has an end, '", *end, "', that is no node"),
                        path);
      }
      if (!source->second.out) return refuse(text::cat("an edge leads from this Output to '", to, "'"), from);
      if (!target->second.in) return refuse(text::cat("an edge leads from '", from, "' to this Input"), to);
      edges_.emplace(*source->second.out, *target->second.in);
    }
    return true;
  }

  bool fed() {
    std::vector<bool> reached(out.places.size(), false);
    for (const auto& link : out.links) reached[link.to] = true;
    for (std::size_t i = 0; i < reached.size(); ++i) {
      const bool outer_input = std::holds_alternative<Input>(out.places[i].node->primitive) && !inner_.contains(i);
      if (!reached[i] && !outer_input) return refuse("no edge leads to it", name(i));
    }
    return true;
  }

  // Depth first over the links that `follow` takes; `closes` hears of those to a node still open. Appends nodes as they
  // are left.
  template <class Follow, class Closes>
  void walk(std::size_t start, std::vector<char>& state, std::vector<std::size_t>& left, Follow&& follow,
            Closes&& closes) {
    struct Frame {
      std::size_t place, next;
    };
    if (state[start] != 0) return;
    std::vector<Frame> open{{start, 0}};
    state[start] = 1;
    while (!open.empty()) {
      auto& [place, next] = open.back();
      if (next == successors_[place].size()) {
        state[place] = 2;
        left.push_back(place);
        open.pop_back();
        continue;
      }
      const std::size_t link = successors_[place][next++];
      const std::size_t to = out.links[link].to;
      if (!follow(link)) continue;
      if (state[to] == 1) closes(link);
      if (state[to] != 0) continue;
      state[to] = 1;
      open.push_back({to, 0});
    }
  }

  bool stateless_cycles() {
    std::vector<char> state(out.places.size(), 0);
    std::vector<std::size_t> left;
    std::optional<std::size_t> found;
    const auto follow = [&](std::size_t link) {
      const Node& from = *out.places[out.links[link].from].node;
      return !neuron(from) && !delays(from);
    };
    for (std::size_t i = 0; i < out.places.size() && !found; ++i)
      walk(i, state, left, follow, [&](std::size_t link) { found = link; });
    if (!found) return true;
    return refuse(text::cat("it closes a cycle, by its edge to '", name(out.links[*found].to),
                            "', that neither a neuron nor a Delay is in"),
                  name(out.links[*found].from));
  }

  void order() {
    std::vector<char> state(out.places.size(), 0);
    std::vector<std::size_t> left, starts = out.inputs;
    for (std::size_t i = 0; i < out.places.size(); ++i) starts.push_back(i);
    const auto follow = [&](std::size_t link) { return !delays(*out.places[out.links[link].from].node); };
    for (const std::size_t start : starts)
      walk(start, state, left, follow, [&](std::size_t link) { out.links[link].back = true; });
    std::reverse(left.begin(), left.end());
    std::vector<std::size_t> now(left.size());
    std::vector<Shapes::Place> places;
    for (std::size_t i = 0; i < left.size(); ++i) {
      now[left[i]] = i;
      places.push_back(std::move(out.places[left[i]]));
    }
    out.places = std::move(places);
    for (auto& link : out.links) link.from = now[link.from], link.to = now[link.to];
    for (auto* list : {&out.inputs, &out.outputs}) {
      for (std::size_t& place : *list) place = now[place];
    }
    std::vector<std::vector<std::size_t>> successors(left.size());
    for (std::size_t i = 0; i < left.size(); ++i) successors[now[i]] = std::move(successors_[i]);
    successors_ = std::move(successors);
  }

  // Shapes flow from the inputs, and from nodes that state theirs, until no more is learnt; then every link is judged.
  bool infer() {
    std::vector<bool> known(out.places.size(), false);
    std::deque<std::size_t> ready;
    const auto learn = [&](std::size_t place, const Shape& in) {
      auto& at = out.places[place];
      if (known[place]) return true;
      const std::int64_t size = elements(in);
      if (size < 1 || size > kGreatestSize)
        return refuse(text::cat("its input is ", to_text(in), "; from 1 to ", kGreatestSize, " values are possible"),
                      at.name);
      const auto found = output_shape(*at.node, in);
      if (!found) return refuse(found.error(), at.name);
      if (const std::int64_t made = elements(*found); made < 1 || made > kGreatestSize)
        return refuse(
            text::cat("its output is ", to_text(*found), "; from 1 to ", kGreatestSize, " values are possible"),
            at.name);
      at.in = in;
      at.out = *found;
      known[place] = true;
      ready.push_back(place);
      return true;
    };
    const auto spread_out = [&] {
      while (!ready.empty()) {
        const std::size_t place = ready.front();
        ready.pop_front();
        for (const std::size_t link : successors_[place]) {
          if (!learn(out.links[link].to, out.places[place].out)) return false;
        }
      }
      return true;
    };
    for (const std::size_t input : out.inputs) {
      if (!learn(input, std::get<Input>(out.places[input].node->primitive).shape) || !spread_out()) return false;
    }
    for (std::size_t i = 0; i < out.places.size(); ++i) {  // what only cycles reach
      if (const auto in = known[i] ? std::nullopt : stated_input(*out.places[i].node); in) {
        if (!learn(i, *in) || !spread_out()) return false;
      }
    }
    for (std::size_t i = 0; i < out.places.size(); ++i) {
      if (!known[i]) return refuse("its shape cannot be told: no Input leads to it", name(i));
    }
    for (const auto& link : out.links) {
      if (out.places[link.from].out != out.places[link.to].in)
        return refuse(text::cat("it gets ", to_text(out.places[link.from].out), " from '", name(link.from),
                                "' and takes ", to_text(out.places[link.to].in)),
                      name(link.to));
    }
    return true;
  }

  std::string where_;
  std::set<std::pair<std::size_t, std::size_t>> edges_;
  std::set<std::size_t> inner_;  // Inputs of subgraphs
  std::vector<std::vector<std::size_t>> successors_;
};

}  // namespace

bool neuron(const Node& node) {
  return std::visit(
      [](const auto& p) {
        using P = std::remove_cvref_t<decltype(p)>;
        return std::is_same_v<P, I> || std::is_same_v<P, IF> || std::is_same_v<P, LI> || std::is_same_v<P, LIF> ||
               std::is_same_v<P, CubaLI> || std::is_same_v<P, CubaLIF>;
      },
      node.primitive);
}
bool delays(const Node& node) {
  const auto* delay = std::get_if<Delay>(&node.primitive);
  if (!delay) return false;
  return std::all_of(delay->delay.values.begin(), delay->delay.values.end(), [](double v) { return v > 0; });
}

Expected<Shapes> check(const Graph& graph, const std::string& where) {
  Checker checker(where);
  if (!checker.run(graph)) return fail(checker.trouble);
  return std::move(checker.out);
}

}  // namespace syn::nir
