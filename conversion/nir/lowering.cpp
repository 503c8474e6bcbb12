#include "conversion/nir/lowering.hpp"

#include <algorithm>

#include "conversion/nir/lower_parts.hpp"
#include "core/text.hpp"

namespace syn::nir {
namespace {

namespace real = snn::real;

// Where a value can be read: a population's output, some steps late.
struct Source {
  std::uint32_t population = 0, delay = 0;
};

class Lowering {
 public:
  Lowering(const Shapes& shapes, const LowerOptions& options, std::string where)
      : shapes_(shapes), options_(options), where_(std::move(where)) {
    links_.resize(shapes.places.size());
    leaving_.resize(shapes.places.size());
    own_.resize(shapes.places.size());
    wires_.resize(shapes.places.size());
    for (const auto& link : shapes.links) {
      links_[link.to].push_back(&link);
      leaving_[link.from].push_back(&link);
    }
  }

  real::Model model;
  Error trouble;

  bool run() {
    model.dt = options_.dt;
    // Populations first, in order of evaluation, then what leads into each: projections of one are added in that order.
    for (std::size_t i = 0; i < shapes_.places.size(); ++i) {
      if (!classify(i)) return false;
    }
    for (std::size_t i = 0; i < shapes_.places.size(); ++i) {
      if (own_[i] && !top_input(i)) feed(i, *own_[i]);
    }
    for (const std::size_t output : shapes_.outputs) {
      model.outputs.push_back({shapes_.places[output].name, *own_[output]});
    }
    return true;
  }

 private:
  using Link = Shapes::Link;

  bool top_input(std::size_t i) const {
    return std::find(shapes_.inputs.begin(), shapes_.inputs.end(), i) != shapes_.inputs.end();
  }
  bool top_output(std::size_t i) const {
    return std::find(shapes_.outputs.begin(), shapes_.outputs.end(), i) != shapes_.outputs.end();
  }
  bool refuse(std::size_t i, std::string what) {
    trouble = Error{std::move(what), text::cat(where_, ", node '", shapes_.places[i].name, "'"),
                    "say another --dialect or --dt, or mend the network"};
    return false;
  }

  // A population of its own, or a wire between those of others.
  bool classify(std::size_t i) {
    const auto& place = shapes_.places[i];
    if (top_input(i)) {
      own_[i] = population(place.name, place.out, real::Input{});
      model.inputs.push_back({place.name, *own_[i]});
      return true;
    }
    auto neurons = neurons_of(place, options_);
    if (!neurons) return refuse(i, neurons.error());
    if (*neurons) {
      own_[i] = population(place.name, place.out, std::move(**neurons));
      return true;
    }
    auto wire = wire_of(place, options_.dt);
    if (!wire) return refuse(i, wire.error());
    wires_[i] = std::move(*wire);
    // An output that one population feeds at once is that population; this is known when all are classified, so the
    // order of evaluation, in which it comes after them, is used.
    if (top_output(i) && links_[i].size() == 1 && !links_[i][0]->back && own_[links_[i][0]->from]) {
      own_[i] = own_[links_[i][0]->from];
      borrowed_.push_back(i);
      return true;
    }
    if (top_output(i) || relayed(i)) own_[i] = population(place.name, place.out, real::Relay{});
    return true;
  }

  // Whether a wire's value has to stand somewhere: it is read twice, or by another wire that does more than pass on, or
  // as a shape other than the one that its reader has.
  bool relayed(std::size_t i) const {
    const Wire& wire = *wires_[i];
    if (leaving_[i].size() > 1) return true;
    if (leaving_[i].empty()) return false;
    if (links_[i].size() > 1 && wire.passes) return true;
    const auto& next = shapes_.places[leaving_[i][0]->to];
    const bool next_is_wire = wire_like(next);
    if (!wire.passes) return next_is_wire;
    // Passing on: it vanishes, unless what follows looks at shapes and this changes them.
    return next_is_wire && shapes_.places[i].in != shapes_.places[i].out;
  }
  static bool wire_like(const Shapes::Place& place) {
    return !neuron(*place.node) && !std::holds_alternative<Threshold>(place.node->primitive);
  }

  std::uint32_t population(std::string name, const Shape& shape, real::Neurons neurons) {
    real::Shape sides(shape.begin(), shape.end());
    if (sides.empty()) sides.push_back(1);
    model.populations.push_back({std::move(name), std::move(sides), std::move(neurons)});
    return static_cast<std::uint32_t>(model.populations.size() - 1);
  }

