// Relays have no neurons of their own: each is a sum of what it passes on (terms), and whoever reads it reads those,
// one projection each. A relay behind pooling is a population that pools; one that is an output is read out.
#include <algorithm>
#include <cmath>
#include <map>

#include "conversion/fixed/quantise.hpp"
#include "core/text.hpp"
#include "snn/rules.hpp"

namespace syn::fixed {
namespace {

namespace real = snn::real;

constexpr std::size_t kMostTerms = 256;  // of one relay

class Lowering {
 public:
  Lowering(const real::Model& model, const Options& options) : from_(model), options_(options) {}

  Expected<Fixed> operator()() {
    if (!run()) return fail(std::move(trouble_));
    snn::Model& model = out_.model;
    std::ranges::stable_sort(model.projections, {}, &snn::Projection::to);
    if (auto checked = snn::check_rules(model); !checked) {
      Error error = checked.error();
      error.todo = "keep the float profile, or train with smaller weights and fewer inputs to a neuron";
      return fail(std::move(error));
    }
    return std::move(out_);
  }

 private:
  bool refuse(std::uint32_t real_population, std::string what,
              std::string todo = "keep this network in the float profile") {
    trouble_ = {std::move(what),
                text::cat("population '", from_.populations[real_population].name, "' of '", from_.name, "'"),
                std::move(todo)};
    return false;
  }

  bool run() {
    snn::Model& model = out_.model;
    model.name = from_.name.empty() ? "converted" : from_.name;
    model.code = snn::Code::step;
    model.steps = options_.steps;
    if (options_.steps < 1 || options_.steps > kGreatestCount) {
      trouble_ = {text::cat(options_.steps, " steps, outside 1..", kGreatestCount), "the conversion to integers",
                  "choose the steps of one inference"};
      return false;
    }
    terms_.resize(from_.populations.size());
    into_.resize(from_.populations.size());
    sides_.resize(from_.populations.size());
    for (const real::Projection& p : from_.projections) into_[p.to].push_back(&p);
    for (std::uint32_t p = 0; p < sides_.size(); ++p) {
      auto side = side_of(from_.populations[p].shape);
      if (!side) return refuse(p, side.error(), "give it a shape of up to three axes");
      sides_[p] = std::move(*side);
    }
    // Sources come first, what is read out last; in between the order of a step.
    const auto order = real::step_order(from_);
    for (std::size_t i = 0; i < from_.inputs.size(); ++i)
      if (!source(i)) return false;
    for (const std::uint32_t p : order)
      if (!is_input(p) && !graded_output(p) && !place(p)) return false;
    for (const std::uint32_t p : order)
      if (graded_output(p) && !read_out(p)) return false;
    for (const auto& [p, population] : pools_)
      if (!pool(p, population)) return false;
    for (const std::uint32_t p : relays_)
      if (!pass_on(p, 0)) return false;
    for (const auto& [p, population] : neurons_)
      if (!connect(p, population)) return false;
    for (const real::Port& port : from_.outputs) {
      const auto at = place_of_.find(port.population);
      if (at == place_of_.end())
        return refuse(port.population, "it is an output, and passes on what others make",
                      "let an output be a population of neurons");
      const std::string& name = model.populations[at->second].name;
      if (std::ranges::find(model.outputs, name) == model.outputs.end()) model.outputs.push_back(name);
    }
    model.notes = from_.notes;
    model.notes.emplace_back("integers",
                             "int8 weights, potentials in fixed point, leaks in 32768ths (docs/neurons.md)");
    return true;
  }

