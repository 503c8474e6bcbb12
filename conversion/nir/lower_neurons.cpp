#include <algorithm>
#include <cmath>

#include "conversion/nir/lower_parts.hpp"
#include "core/text.hpp"

namespace syn::nir {
namespace {

namespace real = snn::real;
using real::Parameter;

// One value where all are alike.
Parameter parameter(const Tensor& tensor, const Shape& population) {
  const auto& v = tensor.values;
  if (std::all_of(v.begin(), v.end(), [&](double x) { return x == v.front(); })) return {v.front()};
  return spread(tensor, population);
}
Parameter parameter(const std::optional<Tensor>& tensor, const Shape& population, double otherwise) {
  return tensor ? parameter(*tensor, population) : Parameter{otherwise};
}

class Maker {
 public:
  Maker(const Shape& population, const LowerOptions& options)
      : population_(population), options_(options), rules_(rules_of(options.dialect)) {}

  std::string trouble;

  std::optional<real::Neurons> operator()(const Input&) const { return {}; }  // only a graph's own are populations
  std::optional<real::Neurons> operator()(const Threshold& p) const {
    return real::Threshold{.threshold = of(p.threshold), .comparison = rules_.comparison};
  }
  std::optional<real::Neurons> operator()(const I& p) {
    return real::Integrator{.r = of(p.r), .gain = charge(of(p.r))};
  }
  std::optional<real::Neurons> operator()(const IF& p) {
    return real::If{.r = of(p.r), .gain = charge(of(p.r)), .firing = firing(p, rules_.if_reset)};
  }
  std::optional<real::Neurons> operator()(const LI& p) const {
    real::Li out{.membrane = membrane(p.tau, p, rules_.li_gain)};
    out.membrane.order = rules_.leaky_order;
    return out;
  }
  std::optional<real::Neurons> operator()(const LIF& p) const {
    return real::Lif{.membrane = membrane(p.tau, p, rules_.lif_gain), .firing = firing(p, rules_.reset)};
  }
  std::optional<real::Neurons> operator()(const CubaLI& p) const {
    return real::CubaLi{.synapse = synapse(p), .membrane = membrane(p.tau_mem, p, rules_.cuba_gain)};
  }
  std::optional<real::Neurons> operator()(const CubaLIF& p) const {
    return real::CubaLif{
        .synapse = synapse(p), .membrane = membrane(p.tau_mem, p, rules_.cuba_gain), .firing = firing(p, rules_.reset)};
  }
  std::optional<real::Neurons> operator()(const auto&) const { return {}; }

 private:
  Parameter of(const Tensor& tensor) const { return parameter(tensor, population_); }

  Parameter charge(Parameter r) {
    switch (rules_.charge) {
      case Charge::one:
        return {1};
      case Charge::r:
        return r;
      case Charge::r_dt_is_1:
        for (const double v : r) {
          if (std::abs(v * options_.dt - 1) > 1e-5)
            trouble =
                text::cat("its r is ", v, " and dt is ", options_.dt, ", and ", rules_.name, " insists on r = 1/dt");
        }
        return {1};
      case Charge::r_dt:
        break;
    }
    for (double& v : r) v *= options_.dt;
    return r;
  }
  real::Membrane membrane(const Tensor& tau, const auto& p, Gain gain) const {
    real::Membrane out{.tau = of(tau), .r = of(p.r), .v_leak = of(p.v_leak), .integration = rules_.integration};
    if (gain == Gain::r_is_one) out.r = {1};
    if (gain == Gain::one) out.gain = {1};
    return out;
  }
  real::Synapse synapse(const auto& p) const {
    real::Synapse out{.tau = of(p.tau_syn),
                      .w_in = parameter(p.w_in, population_, 1),
                      .integration = rules_.integration,
                      .order = rules_.synapse_order};
    if (rules_.cuba_gain == Gain::one) out.gain = {1};
    return out;
  }
  real::Firing firing(const auto& p, real::Reset reset) const {
    return {.threshold = of(p.v_threshold),
            .v_reset = parameter(p.v_reset, population_, 0),
            .comparison = rules_.comparison,
            .reset = options_.reset.value_or(reset),
            .order = rules_.order,
            .most = options_.reset.value_or(reset) == real::Reset::subtract ? rules_.most : 1};
  }

  const Shape& population_;
  const LowerOptions& options_;
  const Rules& rules_;
};

}  // namespace

std::expected<std::optional<real::Neurons>, std::string> neurons_of(const Shapes::Place& place,
                                                                    const LowerOptions& options) {
  Maker maker(place.in, options);
  auto out = std::visit(maker, place.node->primitive);
  if (!maker.trouble.empty()) return std::unexpected(maker.trouble);
  return out;
}

}  // namespace syn::nir
