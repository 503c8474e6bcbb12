#include "report/evaluation.hpp"

#include <algorithm>
#include <cmath>

#include "core/assert.hpp"
#include "snn/metrics.hpp"

namespace syn::report {

Evaluation evaluate(std::span<const Outcome> outcomes, std::span<const std::uint8_t> labels) {
  SYN_ASSERT(outcomes.size() <= labels.size(), outcomes.size(), labels.size());
  Evaluation e;
  snn::Digests digests;
  std::vector<double> latencies_us;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const Outcome& o = outcomes[i];
    if (o.potentials.empty()) continue;
    ++e.total;
    e.correct += snn::winner(o.potentials) == labels[i];
    digests.add(o.potentials, o.checksum);
    latencies_us.push_back(static_cast<double>(o.latency_ns) / 1000);
  }
  e.digest = digests.digest();
  e.spike_digest = digests.spike_digest();
  e.latency_us_p50 = percentile(latencies_us, 0.50);
  e.latency_us_p95 = percentile(latencies_us, 0.95);
  e.latency_us_p99 = percentile(latencies_us, 0.99);
  e.latencies_us = std::move(latencies_us);
  return e;
}

double percentile(std::vector<double> values, double fraction) {
  if (values.empty()) return 0;
  const auto rank = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(values.size())));
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(rank, 1, values.size()) - 1);
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

}  // namespace syn::report
