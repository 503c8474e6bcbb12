// The inner loops of the float profile, as one table of functions per instruction set, each compiled once per set from
// loops.inl, events.inl and membranes.inl: vectorised over independent neurons or outputs only, without contraction, so
// that every table gives the same bits; tests compare them.
// Deliberately not here: what the numbers mean (neurons/steps.hpp, synapses.hpp).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "snn/real/neurons/parts.hpp"

namespace syn::snn::real {

// Neurons are stepped in blocks of this many, small enough that all phases of a step stay in the first cache.
inline constexpr std::size_t kBlock = 256;

// What one projection reads in one step: the non-zero outputs of its source, ascending.
struct Events {
  const std::uint32_t* index;
  const double* value;
  std::size_t count;
};

// n / divisor for n up to `most`, without dividing: a multiplication that is exact there because
// n * (factor * divisor - 2^shift) stays below 2^shift.
struct Divisor {
  std::uint64_t factor = 1;
  std::uint32_t shift = 0, divisor = 1;

  static Divisor of(std::uint32_t divisor, std::uint32_t most) {
    const auto shift = static_cast<std::uint32_t>(std::bit_width(divisor) + std::bit_width(most));
    return {(std::uint64_t{1} << shift) / divisor + 1, shift, divisor};
  }
  std::uint32_t operator()(std::uint32_t n) const { return static_cast<std::uint32_t>(n * factor >> shift); }
};

// Where along one axis an input position lands: through kernel positions from `kernel` on at as many target positions
// from `target` on. Weights are laid out in that order (synapses.cpp).
struct Run {
  std::uint32_t kernel, target, count;
};
// The runs of every input position of an axis: those of position p are runs[begin[p]] .. runs[begin[p + 1]].
struct Axis {
  const std::uint32_t* begin;
  const Run* runs;
};

struct Windows {
  Axis y, x;                 // runs of y are of one position each
  Divisor width, positions;  // of the source
  Divisor group_sources;     // channels of a group
  std::uint32_t target_width, target_positions;
  std::uint32_t kernel_width, kernel_area;
  std::uint32_t group_targets, channels;  // of the target
  bool channel_last;                      // the sums: [position][channel]
  const float* weights;                   // [source channel][kernel y][kernel x][target channel of the group]
};

// Convolutions of one group whose sums are channel-last and whose kernel positions lie apart by the stride: what a
// source adds is a block of rows of sums, and its weights are stored in the same order.
struct Patch {
  std::uint32_t sums, weights;  // where both begin
  std::uint32_t rows, row;      // how many rows, of how many sums
};
struct Patches {
  const Patch* patches;                                // of every position of the source
  Divisor positions;                                   // of the source
  std::size_t sums_row, weights_row, channel_weights;  // from one row, or source channel, to the next
  const float* weights;                                // [source channel][kernel y][kernel x][target channel]
};

inline constexpr std::uint32_t kNowhere = ~std::uint32_t{0};

// Which neurons were reached: one bit a block of 8, the cache line of their sums.
inline constexpr std::size_t kMarked = 8;

// Integrate-and-fire in one pass: the sum, the membrane, the threshold and the reset. Order::update_fire_reset without
// refractory steps; the other orders are made of the loops below (neurons/firing.hpp).
struct Membranes {
  enum class Update : std::uint8_t { add, leak_after, leak_before };  // v + k in; InputOrder
  Update update = Update::add;
  Reset reset = Reset::to_value;
  Comparison comparison = Comparison::greater;
  double most = 1;
  bool alike = true;  // every array below holds one number for all neurons
  const double *a = nullptr, *k = nullptr, *rest = nullptr, *threshold = nullptr, *v_reset = nullptr;
  // v > limit if and only if v is above the threshold by `comparison`: v >= x is v > the number before x.
  const double* limit = nullptr;
};

inline constexpr std::size_t kListSlack = 3;  // lists are written in fours

struct MembranePass {
  std::size_t n;
  double* v;
  double* sums;  // left at `start`
  const double* start;
  bool start_alike;        // one number for all neurons
  std::uint64_t* touched;  // null: all are stepped; else blocks of kMarked, left as those that would fire again
  std::uint32_t* fired;    // indices, ascending; room for n
  double* spikes;          // how many each; written where `most` is above 1
};

struct MembranesStepped {
  std::size_t fired, updated;  // neurons
  bool finite;
};

struct Loops {
  const char* name;

  // Neurons. All arrays have n entries; none overlap.
  void (*leak)(double* x, const double* in, const double* a, const double* k, const double* rest, std::size_t n,
               InputOrder order);
  void (*multiply_add)(double* x, const double* in, const double* k, std::size_t n);                // x += k in
  void (*combine)(double* out, const double* x, const double* k, const double* in, std::size_t n);  // out = x + k in
  void (*fire)(double* spikes, const double* v, const double* threshold, std::size_t n, Comparison comparison,
               double most);
  void (*subtract)(double* v, const double* spikes, const double* threshold, std::size_t n);
  void (*set)(double* v, const double* spikes, const double* value, std::size_t n);
  void (*hold)(double* v, const double* kept, const double* held, std::size_t n);  // v = kept where held > 0
  void (*refract)(double* spikes, double* held, double steps, std::size_t n);
  void (*izhikevich)(double* v, double* u, const double* in, const double* a, const double* b, const double* peak,
                     std::size_t n, double dt_ms, std::uint32_t substeps, double* spikes);
  MembranesStepped (*membranes)(const Membranes& rule, const MembranePass& pass);

  bool (*finite)(const double* x, std::size_t n);

  // Events. Each returns how many there are; `index` has room for n + kListSlack of them, `value` for n.
  std::size_t (*list)(const double* row, std::size_t n, std::uint32_t* index, double* value);
  std::size_t (*list_floats)(const float* row, std::size_t n, std::uint32_t* index, double* value);
  std::size_t (*list_bits)(const std::uint64_t* words, std::size_t count, std::uint32_t* index);

  // Projections. Sums already hold their bias; returns how many products were added. Where `touched` is not null, the
  // blocks of kMarked sums that were added to are marked in it.
  void (*rows)(Events events, const float* weights, std::size_t n, double* sums);  // weights [source][n]
  std::uint64_t (*columns)(Events events, const std::uint32_t* begin, const std::uint32_t* target, const float* weights,
                           double* sums, std::uint64_t* touched);
  std::uint64_t (*windows)(Events events, const Windows& windows, double* sums, std::uint64_t* touched);
  std::uint64_t (*patches)(Events events, const Patches& patches, double* sums, std::uint64_t* touched);
  // Channel-first; `reached`, if not null: one bit a sum.
  std::uint64_t (*pools)(Events events, const Windows& windows, double* sums, std::uint64_t* reached);
  // Pools whose windows do not overlap: where each source goes, or kNowhere.
  std::uint64_t (*moves)(Events events, const std::uint32_t* target, double* sums, std::uint64_t* reached);
};

// Best first; the last, "plain", is what the compiler makes for any machine. Only what this machine can run.
std::span<const Loops* const> available_loops();

}  // namespace syn::snn::real