  // All that leads into place i, as projections into a population.
  void feed(std::size_t i, std::uint32_t target) {
    if (std::find(borrowed_.begin(), borrowed_.end(), i) != borrowed_.end()) return;
    if (wires_[i] && !wires_[i]->passes) {  // a relay that holds what its own wire makes
      const Source from = input_of(i);
      project(from, target, wires_[i]->delay, wires_[i]->connection);
      return;
    }
    const std::uint32_t late = wires_[i] ? wires_[i]->delay : 0;
    for (const Link* link : links_[i]) through(link->from, target, late + (link->back ? 1 : 0));
  }

  // From what place i gives into a population.
  void through(std::size_t i, std::uint32_t target, std::uint32_t delay) {
    if (own_[i]) return project({*own_[i], 0}, target, delay, real::Identity{});
    const Wire& wire = *wires_[i];
    if (wire.passes) {
      for (const Link* link : links_[i]) through(link->from, target, delay + wire.delay + (link->back ? 1 : 0));
      return;
    }
    project(input_of(i), target, delay + wire.delay, wire.connection);
  }

  // One population, and how late, that has all of wire i's input: what feeds it, if that is one, else a relay.
  Source input_of(std::size_t i) {
    std::size_t at = i;
    std::uint32_t delay = 0;
    while (links_[at].size() == 1) {
      const Link* link = links_[at][0];
      delay += link->back ? 1 : 0;
      at = link->from;
      if (own_[at]) return {*own_[at], delay};
      if (!wires_[at]->passes) break;
      delay += wires_[at]->delay;
    }
    const std::uint32_t relay =
        population(text::cat(shapes_.places[i].name, "/in"), shapes_.places[i].in, real::Relay{});
    for (const Link* link : links_[i]) through(link->from, relay, link->back ? 1 : 0);
    return {relay, 0};
  }

  void project(Source from, std::uint32_t to, std::uint32_t delay, real::Connection connection) {
    model.projections.push_back({from.population, to, from.delay + delay, std::move(connection)});
  }

  const Shapes& shapes_;
  const LowerOptions& options_;
  std::string where_;
  std::vector<std::vector<const Link*>> links_, leaving_;  // into and out of each place
  std::vector<std::optional<std::uint32_t>> own_;          // the population that holds a place's value
  std::vector<std::optional<Wire>> wires_;
  std::vector<std::size_t> borrowed_;  // outputs that are another place's population
};

}  // namespace

StatedRules stated_rules(const Graph& graph) {
  StatedRules out;
  const auto texts = [&](const char* key) -> std::string {
    const auto found = graph.metadata.find(key);
    if (found == graph.metadata.end()) return {};
    const auto* words = std::get_if<hdf5::Texts>(&found->second.value);
    return words && words->values.size() == 1 ? words->values[0] : std::string();
  };
  if (const auto found = graph.metadata.find("dt"); found != graph.metadata.end()) {
    const auto* numbers = std::get_if<Tensor>(&found->second.value);
    if (numbers && numbers->values.size() == 1) out.dt = numbers->values[0];
  }
  out.dialect = dialect_named(texts("synfire.dialect"));
  if (const std::string reset = texts("synfire.reset"); !reset.empty())
    out.reset = reset.starts_with("subtraction") ? real::Reset::subtract : real::Reset::to_value;
  return out;
}

Expected<real::Model> lower(const Graph& graph, const LowerOptions& options, const std::string& where) {
  if (!(options.dt > 0) || !(options.dt < 1e9))
    return fail(text::cat("dt is ", options.dt, " seconds"), where, "give a --dt above zero");
  const auto shapes = check(graph, where);
  if (!shapes) return fail(shapes.error());
  Lowering lowering(*shapes, options, where);
  if (!lowering.run()) return fail(lowering.trouble);
  real::Model& model = lowering.model;
  const Rules& rules = rules_of(options.dialect);
  model.name = "NIR";
  model.notes = {{"from", text::cat("NIR", graph.version ? text::cat(", written by nir ", *graph.version) : "")},
                 {"dialect", std::string(rules.name)},
                 {"rules", std::string(rules.sentence)},
                 {"dt", text::cat(options.dt, " s")}};
  if (options.reset)
    model.notes.emplace_back(
        "reset", *options.reset == real::Reset::subtract ? "subtraction, as asked" : "to v_reset, as asked");
  if (auto good = real::check(model); !good) {
    Error error = good.error();
    error.where = text::cat(where, ", ", error.where);
    return fail(std::move(error));
  }
  return std::move(model);
}

}  // namespace syn::nir
