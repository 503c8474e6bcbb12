#include "bench/kernels/probes_dot.hpp"

#include <hwy/base.h>

#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
HWY_PUSH_ATTRIBUTES("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
#elif defined(__aarch64__)
#include <arm_neon.h>
HWY_PUSH_ATTRIBUTES("arch=armv8.2-a+dotprod")
#endif

#if defined(__x86_64__) || defined(__aarch64__)
namespace syn::bench::dot {
namespace {

#if defined(__x86_64__)
using Vector = __m512i;
HWY_INLINE Vector load(const std::byte* at) {
  return _mm512_load_si512(at);
}
HWY_INLINE Vector all(int value) {
  return _mm512_set1_epi8(static_cast<char>(value));
}
HWY_INLINE void add(Vector& to, Vector counts, Vector weights) {
  to = _mm512_dpbusd_epi32(to, counts, weights);
}
#define SYN_KEEP(vector) asm volatile("" : "+v"(vector))
#else
using Vector = int32x4_t;
HWY_INLINE Vector load(const std::byte* at) {
  return vld1q_s32(reinterpret_cast<const std::int32_t*>(at));
}
HWY_INLINE Vector all(int value) {
  return vreinterpretq_s32_s8(vdupq_n_s8(static_cast<signed char>(value)));
}
HWY_INLINE void add(Vector& to, Vector counts, Vector weights) {
  to = vdotq_s32(to, vreinterpretq_s8_s32(counts), vreinterpretq_s8_s32(weights));
}
#define SYN_KEEP(vector) asm volatile("" : "+w"(vector))
#endif

// The compiler may neither leave a value out nor take it out of the loop.
HWY_INLINE void keep(Vector& vector) {
  SYN_KEEP(vector);
}

// The instruction takes 4 to 5 cycles, and two or more can start in each. Sums are told apart by constants, or GCC 12
// keeps them in memory.
constexpr std::size_t kChains = 16;
using Chains = std::make_index_sequence<kChains>;

template <bool kMemory, std::size_t... I>
HWY_INLINE void narrow(std::byte* at, std::size_t bytes, std::size_t passes, std::index_sequence<I...>) {
  Vector sum[kChains];
  ((sum[I] = all(0), keep(sum[I])), ...);  // or equal sums would be made once
  Vector counts = all(3), weights = all(5);
  for (std::size_t pass = 0; pass < passes; ++pass) {
    for (std::size_t done = 0; done < bytes; done += sizeof sum) {
      keep(weights);
      (add(sum[I], counts, kMemory ? load(at + done + I * sizeof(Vector)) : weights), ...);
    }
  }
  (keep(sum[I]), ...);
}
template <bool kMemory>
void narrow(std::byte* at, std::size_t bytes, std::size_t passes) {
  narrow<kMemory>(at, bytes, passes, Chains());
}

}  // namespace

void use(Probes& probes) {
  probes.narrow = narrow<true>;
  probes.narrow_registers = narrow<false>;
}

}  // namespace syn::bench::dot
HWY_POP_ATTRIBUTES
#endif
