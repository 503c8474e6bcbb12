#include "snn/rules_leaky.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace syn::snn {
namespace {

constexpr std::int64_t kLimit = std::int64_t{1} << 31;
// Thresholds, resets and limits: two of them still add up in 32 bits.
constexpr std::int32_t kLargest = 1 << 30;

struct Range {
  std::int32_t least, most;
};

std::string membrane_problem(const Membrane& membrane, auto&& values_problem) {
  constexpr Range kKeep{0, kKeepAll};
  if (membrane.fraction > kGreatestFraction)
    return text::cat("a fraction of ", membrane.fraction, " bits, above ", kGreatestFraction);
  for (const std::int32_t limit : {membrane.potential_limit, membrane.current_limit})
    if (limit < 1 || limit > kLargest) return text::cat("a limit of ", limit, ", outside 1..", kLargest);
  if (auto p = values_problem("keep", membrane.keep, true, kKeep); !p.empty()) return p;
  if (auto p = values_problem("current_keep", membrane.current_keep, true, kKeep); !p.empty()) return p;
  return values_problem("start", membrane.start, true, Range{-membrane.potential_limit, membrane.potential_limit});
}

}  // namespace

std::string leaky_problem(const Model& model, const Population& p) {
  if (model.code != Code::step)
    return text::cat("potentials leak from step to step, which code ", name_of(model.code), " does not have");
  const auto values_problem = [&](const char* name, const std::vector<std::int32_t>& values, bool may_be_empty,
                                  Range range) -> std::string {
    if (values.size() != p.shape.channels && values.size() != p.shape.neurons() && !(may_be_empty && values.empty()))
      return text::cat("its ", name, " does not fit its channels or neurons");
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i] < range.least || values[i] > range.most)
        return text::cat(values.size() == p.shape.channels ? "channel " : "neuron ", i, ": ", name, " ", values[i],
                         ", outside ", range.least, "..", range.most);
    return {};
  };
  if (auto problem = membrane_problem(*membrane_of(p), values_problem); !problem.empty()) return problem;
  constexpr Range kAny{-kLargest, kLargest};
  const auto* leaky = std::get_if<Leaky>(&p.kind);
  if (!leaky) return values_problem("bias", std::get<Readout>(p.kind).bias, false, kAny);
  if (auto problem = values_problem("bias", leaky->bias, false, kAny); !problem.empty()) return problem;
  if (auto problem = values_problem("threshold", leaky->threshold, false, kAny); !problem.empty()) return problem;
  const bool subtracts = leaky->rule == Reset::subtract;
  const std::int32_t limit = leaky->membrane.potential_limit;
  if (auto problem =
          values_problem("reset", leaky->reset, false, subtracts ? Range{1, kLargest} : Range{-limit, limit});
      !problem.empty())
    return problem;
  if (!subtracts && p.greatest != 1)
    return text::cat("its greatest count is ", p.greatest, "; a reset to a value allows one spike a step");
  if (leaky->refractory < 0 || leaky->refractory > kGreatestRefractory)
    return text::cat("held for ", leaky->refractory, " steps, outside 0..", kGreatestRefractory);
  if (leaky->jump.empty() != leaky->adaptation_keep.empty()) return "only one of adaptation_keep and jump is given";
  if (leaky->jump.empty()) return {};
  if (leaky->adaptation_limit < 1 || leaky->adaptation_limit > kLargest / 2)
    return text::cat("an adaptation limit of ", leaky->adaptation_limit, ", outside 1..", kLargest / 2);
  if (auto problem = values_problem("adaptation_keep", leaky->adaptation_keep, false, Range{0, kKeepAll});
      !problem.empty())
    return problem;
  // What is subtracted stays positive: an adaptation that never falls below 0.
  const std::int32_t greatest = kLargest / static_cast<std::int32_t>(p.greatest);
  return values_problem("jump", leaky->jump, false, Range{subtracts ? 0 : -greatest, greatest});
}

std::string leaky_overflow(const Population& p, std::span<const std::int64_t> positive,
                           std::span<const std::int64_t> negative) {
  const Membrane& membrane = *membrane_of(p);
  const auto* leaky = std::get_if<Leaky>(&p.kind);
  const auto& bias = leaky ? leaky->bias : std::get<Readout>(p.kind).bias;
  const std::size_t channels = p.shape.channels;
  std::vector<std::int64_t> most(channels);
  for (std::size_t i = 0; i < bias.size(); ++i)
    most[i % channels] = std::max(most[i % channels], std::abs(std::int64_t{bias[i]}));
  const bool current = !membrane.current_keep.empty();
  for (std::size_t c = 0; c < channels; ++c) {
    const std::int64_t sum = std::max(positive[c], negative[c]);
    // The sum itself, then scaled; what it joins has been clamped.
    const bool fits =
        sum < kLimit &&
        (sum << membrane.fraction) + most[c] + (current ? membrane.current_limit : membrane.potential_limit) < kLimit;
    if (!fits)
      return text::cat("channel ", c, ": its sums can reach ", sum, ", beyond 32 bits with a fraction of ",
                       membrane.fraction, " bits and a limit of ",
                       current ? membrane.current_limit : membrane.potential_limit);
  }
  if (current && std::int64_t{membrane.current_limit} + membrane.potential_limit >= kLimit)
    return text::cat("limits of ", membrane.current_limit, " and ", membrane.potential_limit,
                     " together are beyond 32 bits");
  return {};
}

std::string delay_problem(const Model& model, const Projection& projection) {
  if (projection.delay == 0) return {};
  if (model.code != Code::step)
    return text::cat("a projection of delay ", projection.delay, " in code ", name_of(model.code),
                     ", whose windows are one inference");
  if (projection.delay > kGreatestDelay)
    return text::cat("a delay of ", projection.delay, " steps, above ", kGreatestDelay);
  if (std::holds_alternative<Pooled>(model.populations[projection.to].kind))
    return "a pooled population reads its source late: put the delay behind it";
  return {};
}

}  // namespace syn::snn
