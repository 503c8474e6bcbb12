// Pooling, and how far each count reaches. Internal to snn/.
// Deliberately not here: projections with weights (linear.hpp, channelwise.hpp), the order of execution (run.cpp).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "snn/kernels/kernels.hpp"
#include "snn/model.hpp"
#include "snn/rules.hpp"

namespace syn::snn {

// Sums of counts, each window's times its multiplier, for target row `oy`. Adds into 32-bit sums, or writes counts.
void add_sum_pool(const SumPool& pool, const Shape& from, const Shape& to, const Count* counts, std::int64_t oy,
                  std::int32_t* sums);
// Sums, or greatest counts, under each kernel. `out` has a kernel's slack; `slack`: whether `counts` have it, too.
void sum_pool(const kernels::Table& kernels, const SumPool& pool, const Shape& from, const Shape& to,
              const Count* counts, bool slack, Count* out);
void max_pool(const kernels::Table& kernels, const MaxPool& pool, const Shape& from, const Shape& to,
              const Count* counts, bool slack, Count* out);
// The greatest cumulative count under each kernel, or of counts.
template <class T>
void max_pool(const MaxPool& pool, const Shape& from, const Shape& to, const T* counts, T* out);

// fan_out[source neuron] += how many target neurons its count reaches through a non-zero weight. Max pooling has none.
void add_fan_out(const Model& model, const Projection& projection, std::span<std::uint32_t> fan_out);

}  // namespace syn::snn
