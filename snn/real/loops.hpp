// The inner loops of the float profile, as one table of functions per instruction set. Each is plain C++ over
// independent neurons or outputs (loops.inl), compiled once per set: vectorised over outputs only, without contraction,
// so that every table gives the same bits; tests compare them.
// Deliberately not here: what the numbers mean (neurons/steps.hpp, synapses.hpp).
#pragma once

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

// Where along one axis an input position lands: through kernel position `kernel` at target position `target`.
struct Hit {
  std::uint32_t kernel, target;
};
// The hits of every input position of an axis: those of position p are hits[begin[p]] .. hits[begin[p + 1]].
struct Axis {
  const std::uint32_t* begin;
  const Hit* hits;
};

struct Windows {
  Axis y, x;
  std::uint32_t width, positions;  // of the source
  std::uint32_t target_width;
  std::uint32_t kernel_width, kernel_area;
  std::uint32_t group_sources, group_targets;   // channels of a group
  std::size_t position_stride, channel_stride;  // of the sums: channel-last where a group has many targets
  const float* weights;                         // [source channel][kernel y][kernel x][target channel of the group]
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
  // One LIF step as one loop: update_fire_reset, input after decay, one spike at most, `>`, reset to a value.
  void (*lif)(double* v, const double* in, const double* a, const double* k, const double* rest,
              const double* threshold, const double* v_reset, std::size_t n, double* spikes);

  bool (*finite)(const double* x, std::size_t n);

  // Projections. Sums already hold their bias; returns how many products were added.
  std::size_t (*list)(const double* row, std::size_t n, std::uint32_t* index, double* value);
  void (*rows)(Events events, const float* weights, std::size_t n, double* sums);  // weights [source][n]
  std::uint64_t (*columns)(Events events, const std::uint32_t* begin, const std::uint32_t* target, const float* weights,
                           double* sums);
  std::uint64_t (*windows)(Events events, const Windows& windows, double* sums);
  std::uint64_t (*pools)(Events events, const Windows& windows, double* sums);
};

// Best first; the last, "plain", is what the compiler makes for any machine. Only what this machine can run.
std::span<const Loops* const> available_loops();

}  // namespace syn::snn::real
