#include "snn/coding/decoders.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace syn::snn::coding {
namespace {

template <class T>
std::uint32_t rows_in(std::span<const T> rows, std::uint32_t classes) {
  SYN_ASSERT(classes > 0 && !rows.empty() && rows.size() % classes == 0, rows.size(), classes);
  return static_cast<std::uint32_t>(rows.size() / classes);
}

// std::max_element gives the first of equals.
template <class T>
std::uint32_t greatest(std::span<const T> row) {
  return static_cast<std::uint32_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

}  // namespace

Decision by_potential(std::span<const double> rows, std::uint32_t classes) {
  const std::uint32_t last = rows_in(rows, classes) - 1;
  return {greatest(rows.last(classes)), last};
}

Decision by_count(std::span<const Count> rows, std::uint32_t classes) {
  const std::uint32_t last = rows_in(rows, classes) - 1;
  return {greatest(std::span<const double>(cumulative(rows, classes)).last(classes)), last};
}

std::optional<Decision> by_first_spike(std::span<const Count> rows, std::uint32_t classes) {
  for (std::uint32_t t = 0; t < rows_in(rows, classes); ++t) {
    const auto row = rows.subspan(std::size_t{t} * classes, classes);
    if (const std::uint32_t winner = greatest(row); row[winner] > 0) return Decision{winner, t};
  }
  return std::nullopt;
}

Decision by_margin(const Margin& options, std::span<const double> rows, std::uint32_t classes) {
  const std::uint32_t steps = rows_in(rows, classes);
  Decision now;
  std::uint32_t stood = 0;
  for (std::uint32_t t = 0; t < steps; ++t) {
    const auto row = rows.subspan(std::size_t{t} * classes, classes);
    const std::uint32_t winner = greatest(row);
    stood = stood > 0 && winner == now.winner ? stood + 1 : 1;
    now = {winner, t};
    bool ahead = true;
    for (std::uint32_t c = 0; c < classes; ++c)
      ahead = ahead && (c == winner || row[winner] - row[c] >= options.margin);
    if (ahead && stood >= options.held) break;
  }
  return now;
}

std::vector<double> cumulative(std::span<const Count> rows, std::uint32_t classes) {
  rows_in(rows, classes);
  std::vector<double> out(rows.begin(), rows.end());
  for (std::size_t i = classes; i < out.size(); ++i) out[i] += out[i - classes];
  return out;
}

}  // namespace syn::snn::coding
