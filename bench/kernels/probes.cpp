// Compiled once per instruction set, as snn/kernels/kernels.cpp is and for its reasons.
#if defined(__aarch64__)
#define HWY_COMPILE_ONLY_STATIC
#endif
#define HWY_DISABLED_TARGETS HWY_SSSE3

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/kernels/probes.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <utility>

#include "bench/kernels/probes.hpp"
#include "bench/kernels/probes_dot.hpp"

#if HWY_ARCH_X86 || HWY_ARCH_ARM_A64
#define SYN_VECTORS (HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)
#else
#define SYN_VECTORS 0
#endif

#if SYN_VECTORS
HWY_BEFORE_NAMESPACE();
namespace syn::bench::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using I32 = hn::ScalableTag<std::int32_t>;
using I16 = hn::Repartition<std::int16_t, I32>;
using V32 = hn::Vec<I32>;
using V16 = hn::Vec<I16>;

// The compiler may neither leave a value out nor take it out of the loop.
#if HWY_ARCH_X86
#define SYN_KEEP(vector) asm volatile("" : "+v"((vector).raw))
#else
#define SYN_KEEP(vector) asm volatile("" : "+w"((vector).raw))
#endif

// Sums that do not wait for each other. They are told apart by constants, or GCC 12 keeps them in memory.
constexpr std::size_t kChains = 4, kUnrolled = 16;
using Chains = std::make_index_sequence<kChains>;
using Unrolled = std::make_index_sequence<kUnrolled>;

template <class V>
HWY_INLINE void keep(V& vector) {
  SYN_KEEP(vector);
}
// Of each round of chains: what the last one has multiplied is not there any more.
template <std::size_t kIndex, class V>
HWY_INLINE void keep_first(V& vector) {
  if constexpr (kIndex % kChains == 0) keep(vector);
}

HWY_INLINE std::size_t vector() {
  return hn::Lanes(I32()) * sizeof(std::int32_t);
}

void load(std::byte* at, std::size_t bytes, std::size_t passes) {
  const I32 d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t pass = 0; pass < passes; ++pass) {
    const auto* from = reinterpret_cast<const std::int32_t*>(at);
    for (const auto* end = from + bytes / sizeof *from; from != end; from += kUnrolled * lanes) {
      for (std::size_t k = 0; k < kUnrolled; ++k) {
        auto value = hn::Load(d, from + k * lanes);
        SYN_KEEP(value);
      }
    }
  }
}

void store(std::byte* at, std::size_t bytes, std::size_t passes) {
  const I32 d;
  const std::size_t lanes = hn::Lanes(d);
  auto value = hn::Zero(d);
  for (std::size_t pass = 0; pass < passes; ++pass) {
    auto* to = reinterpret_cast<std::int32_t*>(at);
    for (const auto* end = to + bytes / sizeof *to; to != end; to += kUnrolled * lanes) {
      SYN_KEEP(value);
      for (std::size_t k = 0; k < kUnrolled; ++k) hn::Store(value, d, to + k * lanes);
      asm volatile("" ::: "memory");
    }
  }
}

void load_add_store(std::byte* at, std::size_t bytes, std::size_t passes) {
  const I32 d;
  const std::size_t lanes = hn::Lanes(d);
  auto one = hn::Set(d, 1);
  for (std::size_t pass = 0; pass < passes; ++pass) {
    auto* to = reinterpret_cast<std::int32_t*>(at);
    for (const auto* end = to + bytes / sizeof *to; to != end; to += kUnrolled * lanes) {
      SYN_KEEP(one);
      for (std::size_t k = 0; k < kUnrolled; ++k)
        hn::Store(hn::Add(hn::Load(d, to + k * lanes), one), d, to + k * lanes);
      asm volatile("" ::: "memory");
    }
  }
}

HWY_INLINE void add_wide(V32& sum, V32& rest, V16 counts, V16 weights) {
  sum = hn::ReorderWidenMulAccumulate(I32(), counts, weights, sum, rest);
}

template <bool kMemory, std::size_t... I, std::size_t... U>
HWY_INLINE void wide(std::byte* at, std::size_t bytes, std::size_t passes, std::index_sequence<I...>,
                     std::index_sequence<U...>) {
  const I16 d;
  const std::size_t lanes = hn::Lanes(d);
  V32 sum[kChains], rest[kChains];
  ((sum[I] = rest[I] = hn::Zero(I32())), ...);
  auto counts = hn::Set(d, 3);
  V16 weights[kChains];  // of registers, one for each: equal products would be made once
  ((weights[I] = hn::Set(d, 5), keep(weights[I])), ...);
  for (std::size_t pass = 0; pass < passes; ++pass) {
    const auto* from = reinterpret_cast<const std::int16_t*>(at);
    for (std::size_t done = 0; done < bytes; done += kUnrolled * vector(), from += kUnrolled * lanes) {
      ((keep_first<U>(counts), add_wide(sum[U % kChains], rest[U % kChains], counts,
                                        kMemory ? hn::Load(d, from + U * lanes) : weights[U % kChains])),
       ...);
    }
  }
  ((keep(sum[I]), keep(rest[I])), ...);
}
template <bool kMemory>
void wide(std::byte* at, std::size_t bytes, std::size_t passes) {
  wide<kMemory>(at, bytes, passes, Chains(), Unrolled());
}

