// Every rule that a model must keep, in the order: bounds, populations, projections, ports, cycles, memory.
#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <string>

#include "core/text.hpp"
#include "snn/real/geometry.hpp"
#include "snn/real/neurons/steps.hpp"

namespace syn::snn::real {
namespace {

constexpr std::size_t kMostSides = 8;
constexpr std::uint64_t kMostLandings = 1 << 24;  // positions of a side times positions of a kernel

using Problem = std::string;  // empty: none

// Visits a neuron kind's fields and keeps the first problem.
struct FieldCheck {
  std::uint64_t neurons;
  Problem problem;

  void parameter(const char* name, const Parameter& values, Range range) {
    if (!problem.empty()) return;
    if (values.empty() && range == Range::empty_or_any) return;
    if (values.size() != 1 && values.size() != neurons) {
      problem = text::cat("its ", name, " has ", values.size(), " values where 1 or ", neurons, " are needed");
      return;
    }
    for (const double value : values) {
      if (!std::isfinite(value))
        problem = text::cat("its ", name, " has a value that is not finite");
      else if (range == Range::positive && !(value > 0))
        problem = text::cat("its ", name, " must be above 0, not ", value);
      if (!problem.empty()) return;
    }
  }
  template <class E>
  void option(const char* name, const E& value, E last) {
    if (problem.empty() && value > last)
      problem = text::cat("its ", name, " is ", value, ", which has no meaning here");
  }
  void count(const char* name, std::uint32_t value, std::uint32_t most) {
    if (problem.empty() && value > most) problem = text::cat("its ", name, " is ", value, ", above ", most);
  }
};

Problem wrong_firing(const Firing& firing) {
  if (firing.most == 0) return "it may fire 0 spikes a step";
  if (firing.most > 1 && std::ranges::any_of(firing.threshold, [](double value) { return value <= 0; }))
    return "several spikes a step need a threshold above 0";
  return {};
}

Problem wrong_rules(const Neurons& neurons) {
  return std::visit(
      [](const auto& kind) -> Problem {
        using K = std::remove_cvref_t<decltype(kind)>;
        if constexpr (std::is_same_v<K, Izhikevich>) {
          if (kind.substeps == 0) return "it has 0 substeps";
        }
        if constexpr (requires { kind.firing; }) {
          if (auto wrong = wrong_firing(kind.firing); !wrong.empty()) return wrong;
        }
        if constexpr (requires { kind.membrane; }) {
          if (kind.membrane.integration != Integration::exact) return {};
          if constexpr (!std::is_same_v<K, Lif>) {
            return "exact integration is for kind lif only";
          } else if (kind.firing.reset != Reset::to_value || kind.firing.order != Order::update_fire_reset ||
                     kind.firing.refractory != 0 || !kind.membrane.gain.empty() ||
                     kind.membrane.order != InputOrder::after_decay) {
            return "exact integration resets to a value, in the same step, without refractory steps or a gain";
          }
        }
        return {};
      },
      neurons);
}

Problem wrong_population(const Population& population) {
  if (population.shape.empty() || population.shape.size() > kMostSides)
    return text::cat("its shape has ", population.shape.size(), " sides");
  std::uint64_t neurons = 1;
  for (const std::uint32_t side : population.shape) {
    if (side == 0) return "a side of its shape is 0";
    neurons *= side;
    if (neurons > kMostNeurons) return text::cat("it has more than ", kMostNeurons, " neurons");
  }
  FieldCheck fields{neurons, {}};
  std::visit([&]<class K>(const K& kind) { K::fields(kind, fields); }, population.neurons);
  return fields.problem.empty() ? wrong_rules(population.neurons) : fields.problem;
}

Problem wrong_floats(const char* name, std::span<const float> values) {
  for (const float value : values)
    if (!std::isfinite(value)) return text::cat("a value of its ", name, " is not finite");
  return {};
}

Problem wrong_length(const char* name, std::uint64_t has, std::uint64_t needs) {
  if (has == needs) return {};
  return text::cat("its ", name, " has ", has, " values where ", needs, " are needed");
}

Problem first(std::initializer_list<Problem> problems) {
  for (const Problem& problem : problems)
    if (!problem.empty()) return problem;
  return {};
}

Problem wrong_bias(std::span<const float> bias, std::uint64_t needs) {
  return bias.empty() ? Problem{} : first({wrong_length("bias", bias.size(), needs), wrong_floats("bias", bias)});
}

// a * b, or something above every bound.
std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > kMostStoredValues / b ? kMostStoredValues + 1 : a * b;
}

template <class C>
Problem wrong_window(const C& connection, const Population& from, const Population& to) {
  const auto in = grid_of(from.shape), out = grid_of(to.shape);
  if (!in || !out || from.shape.size() != to.shape.size())
    return "it needs shapes of channels and one or two sides, alike in source and target";
  if (from.shape.size() == 2 &&
      (connection.kernel[0] != 1 || connection.pad_begin[0] != 0 || connection.pad_end[0] != 0))
    return "in one dimension the first of each pair must be 1, and 0 for padding";
  std::uint64_t area = 1;
  for (const int axis : {0, 1}) {
    const Sliding window = sliding(connection, axis);
    for (const std::uint64_t value : {window.kernel, window.stride, window.dilation, window.pad_begin, window.pad_end})
      if (value > kMostSide) return text::cat("a side of its window is ", value);
    if (window.kernel == 0 || window.stride == 0 || window.dilation == 0) return "a side of its window is 0";
    const std::uint64_t side = axis == 0 ? in->height : in->width;
    if (times(side, window.kernel) > kMostLandings)
      return text::cat("a window of ", window.kernel, " is too large for a side of ", side);
    const std::uint64_t places = window.places(side), has = axis == 0 ? out->height : out->width;
    if (places != has)
      return text::cat("its window has ", places, " places on a side of ", side, " where the target has ", has);
    area *= window.kernel;
  }
  if (area > kMostSide) return "its window is too large";
  return {};
}

struct ConnectionCheck {
  const Population &from, &to;
  std::uint64_t sources = neurons_of(from.shape), targets = neurons_of(to.shape);

