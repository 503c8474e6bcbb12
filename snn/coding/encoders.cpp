#include "snn/coding/encoders.hpp"

#include <algorithm>
#include <cmath>

#include "core/assert.hpp"
#include "core/random.hpp"
#include "core/text.hpp"
#include "snn/real/exponential.hpp"

namespace syn::snn::coding {
namespace {

std::unexpected<Error> no_number(std::size_t index) {
  return fail("the input holds a NaN", text::cat("value ", index), "clean the input: only numbers can be coded");
}

// f(index, value in 0..1) for each value.
template <class F>
Clipped each(std::span<const float> values, F&& f) {
  std::uint64_t clipped = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = values[i];
    if (std::isnan(x)) return no_number(i);
    const double kept = std::clamp(x, 0.0, 1.0);
    clipped += kept != x;
    f(i, kept);
  }
  return clipped;
}

// The same where f says whether value i spikes in step t.
template <class F>
Clipped each_step(std::span<const float> values, std::uint32_t steps, std::span<Count> rows, F&& f) {
  SYN_ASSERT(rows.size() == values.size() * steps, rows.size(), values.size(), steps);
  return each(values, [&](std::size_t i, double x) {
    for (std::uint32_t t = 0; t < steps; ++t) rows[t * values.size() + i] = f(i, x, t) ? 1 : 0;
  });
}

}  // namespace

Clipped direct(std::span<const float> values, std::uint32_t steps, std::span<float> rows) {
  SYN_ASSERT(rows.size() == values.size() * steps, rows.size(), values.size(), steps);
  return each(values, [&](std::size_t i, double x) {
    for (std::uint32_t t = 0; t < steps; ++t) rows[t * values.size() + i] = static_cast<float>(x);
  });
}

Clipped rate(const Rate& options, std::span<const float> values, std::uint32_t steps, std::span<Count> rows) {
  const std::uint64_t stream = hash64(options.seed ^ hash64(options.sample));
  return each_step(values, steps, rows, [&](std::size_t i, double x, std::uint32_t t) {
    const std::uint64_t drawn = hash64(hash64(stream + t) ^ i);
    return static_cast<double>(drawn >> 11) * 0x1p-53 < x;
  });
}

Clipped latency(std::span<const float> values, std::uint32_t steps, std::span<Count> rows) {
  return each_step(values, steps, rows, [&](std::size_t, double x, std::uint32_t t) {
    return x > 0 && std::floor((1 - x) * (steps - 1) + 0.5) == t;
  });
}

Expected<> delta(const Delta& options, std::span<const float> frames, std::uint32_t steps, std::span<double> reference,
                 std::span<Count> rows) {
  const std::size_t n = reference.size();
  SYN_ASSERT(frames.size() == n * steps && rows.size() == 2 * n * steps, frames.size(), rows.size(), n, steps);
  SYN_ASSERT(options.threshold > 0, options.threshold);
  for (std::uint32_t t = 0; t < steps; ++t) {
    for (std::size_t i = 0; i < n; ++i) {
      const double x = frames[t * n + i];
      if (!std::isfinite(x))
        return fail("the signal holds a value that is not finite", text::cat("step ", t, ", value ", i),
                    "clean the input: only numbers can be coded");
      const double moved = x - reference[i];
      const double events =
          std::min(std::floor(std::abs(moved) / options.threshold), static_cast<double>(kGreatestCount));
      reference[i] += (moved < 0 ? -events : events) * options.threshold;
      rows[(2 * t + 0) * n + i] = moved > 0 ? static_cast<Count>(events) : Count{0};
      rows[(2 * t + 1) * n + i] = moved < 0 ? static_cast<Count>(events) : Count{0};
    }
  }
  return {};
}

Clipped phase(std::span<const float> values, std::uint32_t steps, std::span<Count> rows) {
  SYN_ASSERT(steps >= 1 && steps <= kMostPhaseSteps, steps);
  return each_step(values, steps, rows, [&](std::size_t, double x, std::uint32_t t) {
    const auto count = static_cast<std::uint32_t>(std::floor(x * ((1u << steps) - 1) + 0.5));
    return (count >> (steps - 1 - t) & 1) != 0;
  });
}

Clipped burst(const Burst& options, std::span<const float> values, std::uint32_t steps, std::span<Count> rows) {
  SYN_ASSERT(options.shortest >= 1 && options.shortest <= options.longest, options.shortest, options.longest);
  return each_step(values, steps, rows, [&](std::size_t, double x, std::uint32_t t) {
    const double spikes = std::ceil(options.most * x);
    const double interval = std::ceil(options.longest - (options.longest - options.shortest) * x);
    const auto apart = static_cast<std::uint32_t>(interval);
    return t % apart == 0 && t / apart < spikes;
  });
}

Clipped population(std::span<const float> values, std::uint32_t fields, std::span<float> activations) {
  SYN_ASSERT(fields >= 3 && activations.size() == values.size() * fields, fields, activations.size());
  constexpr double kBeta = 1.5;
  return each(values, [&](std::size_t i, double x) {
    for (std::uint32_t f = 0; f < fields; ++f) {
      const double off = (x * (fields - 2) - (f - 0.5)) * kBeta;  // in widths
      activations[i * fields + f] = static_cast<float>(real::exponential(-0.5 * off * off));
    }
  });
}

}  // namespace syn::snn::coding