  bool is_input(std::uint32_t p) const { return std::holds_alternative<real::Input>(from_.populations[p].neurons); }
  bool is_relay(std::uint32_t p) const { return std::holds_alternative<real::Relay>(from_.populations[p].neurons); }
  bool is_output(std::uint32_t p) const {
    return std::ranges::find(from_.outputs, p, &real::Port::population) != from_.outputs.end();
  }
  bool is_read(std::uint32_t p) const {
    return std::ranges::find(from_.projections, p, &real::Projection::from) != from_.projections.end();
  }
  bool is_graded(std::uint32_t p) const {
    const real::Neurons& n = from_.populations[p].neurons;
    return std::holds_alternative<real::Li>(n) || std::holds_alternative<real::CubaLi>(n) ||
           std::holds_alternative<real::Integrator>(n);
  }
  bool graded_output(std::uint32_t p) const { return is_output(p) && (is_graded(p) || is_relay(p)); }

  std::uint32_t add(std::uint32_t p, snn::Kind kind, std::uint32_t greatest) {
    snn::Model& model = out_.model;
    snn::Population population{.name = from_.populations[p].name, .shape = sides_[p].shape, .code = snn::Code::step};
    if (population.name.empty() || population.name.size() > 256) population.name = text::cat("population ", p);
    population.kind = std::move(kind);
    population.greatest = greatest;
    population.amplitude.assign(population.shape.channels, 1);
    model.populations.push_back(std::move(population));
    facts_.push_back({.greatest = greatest, .up = greatest});
    const auto at = static_cast<std::uint32_t>(model.populations.size() - 1);
    place_of_[p] = at;
    real_of_.push_back(p);
    out_.ahead.push_back(0);
    return at;
  }

  bool source(std::size_t index) {
    const std::uint32_t p = from_.inputs[index].population;
    if (is_output(p)) return refuse(p, "an input is an output at once", "leave that output away");
    const InputCode code = index < options_.inputs.size() ? options_.inputs[index] : InputCode{};
    snn::Source source{.scale = std::vector<double>(sides_[p].shape.channels, code.scale),
                       .zero = std::vector<double>(sides_[p].shape.channels, code.zero)};
    if (code.zero > 0) source.padding.assign(sides_[p].shape.channels, static_cast<Count>(code.zero));
    const std::uint32_t at = add(p, source, 255);
    out_.source_of.push_back(at);
    std::ranges::fill(out_.model.populations[at].amplitude, 1 / code.scale);
    facts_[at].zero = code.zero;
    facts_[at].up = std::int64_t{code.most} - code.zero;
    facts_[at].down = std::int64_t{code.zero} - code.least;
    facts_[at].half = code.exact ? 0 : 0.5;
    terms_[p] = {{.from = at}};
    return true;
  }

  bool place(std::uint32_t p) {
    if (is_graded(p))
      return refuse(p, "it hands on its potential, and integer projections carry spikes",
                    "read it out, or let it fire");
    if (is_relay(p)) {
      const bool pools = into_[p].size() == 1 && std::holds_alternative<real::Pool>(into_[p][0]->connection);
      if (!pools) return relays_.push_back(p), true;
      pools_.emplace_back(p, add(p, snn::Pooled{}, 1));
      terms_[p] = {{.from = pools_.back().second}};
      return true;
    }
    auto rule = rule_of(from_.populations[p].neurons, from_.dt, sides_[p].place.size());
    if (!rule) return refuse(p, rule.error());
    const std::uint32_t at = add(p, snn::Leaky{}, std::min(rule->most, options_.most_spikes));
    rules_.emplace(p, std::move(*rule));
    neurons_.emplace_back(p, at);
    terms_[p] = {{.from = at}};
    return true;
  }

  bool read_out(std::uint32_t p) {
    if (is_read(p))
      return refuse(p, "it is an output of numbers, and read by another population",
                    "let it fire, or read it out twice");
    if (readout_)
      return refuse(p, "it is a second output of numbers, and a model has one",
                    "keep one; outputs that spike may be many");
    readout_ = true;
    auto rule = is_relay(p) ? relay_rule(sides_[p].place.size())
                            : rule_of(from_.populations[p].neurons, from_.dt, sides_[p].place.size());
    if (!rule) return refuse(p, rule.error());
    rules_.emplace(p, std::move(*rule));
    neurons_.emplace_back(p, add(p, snn::Readout{}, 1));
    return true;
  }

