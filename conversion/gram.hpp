// Inner products of many rows of small whole numbers: second moments come from them. Exact, so that any instruction set
// and any number of threads gives the same. Private to conversion/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace syn {

// Rows of equal length, |value| <= kGreatest.
struct Rows {
  static constexpr std::int16_t kGreatest = 1023;

  Rows(std::size_t count, std::size_t length);
  std::span<std::int16_t> operator[](std::size_t row) { return std::span(values).subspan(row * pitch, length); }
  std::span<const std::int16_t> operator[](std::size_t row) const {
    return std::span(values).subspan(row * pitch, length);
  }

  std::size_t count, length, pitch;  // zeros fill the pitch
  std::vector<std::int16_t> values;
};

// products[i * b.count + j] = the sum of a[i] * b[j], for rows begin..end of a and the first `columns` of b. Both are
// of one length.
void multiply_rows(const Rows& a, std::size_t begin, std::size_t end, const Rows& b, std::size_t columns,
                   std::span<std::int64_t> products);

}  // namespace syn
