// The loops per instruction set. Highway says which sets there are, switches the compiler to each and names its
// vectors; choosing is our own question to the processor, as in snn/kernels/kernels.cpp.
#if defined(__aarch64__)
#define HWY_COMPILE_ONLY_STATIC
#endif
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "snn/real/loops.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "snn/real/loops.hpp"

#define SYN_LOOPS_TABLE(name)                                                                                   \
  Loops {                                                                                                       \
    name, leak, multiply_add, combine, fire, subtract, set, hold, refract, izhikevich, membranes, finite, list, \
        list_floats, list_bits, rows, columns, windows, patches, pools, moves                                   \
  }

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
HWY_BEFORE_NAMESPACE();
namespace syn::snn::real::HWY_NAMESPACE {
namespace {
#include "snn/real/eight.inl"
#include "snn/real/events.inl"
#include "snn/real/loops.inl"
#include "snn/real/membranes.inl"
}  // namespace
extern const Loops kLoops;
const Loops kLoops = SYN_LOOPS_TABLE(HWY_TARGET == HWY_AVX3 ? "avx512" : "avx2");
}  // namespace syn::snn::real::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
#include <array>

HWY_BEFORE_NAMESPACE();
namespace syn::snn::real {
namespace {

#include "snn/real/eight.inl"
#include "snn/real/events.inl"
#include "snn/real/loops.inl"
#include "snn/real/membranes.inl"
constexpr Loops kPlain = SYN_LOOPS_TABLE("plain");

}  // namespace
}  // namespace syn::snn::real
HWY_AFTER_NAMESPACE();

namespace syn::snn::real {
namespace {

struct Available {
  std::array<const Loops*, 3> tables{};
  std::size_t count = 0;
  void add(const Loops& table) { tables[count++] = &table; }
};

Available ask_processor() {
  Available available;
#if HWY_ARCH_X86
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c");
  const bool avx3 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
#if HWY_TARGETS & HWY_AVX3
  if (avx3) available.add(N_AVX3::kLoops);
#endif
#if HWY_TARGETS & HWY_AVX2
  if (avx2) available.add(N_AVX2::kLoops);
#endif
#endif
  available.add(kPlain);
  return available;
}

}  // namespace

std::span<const Loops* const> available_loops() {
  static const Available kAvailable = ask_processor();
  return {kAvailable.tables.data(), kAvailable.count};
}

}  // namespace syn::snn::real
#endif  // HWY_ONCE