  // A relay's terms, from those of whoever leads into it.
  bool pass_on(std::uint32_t p, std::size_t depth) {
    if (!terms_[p].empty()) return true;
    if (depth > from_.populations.size()) return refuse(p, "relays lead into each other in a circle");
    std::vector<Term> terms;
    for (const real::Projection* projection : into_[p]) {
      if (!bias_of(projection->connection, sides_[p]).empty() ||
          !(std::holds_alternative<real::Identity>(projection->connection) ||
            std::holds_alternative<real::Scale>(projection->connection) ||
            std::holds_alternative<real::Delays>(projection->connection)))
        return refuse(p, "no neuron stands between two linear maps, and what the first one makes is no count",
                      "multiply the two, or put neurons between them");
      if (!pass_on(projection->from, depth + 1)) return false;
      for (Term term : late_terms(*projection)) {
        if (const auto* scale = std::get_if<real::Scale>(&projection->connection)) {
          if (term.factor.empty()) term.factor.assign(sides_[p].place.size(), 1);
          for (std::size_t i = 0; i < term.factor.size(); ++i)
            term.factor[i] *= double{scale->factors[scale->factors.size() == 1 ? 0 : i]};
        }
        terms.push_back(std::move(term));
      }
      if (terms.size() > kMostTerms)
        return refuse(p, text::cat("it sums up more than ", kMostTerms, " delays or branches"));
    }
    if (terms.empty()) return refuse(p, "nothing leads into it");
    terms_[p] = std::move(terms);
    return true;
  }

  // The source's terms as this projection reads them. Delays of single neurons become a term for each delay.
  std::vector<Term> late_terms(const real::Projection& projection) const {
    std::vector<Term> out;
    for (Term term : terms_[projection.from]) {
      term.delay += projection.delay;
      const auto* delays = std::get_if<real::Delays>(&projection.connection);
      if (!delays) {
        out.push_back(std::move(term));
        continue;
      }
      std::map<std::uint32_t, std::vector<double>> of_delay;
      for (std::size_t i = 0; i < delays->steps.size(); ++i) {
        auto& factor = of_delay[delays->steps[i]];
        factor.resize(delays->steps.size());
        factor[i] = term.factor.empty() ? 1 : term.factor[i];
      }
      for (auto& [steps, factor] : of_delay) out.push_back({term.from, term.delay + steps, std::move(factor)});
    }
    return out;
  }

  // Windows of counts; each count's share of an average goes into what it means.
  bool pool(std::uint32_t p, std::uint32_t population) {
    const real::Projection& projection = *into_[p][0];
    const auto& window = std::get<real::Pool>(projection.connection);
    if (!pass_on(projection.from, 0)) return false;
    const auto terms = late_terms(projection);
    if (terms.size() != 1 || !terms[0].factor.empty())
      return refuse(p, "it pools a sum or a scaled population",
                    "pool each branch by itself, and put scales behind the pooling");
    const Term& term = terms[0];
    snn::Model& model = out_.model;
    const snn::Population& from = model.populations[term.from];
    if (term.from >= population) return refuse(p, "it pools what leads back to it", "put neurons between them");
    const std::size_t area = std::size_t{window.kernel[0]} * window.kernel[1];
    snn::Population& to = model.populations[population];
    if (facts_[term.from].zero != 0)
      return refuse(p, "it pools an input that can be negative", "put neurons between them");
    to.greatest = static_cast<std::uint32_t>(std::min<std::uint64_t>(area * from.greatest, 0xffffffff));
    for (std::size_t c = 0; c < to.amplitude.size(); ++c)
      to.amplitude[c] = from.amplitude[c] / (window.average ? static_cast<double>(area) : 1.0);
    facts_[population].greatest = to.greatest;
    facts_[population].up = static_cast<std::int64_t>(area) * facts_[term.from].up;
    facts_[population].half = facts_[term.from].half * static_cast<double>(area);
    snn::SumPool sum{.kernel_height = window.kernel[0], .kernel_width = window.kernel[1]};
    sum.stride_y = window.stride[0], sum.stride_x = window.stride[1];
    sum.pad_top = static_cast<std::int32_t>(window.pad_begin[0]);
    sum.pad_left = static_cast<std::int32_t>(window.pad_begin[1]);
    model.projections.push_back({term.from, population, sum});
    out_.ahead[population] = term.delay;
    terms_[p][0].delay = term.delay;  // a sum of late counts is a late sum
    return true;
  }

