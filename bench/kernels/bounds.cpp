#include "bench/kernels/bounds.hpp"

#include <unistd.h>

#include <algorithm>

namespace syn::bench {
namespace {

constexpr std::size_t kLine = 64;

std::size_t stepped(std::size_t bytes) {
  return std::max(kProbeStep, bytes / kProbeStep * kProbeStep);
}

}  // namespace

const char* name_of(Level level) {
  return level == Level::l1 ? "L1" : "L2";
}

CacheSizes cache_sizes() {
  CacheSizes sizes;
  if (const long l1 = ::sysconf(_SC_LEVEL1_DCACHE_SIZE); l1 > 0) sizes.l1 = static_cast<std::size_t>(l1);
  if (const long l2 = ::sysconf(_SC_LEVEL2_CACHE_SIZE); l2 > 0) sizes.l2 = static_cast<std::size_t>(l2);
  return sizes;
}

Level level_of(std::size_t bytes, const CacheSizes& caches) {
  return bytes <= caches.l1 ? Level::l1 : Level::l2;
}

double least_seconds(const Traffic& traffic, const Bounds& bounds) {
  const Bounds::Memory& memory = bounds.at(traffic.level);
  if (memory.load <= 0 || memory.store <= 0) return 0;
  return std::max(traffic.read / memory.load, traffic.written / memory.store);
}

// Half of each cache: the rest of it is other people's.
BoundTimer::BoundTimer(const Probes& probes, const CacheSizes& caches)
    : bytes_{stepped(caches.l1 / 2), stepped(caches.l2 / 2)}, memory_(std::max(bytes_[0], bytes_[1]) + kLine) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
  begin_ = memory_.data() + (kLine - address % kLine) % kLine;
  add(probes.load, 1, &Bounds::Memory::load);
  add(probes.store, 1, &Bounds::Memory::store);
  add(probes.load_add_store, 0.25, &Bounds::Memory::add);
  add(probes.narrow, 1, &Bounds::Memory::narrow);
  add(probes.wide, 0.5, &Bounds::Memory::wide);
  add_peak(probes.narrow_registers, 1, &Bounds::narrow_peak);
  add_peak(probes.wide_registers, 0.5, &Bounds::wide_peak);
}

void BoundTimer::add(Probe probe, double per_byte, double Bounds::Memory::*rate) {
  if (!probe) return;
  for (const Level level : {Level::l1, Level::l2}) {
    const std::size_t bytes = bytes_[static_cast<std::size_t>(level)];
    all_.push_back({{[this, probe, bytes](std::size_t calls) { probe(begin_, bytes, calls); }},
                    per_byte * static_cast<double>(bytes),
                    [level, rate](Bounds& b) -> double& {
                      Bounds::Memory& memory = level == Level::l1 ? b.l1 : b.l2;  // GCC 12 takes a copy without it
                      return memory.*rate;
                    }});
  }
}

void BoundTimer::add_peak(Probe probe, double per_byte, double Bounds::*rate) {
  if (!probe) return;
  all_.push_back({{[this, probe](std::size_t calls) { probe(begin_, bytes_[0], calls); }},
                  per_byte * static_cast<double>(bytes_[0]),
                  [rate](Bounds& b) -> double& { return b.*rate; }});
}

std::vector<Timed*> BoundTimer::timed() {
  std::vector<Timed*> out;
  for (One& one : all_) out.push_back(&one.timed);
  return out;
}

Bounds BoundTimer::bounds() const {
  Bounds bounds;
  for (const One& one : all_)
    if (one.timed.ns.median > 0) one.rate(bounds) = one.amount * 1e9 / one.timed.ns.median;
  // Where an instruction reads memory at no cost, leaving that out must not cost moves between registers.
  bounds.narrow_peak = std::max(bounds.narrow_peak, bounds.l1.narrow);
  bounds.wide_peak = std::max(bounds.wide_peak, bounds.l1.wide);
  return bounds;
}

}  // namespace syn::bench
