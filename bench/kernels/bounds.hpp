// What the machine can do at best with one table of kernels, and where a working set lies.
//
// Which bound a kernel is held against, and why:
//   events    a vector of weights loaded and multiplied for each word that is not zero and each vector of outputs: sums
//             stay in registers, so nothing else must go through memory. From L1 or L2, by the size of the packed
//             weights.
//   singles   a byte loaded for each count that is not zero and each output, from L1 or L2.
//   dense     products from registers: one load of a weight serves as many positions as there are registers for.
//   the rest  bytes read and written, each at the rate of the memory that they lie in; the slower of the two.
// Beside it stands the load-add-store rate of 32-bit sums, which no simulator beats that adds each event to potentials
// in memory; ours may pass it.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "bench/kernels/probes.hpp"
#include "bench/timing/stopwatch.hpp"

namespace syn::bench {

enum class Level : std::uint8_t { l1, l2 };
const char* name_of(Level level);

struct CacheSizes {
  std::size_t l1 = 32 << 10, l2 = 512 << 10;  // where the machine does not say: what a Raspberry Pi has at least
};
CacheSizes cache_sizes();
Level level_of(std::size_t bytes, const CacheSizes& caches);

// A second: bytes loaded and stored, sums loaded, added to and stored, multiply-adds. 0: there is no such instruction.
struct Bounds {
  struct Memory {
    double load = 0, store = 0, add = 0, narrow = 0, wide = 0;
  };
  Memory l1, l2;
  double narrow_peak = 0, wide_peak = 0;

  const Memory& at(Level level) const { return level == Level::l1 ? l1 : l2; }
  double peak(bool narrow) const { return narrow ? narrow_peak : wide_peak; }
  double fed(bool narrow, Level level) const { return narrow ? at(level).narrow : at(level).wide; }
};

struct Traffic {
  double read = 0, written = 0;  // bytes
  Level level = Level::l1;
};
// The least time it takes; 0 where nothing is known.
double least_seconds(const Traffic& traffic, const Bounds& bounds);

// Times the probes of one table: put `timed()` among what is timed, then ask for the bounds.
class BoundTimer {
 public:
  BoundTimer(const Probes& probes, const CacheSizes& caches);
  BoundTimer(const BoundTimer&) = delete;
  std::vector<Timed*> timed();
  Bounds bounds() const;

 private:
  struct One {
    Timed timed;
    double amount;                         // of a call
    std::function<double&(Bounds&)> rate;  // where it is kept
  };
  void add(Probe probe, double per_byte, double Bounds::Memory::*rate);
  void add_peak(Probe probe, double per_byte, double Bounds::*rate);

  std::size_t bytes_[2];
  std::vector<std::byte> memory_;
  std::byte* begin_;
  std::vector<One> all_;
};

}  // namespace syn::bench