  Problem alike() const {
    return sources == targets ? Problem{}
                              : text::cat("it joins ", sources, " neurons to ", targets, ", which must be as many");
  }
  Problem operator()(const Dense& c) const {
    return first({wrong_length("weights", c.weights.size(), times(targets, sources)),
                  wrong_floats("weights", c.weights), wrong_bias(c.bias, targets)});
  }
  Problem operator()(const Sparse& c) const {
    if (auto wrong = first({wrong_length("row", c.row.size(), targets + 1),
                            wrong_length("source", c.source.size(), c.weights.size()),
                            wrong_floats("weights", c.weights), wrong_bias(c.bias, targets)});
        !wrong.empty())
      return wrong;
    if (c.row.front() != 0 || c.row.back() != c.source.size() || !std::ranges::is_sorted(c.row))
      return "its rows do not begin at 0, ascend, and end at the last entry";
    for (std::uint64_t i = 0; i < targets; ++i) {
      for (std::uint32_t e = c.row[i]; e < c.row[i + 1]; ++e) {
        if (c.source[e] >= sources || (e > c.row[i] && c.source[e] <= c.source[e - 1]))
          return text::cat("the sources of row ", i, " do not ascend below ", sources);
      }
    }
    return {};
  }
  Problem operator()(const Conv& c) const {
    if (auto wrong = wrong_window(c, from, to); !wrong.empty()) return wrong;
    const std::uint64_t in = grid_of(from.shape)->channels, out = grid_of(to.shape)->channels;
    if (c.groups == 0 || in % c.groups != 0 || out % c.groups != 0)
      return text::cat("its ", c.groups, " groups do not divide ", in, " and ", out, " channels");
    const std::uint64_t needs = times(times(out, in / c.groups), std::uint64_t{c.kernel[0]} * c.kernel[1]);
    return first({wrong_length("weights", c.weights.size(), needs), wrong_floats("weights", c.weights),
                  wrong_bias(c.bias, out)});
  }
  Problem operator()(const Pool& c) const {
    if (auto wrong = wrong_window(c, from, to); !wrong.empty()) return wrong;
    if (c.average > 1) return "its average is neither 0 nor 1";
    return from.shape[0] == to.shape[0] ? Problem{} : "it joins different numbers of channels";
  }
  Problem operator()(const Scale& c) const {
    if (c.factors.size() == 1) return first({alike(), wrong_floats("factors", c.factors)});
    return first({alike(), wrong_length("factors", c.factors.size(), sources), wrong_floats("factors", c.factors)});
  }
  Problem operator()(const Identity&) const { return alike(); }
  Problem operator()(const Delays& c) const {
    for (const std::uint32_t steps : c.steps)
      if (steps > kMostDelay) return text::cat("a delay of ", steps, " steps");
    return first({alike(), wrong_length("steps", c.steps.size(), sources)});
  }
};

// The shortest and longest delay of a projection in steps, those of single neurons included.
std::pair<std::uint32_t, std::uint32_t> delays_of(const Projection& projection) {
  std::uint32_t least = 0, most = 0;
  if (const auto* delays = std::get_if<Delays>(&projection.connection); delays && !delays->steps.empty()) {
    const auto [low, high] = std::ranges::minmax(delays->steps);
    least = low, most = high;
  }
  return {projection.delay + least, projection.delay + most};
}

// Kahn's algorithm over zero-delay projections; shorter than the model where a cycle is left. Among those that are
// ready the lowest index goes first.
std::vector<std::uint32_t> ordered(const Model& model) {
  std::vector<std::vector<std::uint32_t>> followers(model.populations.size());
  std::vector<std::uint32_t> waits(model.populations.size());
  for (const Projection& projection : model.projections) {
    if (delays_of(projection).first > 0) continue;
    followers[projection.from].push_back(projection.to);
    ++waits[projection.to];
  }
  std::set<std::uint32_t> ready;
  for (std::uint32_t i = 0; i < waits.size(); ++i)
    if (waits[i] == 0) ready.insert(i);
  std::vector<std::uint32_t> order;
  while (!ready.empty()) {
    const std::uint32_t next = *ready.begin();
    ready.erase(ready.begin());
    order.push_back(next);
    for (const std::uint32_t follower : followers[next])
      if (--waits[follower] == 0) ready.insert(follower);
  }
  return order;
}

Problem wrong_ports(const Model& model, const std::vector<Port>& ports, const char* side) {
  std::set<std::string_view> names;
  for (const Port& port : ports) {
    if (port.population >= model.populations.size())
      return text::cat("the ", side, " '", port.name, "' names a population that is not there");
    if (!names.insert(port.name).second) return text::cat("two ", side, "s are called '", port.name, "'");
  }
  return {};
}

Problem wrong_inputs(const Model& model) {
  std::vector<int> fed(model.populations.size());
  for (const Port& port : model.inputs) {
    const Population& population = model.populations[port.population];
    if (!std::holds_alternative<Input>(population.neurons))
      return text::cat("the input '", port.name, "' leads to '", population.name, "', which is no input population");
    if (++fed[port.population] > 1) return text::cat("the population '", population.name, "' is fed by two inputs");
  }
  for (std::size_t i = 0; i < fed.size(); ++i)
    if (fed[i] == 0 && std::holds_alternative<Input>(model.populations[i].neurons))
      return text::cat("the input population '", model.populations[i].name, "' is not fed by any input");
  return {};
}

Problem wrong_model(const Model& model) {
  if (!(model.dt > 0) || !std::isfinite(model.dt)) return text::cat("a step of ", model.dt, " seconds");
  if (model.populations.empty()) return "it has no population";
  if (model.populations.size() > kMostPopulations || model.projections.size() > kMostProjections ||
      model.inputs.size() > kMostPopulations || model.outputs.size() > kMostPopulations)
    return "it has too many populations, projections or ports";
  std::set<std::string_view> names;
  for (const Population& population : model.populations) {
    if (!names.insert(population.name).second) return text::cat("two populations are called '", population.name, "'");
    if (auto wrong = wrong_population(population); !wrong.empty())
      return text::cat("population '", population.name, "': ", wrong);
  }
  for (const Projection& projection : model.projections) {
    if (projection.from >= model.populations.size() || projection.to >= model.populations.size())
      return "a projection joins populations that are not there";
    const Population &from = model.populations[projection.from], &to = model.populations[projection.to];
    Problem wrong = std::visit(ConnectionCheck{from, to}, projection.connection);
    if (projection.delay > kMostDelay) wrong = text::cat("a delay of ", projection.delay, " steps");
    if (std::holds_alternative<Input>(to.neurons)) wrong = "nothing may lead to an input population";
    if (!wrong.empty()) return text::cat("projection from '", from.name, "' to '", to.name, "': ", wrong);
  }
  if (auto wrong = first({wrong_ports(model, model.inputs, "input"), wrong_ports(model, model.outputs, "output")});
      !wrong.empty())
    return wrong;
  if (auto wrong = wrong_inputs(model); !wrong.empty()) return wrong;

  const auto order = ordered(model);
  if (order.size() < model.populations.size()) {
    std::vector<bool> placed(model.populations.size());
    for (const std::uint32_t i : order) placed[i] = true;
    Problem wrong = "a cycle without delay, in or behind which are";
    int named = 0;
    for (std::size_t i = 0; i < placed.size() && named < 8; ++i)
      if (!placed[i]) text::append(wrong, text::cat(named++ ? ", '" : " '", model.populations[i].name, "'"));
    return wrong;
  }
  const auto delays = longest_delays(model);
  std::uint64_t values = 0;
  for (std::size_t i = 0; i < delays.size(); ++i) {
    const std::uint64_t rows = variables_of(model.populations[i].neurons) + delays[i] + 1;
    values += times(rows, neurons_of(model.populations[i].shape));
    if (values > kMostStateValues)
      return text::cat("its state and delay lines need more than ", kMostStateValues, " numbers, at '",
                       model.populations[i].name, "'");
  }
  return {};
}

}  // namespace

Expected<> check(const Model& model) {
  if (Problem wrong = wrong_model(model); !wrong.empty())
    return fail(std::move(wrong), text::cat("the model '", model.name, "'"), "mend the network, or export it again");
  return {};
}

std::vector<std::uint32_t> step_order(const Model& model) {
  return ordered(model);
}

std::vector<std::uint32_t> longest_delays(const Model& model) {
  std::vector<std::uint32_t> longest(model.populations.size());
  for (const Projection& projection : model.projections)
    longest[projection.from] = std::max(longest[projection.from], delays_of(projection).second);
  return longest;
}

}  // namespace syn::snn::real
