// Seeded randomness for behaviour (jitter, faults, sampling). Our own generator and distributions, so that one seed
// gives one sequence with every compiler. Not for keys or tokens (libsodium makes those), and not for models: inside a
// model every random number is a counter-based hash of (seed, inference or window, step, index): see `hash64`.
#pragma once

#include <cstdint>
#include <string_view>

namespace syn {

// SplitMix64's finaliser (Steele, Lea, Flood 2014): a bijection of 64-bit numbers whose output bits look independent.
constexpr std::uint64_t hash64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}
// FNV-1a, then mixed; for labels.
constexpr std::uint64_t hash64(std::string_view s) {
  std::uint64_t h = 0xcbf29ce484222325;
  for (const char c : s) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash64(h);
}

class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t u64() = 0;

  // Uniform in [0, n); n > 0. Lemire's multiply-and-reject: no modulo bias.
  std::uint64_t below(std::uint64_t n);
  // True with probability p.
  bool chance(double p);
};

// The one implementation: SplitMix64. `split` gives an independent stream per label, so that adding a consumer does not
// shift the numbers that others get.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : seed_(seed), state_(seed) {}
  std::uint64_t u64() override { return hash64(state_++ * 0xd1342543de82ef95 + seed_); }
  SeededRandom split(std::string_view label) const { return SeededRandom(hash64(seed_ ^ hash64(label))); }

 private:
  std::uint64_t seed_;
  std::uint64_t state_;
};

}  // namespace syn
