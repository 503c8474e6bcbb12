// The inner loops of the engine, as one table of functions per instruction set. Every table computes the same integers;
// kernels/reference.hpp is the plain one.
// Deliberately not here: what the numbers mean (engine.cpp, layers.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/types.hpp"

namespace syn::snn::kernels {

// Buffers that a kernel is said to have slack in may be read and written this many elements beyond their end.
inline constexpr std::size_t kSlack = 64;
// Outputs of a packed weight row are padded with zero weights to a multiple of this.
inline constexpr std::size_t kTile = 16;

inline constexpr std::size_t kReadAhead = 16;

// A run of events [begin, end) and where its weights lie: event e multiplies the row at packed + base + offsets[e].
struct Segment {
  std::uint32_t begin, end;
  std::int64_t base;
};

// Per-neuron constants of one band (a row of positions), and the count ceiling.
struct Volley {
  const std::int32_t* threshold;  // theta >= 1
  const std::int32_t* limit;      // C * theta
  const float* reciprocal;        // 1 / theta
};
struct Step {
  const std::int32_t* threshold;
  std::int32_t v_min, v_max;
};

struct Tally {
  std::uint64_t checksum = 0;  // sum of count * key
  std::uint64_t spikes = 0;    // sum of counts
  std::uint64_t events = 0;    // non-zero counts
};

struct Table {
  const char* name;

  // Lists the pairs of adjacent counts that are not both zero: value = the two counts as one 32-bit word, offset =
  // first_offset + stride * index of the pair. Returns how many. values and offsets have slack; counts are read up to
  // kReadAhead pairs beyond their end.
  std::size_t (*list_events)(const Count* counts, std::size_t pairs, std::uint32_t first_offset, std::uint32_t stride,
                             std::uint32_t* values, std::uint32_t* offsets);

  // sums[o] += sum over all events of low count * row[2 o] + high count * row[2 o + 1], for o < outputs, a multiple of
  // kTile; packed rows are 64-byte aligned.
  void (*gather)(const std::uint32_t* values, const std::uint32_t* offsets, std::span<const Segment> segments,
                 const std::int16_t* packed, std::size_t outputs, std::int32_t* sums);

  // out = clamp(floor((sum + (theta >> 1)) / theta), 0, C)
  void (*fire_volley)(const Volley& volley, const std::int32_t* sums, std::size_t n, Count* out);
  // v += sum; out = v >= theta; v -= theta if so; v clamped.
  void (*fire_step)(const Step& step, const std::int32_t* sums, std::size_t n, std::int32_t* v, Count* out);

  // Keys in two halves, because few machines multiply 64-bit lanes.
  Tally (*tally)(const Count* counts, const std::uint32_t* key_low, const std::uint32_t* key_high, std::size_t n);
  // Sum of fan_out over the non-zero counts.
  std::uint64_t (*sum_where)(const Count* counts, const std::uint32_t* fan_out, std::size_t n);
  Count (*greatest)(const Count* counts, std::size_t n);
};

// Best first; the last is the plain one. Only what this machine can run.
std::span<const Table* const> available();

}  // namespace syn::snn::kernels
