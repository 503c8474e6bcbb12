// Projections made ready to run: weights packed for the kernels, geometry turned into lists of events and segments.
// Internal to snn/.
// Deliberately not here: neurons and their state, the order of execution (engine.cpp).
#pragma once

#include <cstdint>
#include <new>
#include <span>
#include <vector>

#include "snn/kernels/kernels.hpp"
#include "snn/model.hpp"
#include "snn/rules.hpp"

namespace syn::snn {

// Memory on cache line boundaries: a packed row never straddles one more line than it must.
template <class T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};
  LineAllocator() = default;
  template <class U>
  LineAllocator(const LineAllocator<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kLine)); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, kLine); }
  bool operator==(const LineAllocator&) const = default;
};

// A convolution, or dense synapses as the 1 x 1 convolution of a source of one position.
//
// Adjacent channels are taken in pairs, so a source with an odd number of channels is copied with one more (of zeros),
// and so is one whose border reads something else than zero. Neighbouring pixels of a source row are contiguous, hence
// one list of a row's events serves every kernel that lies over it, and one kernel row is one segment of that list.
class Linear {
 public:
  // Where a row's events are kept; sized by scratch_*().
  struct Events {
    std::uint32_t* values;
    std::uint32_t* offsets;
    std::uint32_t* starts;  // per position of the source: its first event; one more at the end
    Count* copy;
  };

  Linear(const Conv& conv, const Population& from, const Population& to);
  Linear(const Dense& dense, const Population& from, const Population& to);

  std::size_t pair_count() const { return positions() * pairs_; }
  std::size_t start_count() const { return positions() + 1; }
  std::size_t copy_count() const { return copies_ ? positions() * 2 * pairs_ : 0; }
  std::uint64_t resident_bytes() const {
    return packed_.size() * sizeof packed_[0] + padding_.size() * sizeof padding_[0];
  }

  void list(const kernels::Table& kernels, const Count* counts, const Events& events) const;
  // Adds this projection's sums for target row `oy` to sums[target width x target channels].
  void add_row(const kernels::Table& kernels, const Events& events, std::int64_t oy, std::int32_t* sums) const;

 private:
  void pack(std::span<const std::int8_t> weights, std::size_t taps, std::size_t inputs, std::size_t outputs);
  std::size_t positions() const { return static_cast<std::size_t>(y_.source * x_.source); }

  Extent y_{}, x_{};  // over the copied source, if it is copied: then without padding
  std::size_t channels_ = 0, pairs_ = 0, outputs_ = 0, padded_outputs_ = 0;
  std::int64_t border_top_ = 0, border_left_ = 0, inner_height_ = 0, inner_width_ = 0;  // of the copy
  bool copies_ = false;
  std::vector<Count> padding_;                                     // per channel, for the copy's border; empty: zeros
  std::vector<std::int16_t, LineAllocator<std::int16_t>> packed_;  // [kernel y][kernel x][pair][padded output][2]
};

// Sums of counts, each window's times its multiplier, for target row `oy`. Adds into 32-bit sums, or writes counts.
void add_sum_pool(const SumPool& pool, const Shape& from, const Shape& to, const Count* counts, std::int64_t oy,
                  std::int32_t* sums);
void sum_pool(const SumPool& pool, const Shape& from, const Shape& to, const Count* counts, Count* out);
// Largest count (or cumulative count) under each kernel.
template <class T>
void max_pool(const MaxPool& pool, const Shape& from, const Shape& to, const T* counts, T* out);

// fan_out[source neuron] += how many target neurons its count reaches through a non-zero weight. Max pooling has none.
void add_fan_out(const Model& model, const Projection& projection, std::span<std::uint32_t> fan_out);

}  // namespace syn::snn
