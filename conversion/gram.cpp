// Compiled once for every instruction set that Highway knows; see ann/multiply.cpp.
#if defined(__aarch64__)
#define HWY_COMPILE_ONLY_STATIC
#endif
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "conversion/gram.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "conversion/gram.hpp"

HWY_BEFORE_NAMESPACE();
namespace syn::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kAligned = 32;  // values; no vector is longer
// So many products of two values, at most 2^20 each, stay below 2^31 however they are grouped.
constexpr std::size_t kRun = 1024;

// Two rows of a times four of b, or less of either: every value that is loaded is used several times.
template <std::size_t M, std::size_t N>
void tile(const std::int16_t* HWY_RESTRICT a, const std::int16_t* HWY_RESTRICT b, std::size_t pitch,
          std::int64_t* HWY_RESTRICT products, std::size_t columns) {
  const hn::CappedTag<std::int16_t, kAligned> narrow;
  const hn::RepartitionToWide<decltype(narrow)> wide;
  const std::size_t lanes = hn::Lanes(narrow);
  for (std::size_t first = 0; first < pitch; first += kRun) {
    const std::size_t last = std::min(pitch, first + kRun);
    hn::Vec<decltype(wide)> low[M][N], high[M][N];
    for (std::size_t i = 0; i < M; ++i) {
      for (std::size_t j = 0; j < N; ++j) low[i][j] = high[i][j] = hn::Zero(wide);
    }
    for (std::size_t s = first; s < last; s += lanes) {
      hn::Vec<decltype(narrow)> y[N];
      for (std::size_t j = 0; j < N; ++j) y[j] = hn::LoadU(narrow, b + j * pitch + s);
      for (std::size_t i = 0; i < M; ++i) {
        const auto x = hn::LoadU(narrow, a + i * pitch + s);
        for (std::size_t j = 0; j < N; ++j)
          low[i][j] = hn::ReorderWidenMulAccumulate(wide, x, y[j], low[i][j], high[i][j]);
      }
    }
    for (std::size_t i = 0; i < M; ++i) {
      for (std::size_t j = 0; j < N; ++j)
        products[i * columns + j] += hn::GetLane(hn::SumOfLanes(wide, hn::Add(low[i][j], high[i][j])));
    }
  }
}

template <std::size_t M>
void strip(const Rows& a, std::size_t i, const Rows& b, std::size_t columns, std::int64_t* products) {
  const std::int16_t* x = a.values.data() + i * a.pitch;
  std::int64_t* to = products + i * b.count;
  std::size_t j = 0;
  for (; j + 4 <= columns; j += 4) tile<M, 4>(x, b.values.data() + j * b.pitch, a.pitch, to + j, b.count);
  for (; j < columns; ++j) tile<M, 1>(x, b.values.data() + j * b.pitch, a.pitch, to + j, b.count);
}

void MultiplyRows(const Rows& a, std::size_t begin, std::size_t end, const Rows& b, std::size_t columns,
                  std::int64_t* products) {
  std::size_t i = begin;
  for (; i + 2 <= end; i += 2) strip<2>(a, i, b, columns, products);
  for (; i < end; ++i) strip<1>(a, i, b, columns, products);
}

}  // namespace syn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "core/assert.hpp"

namespace syn {
HWY_EXPORT(MultiplyRows);

Rows::Rows(std::size_t rows, std::size_t values_each)
    : count(rows), length(values_each), pitch((values_each + 31) / 32 * 32), values(rows * pitch) {}

void multiply_rows(const Rows& a, std::size_t begin, std::size_t end, const Rows& b, std::size_t columns,
                   std::span<std::int64_t> products) {
  SYN_ASSERT(a.length == b.length && end <= a.count && columns <= b.count && products.size() >= a.count * b.count,
             a.length, b.length);
  for (std::size_t i = begin; i < end; ++i)
    std::fill_n(products.begin() + static_cast<std::ptrdiff_t>(i * b.count), columns, 0);
  HWY_DYNAMIC_DISPATCH(MultiplyRows)(a, begin, end, b, columns, products.data());
}

}  // namespace syn
#endif