#if HWY_ARCH_X86
HWY_INLINE V16 narrow_products(V16 counts, V16 weights) {
#if HWY_TARGET == HWY_AVX3
  return V16{_mm512_maddubs_epi16(counts.raw, weights.raw)};
#elif HWY_TARGET == HWY_AVX2
  return V16{_mm256_maddubs_epi16(counts.raw, weights.raw)};
#else
  return V16{_mm_maddubs_epi16(counts.raw, weights.raw)};
#endif
}

// Without settling the pairs into 32 bits: how often that is needed depends on the weights.
template <bool kMemory, std::size_t... I, std::size_t... U>
HWY_INLINE void narrow(std::byte* at, std::size_t bytes, std::size_t passes, std::index_sequence<I...>,
                       std::index_sequence<U...>) {
  const I16 d;
  const std::size_t lanes = hn::Lanes(d);
  V16 pairs[kChains];
  ((pairs[I] = hn::Zero(d)), ...);
  auto counts = hn::Set(d, 0x0101);
  V16 weights[kChains];
  ((weights[I] = hn::Set(d, 0x0203), keep(weights[I])), ...);
  for (std::size_t pass = 0; pass < passes; ++pass) {
    const auto* from = reinterpret_cast<const std::int16_t*>(at);
    for (std::size_t done = 0; done < bytes; done += kUnrolled * vector(), from += kUnrolled * lanes) {
      ((keep_first<U>(counts),
        pairs[U % kChains] = hn::Add(pairs[U % kChains], narrow_products(counts, kMemory ? hn::Load(d, from + U * lanes)
                                                                                         : weights[U % kChains]))),
       ...);
    }
  }
  (keep(pairs[I]), ...);
}
template <bool kMemory>
void narrow(std::byte* at, std::size_t bytes, std::size_t passes) {
  narrow<kMemory>(at, bytes, passes, Chains(), Unrolled());
}
#endif

template <bool kGraded>
HWY_INLINE void add_weights(const std::int16_t* weights, std::size_t n, std::int32_t count, std::int32_t* sums) {
  const I32 d;
  const hn::Rebind<std::int16_t, I32> d16;
  const std::size_t lanes = hn::Lanes(d);
  const auto times = hn::Set(d, count);
  for (std::size_t o = 0; o < n; o += lanes) {
    auto weight = hn::PromoteTo(d, hn::LoadU(d16, weights + o));
    if constexpr (kGraded) weight = hn::Mul(weight, times);
    hn::StoreU(hn::Add(hn::LoadU(d, sums + o), weight), d, sums + o);
  }
}

void scatter(const Scatter& layer, const std::uint16_t* counts, std::int32_t* sums) {
  for (std::size_t y = 0; y < layer.height; ++y) {
    for (std::size_t x = 0; x < layer.width; ++x) {
      for (std::size_t c = 0; c < layer.channels; ++c, ++counts) {
        if (*counts == 0) continue;
        for (std::size_t ky = 0; ky < 3; ++ky) {
          for (std::size_t kx = 0; kx < 3; ++kx) {
            const std::size_t ty = y + 1 - ky, tx = x + 1 - kx;  // below 0: very great
            if (ty >= layer.height || tx >= layer.width) continue;
            const std::int16_t* weights = layer.weights + ((ky * 3 + kx) * layer.channels + c) * layer.outputs;
            std::int32_t* to = sums + (ty * layer.width + tx) * layer.outputs;
            if (*counts == 1) {
              add_weights<false>(weights, layer.outputs, 1, to);
            } else {
              add_weights<true>(weights, layer.outputs, *counts, to);
            }
          }
        }
      }
    }
  }
}

}  // namespace

Probes probes() {
  Probes p{.vector_bytes = vector(), .load = load, .store = store, .load_add_store = load_add_store};
#if HWY_ARCH_X86
  p.narrow = narrow<true>;
  p.narrow_registers = narrow<false>;
#endif
  p.wide = wide<true>;
  p.wide_registers = wide<false>;
  return p;
}
ScatterEvents scatter_events() {
  return scatter;
}

}  // namespace syn::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // SYN_VECTORS

#if HWY_ONCE
#include "bench/kernels/probes_plain.hpp"

namespace syn::bench {

Probes probes_of(std::string_view table) {
#if HWY_ARCH_X86
  if (table == "avx512vnni" || table == "avx512") {
    Probes p = N_AVX3::probes();
    if (table == "avx512vnni") dot::use(p);
    return p;
  }
  if (table == "avx2") return N_AVX2::probes();
  if (table == "sse4") return N_SSE4::probes();
#elif HWY_ARCH_ARM_A64
  if (table == "neon" || table == "neon-dot") {
    Probes p = N_NEON::probes();
    if (table == "neon-dot") dot::use(p);
    return p;
  }
#endif
  return plain::probes();
}

ScatterEvents scatter_of(std::string_view table) {
#if HWY_ARCH_X86
  if (table == "avx512vnni" || table == "avx512") return N_AVX3::scatter_events();
  if (table == "avx2") return N_AVX2::scatter_events();
  if (table == "sse4") return N_SSE4::scatter_events();
#elif HWY_ARCH_ARM_A64
  if (table == "neon" || table == "neon-dot") return N_NEON::scatter_events();
#endif
  return plain::scatter;
}

}  // namespace syn::bench
#endif  // HWY_ONCE