  bool connect(std::uint32_t p, std::uint32_t population) {
    const Side& side = sides_[p];
    const Rule* rule = &rules_.at(p);
    std::vector<double> bias(side.place.size());
    std::vector<Wire> wires;
    std::vector<SourceFacts> sources;
    for (const real::Projection* projection : into_[p]) {
      const auto added = bias_of(projection->connection, side);
      for (std::size_t i = 0; i < added.size(); ++i) bias[i] += added[i] * rule->gain[i];
      if (!pass_on(projection->from, 0)) return false;
      for (const Term& term : late_terms(*projection)) {
        const snn::Population& from = out_.model.populations[term.from];
        // Shapes of what is read are the relay's; layouts are the population's.
        Side source = sides_[projection->from];
        const Side& held = sides_[real_of_[term.from]];
        const bool grid = std::holds_alternative<real::Conv>(projection->connection) ||
                          std::holds_alternative<real::Pool>(projection->connection);
        if (grid && !(source.shape == held.shape))
          return refuse(p, "it slides over a grid that is another one's neurons in another shape");
        source.shape = held.shape, source.place = held.place;
        auto wire = wire_of(projection->connection, source, side, from.amplitude, term.factor, rule->gain);
        if (!wire) return refuse(p, wire.error());
        wire->from = term.from, wire->to = population, wire->delay = term.delay;
        if (wire->delay > snn::kGreatestDelay)
          return refuse(p, text::cat("a delay of ", wire->delay, " steps, above ", snn::kGreatestDelay),
                        "choose a larger dt");
        wires.push_back(std::move(*wire));
        sources.push_back(facts_[term.from]);
      }
    }
    auto made = quantise(*rule, side, wires, sources, bias, {options_.steps, options_.most_spikes});
    if (!made) return refuse(p, made.error());
    snn::Population& target = out_.model.populations[population];
    target.kind = std::move(made->kind);
    for (std::size_t i = 0; i < wires.size(); ++i)
      out_.model.projections.push_back({wires[i].from, population, std::move(made->connections[i]), wires[i].delay});
    made->place.real = p, made->place.population = population;
    const std::string name = text::cat("'", target.name, "'");
    if (made->place.limits_bind)
      out_.remarks.push_back(text::cat(name, ": a potential could meet its limits of 32 bits, where float has none"));
    if (rule->fires && rule->most > options_.most_spikes)
      out_.remarks.push_back(
          text::cat(name, " fires up to ", options_.most_spikes, " times a step, where float has no limit"));
    out_.places.push_back(std::move(made->place));
    return true;
  }

  const real::Model& from_;
  const Options& options_;
  Fixed out_;
  Error trouble_;
  std::vector<std::vector<Term>> terms_;
  std::vector<std::vector<const real::Projection*>> into_;
  std::vector<Side> sides_;
  std::vector<SourceFacts> facts_;      // of each integer population
  std::vector<std::uint32_t> real_of_;  // likewise
  std::map<std::uint32_t, std::uint32_t> place_of_;
  std::map<std::uint32_t, Rule> rules_;  // of float populations that become neurons
  std::vector<std::uint32_t> relays_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pools_, neurons_;  // float, integer
  bool readout_ = false;
};

}  // namespace

Expected<Fixed> to_integer(const real::Model& model, const Options& options) {
  if (auto checked = real::check(model); !checked) return fail(checked.error());
  return Lowering(model, options)();
}

}  // namespace syn::fixed
