// Compiled once for every instruction set that Highway knows; the machine's best is taken on the first call. On arm64
// the baseline (NEON) is the only one: asked at run time, the library wants AES of it, which the Raspberry Pi lacks,
// and prints so.
#if defined(__aarch64__)
#define HWY_COMPILE_ONLY_STATIC
#endif
// Vectors of unknown length cannot stand in arrays: those machines take their fixed-length set.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "conversion/ann/multiply.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "conversion/ann/multiply.hpp"

HWY_BEFORE_NAMESPACE();
namespace syn::ann::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One tile: `P` positions times kChannelBlock channels, all sums in registers. Mul and Add are two operations on
// purpose: a fused one would round once less, and only on some machines.
template <std::size_t P, class D>
HWY_INLINE void tile(D d, const MultiplyArgs& a, std::size_t first, std::size_t channel) {
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t c = channel; c < channel + kChannelBlock; c += 2 * lanes) {
    const bool two = lanes < kChannelBlock;
    hn::Vec<D> low[P], high[P];
    for (std::size_t p = 0; p < P; ++p) low[p] = high[p] = hn::Zero(d);
    const float* HWY_RESTRICT w = a.weights + c;
    const float* in = a.in + first * a.in_stride;
    for (const std::size_t offset : a.offsets) {
      const float* HWY_RESTRICT x = in + offset;
      if (two) {
        for (std::size_t i = 0; i < a.taps_length; ++i, w += a.channels) {
          const auto w0 = hn::LoadU(d, w), w1 = hn::LoadU(d, w + lanes);
          for (std::size_t p = 0; p < P; ++p) {
            const auto v = hn::Set(d, x[p * a.in_stride + i]);
            low[p] = hn::Add(low[p], hn::Mul(v, w0));
            high[p] = hn::Add(high[p], hn::Mul(v, w1));
          }
        }
      } else {
        for (std::size_t i = 0; i < a.taps_length; ++i, w += a.channels) {
          const auto w0 = hn::LoadU(d, w);
          for (std::size_t p = 0; p < P; ++p) {
            low[p] = hn::Add(low[p], hn::Mul(hn::Set(d, x[p * a.in_stride + i]), w0));
          }
        }
      }
    }
    for (std::size_t p = 0; p < P; ++p) {
      float* out = a.out + (first + p) * a.channels + c;
      hn::StoreU(hn::Add(low[p], hn::LoadU(d, a.bias + c)), d, out);
      if (two) hn::StoreU(hn::Add(high[p], hn::LoadU(d, a.bias + c + lanes)), d, out + lanes);
    }
  }
}

void Multiply(const MultiplyArgs& a) {
  const hn::CappedTag<float, kChannelBlock> d;
  // Twelve sums are enough to hide the latency of an addition, and fit the 16 registers of the smaller machines.
  constexpr std::size_t kTile = hn::MaxLanes(d) >= kChannelBlock ? 12 : 6;
  for (std::size_t c = 0; c < a.channels; c += kChannelBlock) {
    std::size_t p = 0;
    for (; p + kTile <= a.positions; p += kTile) tile<kTile>(d, a, p, c);
    for (; p + 3 <= a.positions; p += 3) tile<3>(d, a, p, c);
    for (; p < a.positions; ++p) tile<1>(d, a, p, c);
  }
}

void MultiplyDepthwise(const MultiplyArgs& a) {
  const hn::CappedTag<float, kChannelBlock> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t p = 0; p < a.positions; ++p) {
    const float* HWY_RESTRICT in = a.in + p * a.in_stride;
    float* HWY_RESTRICT out = a.out + p * a.channels;
    std::size_t c = 0;
    for (; c + 2 * lanes <= a.channels; c += 2 * lanes) {
      auto low = hn::Zero(d), high = hn::Zero(d);
      const float* HWY_RESTRICT w = a.weights + c;
      for (const std::size_t offset : a.offsets) {
        low = hn::Add(low, hn::Mul(hn::LoadU(d, in + offset + c), hn::LoadU(d, w)));
        high = hn::Add(high, hn::Mul(hn::LoadU(d, in + offset + c + lanes), hn::LoadU(d, w + lanes)));
        w += a.channels;
      }
      hn::StoreU(hn::Add(low, hn::LoadU(d, a.bias + c)), d, out + c);
      hn::StoreU(hn::Add(high, hn::LoadU(d, a.bias + c + lanes)), d, out + c + lanes);
    }
    for (; c < a.channels; ++c) {
      float sum = 0;
      for (std::size_t t = 0; t < a.offsets.size(); ++t) sum += in[a.offsets[t] + c] * a.weights[t * a.channels + c];
      out[c] = sum + a.bias[c];
    }
  }
}

}  // namespace syn::ann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace syn::ann {
HWY_EXPORT(Multiply);
HWY_EXPORT(MultiplyDepthwise);
void multiply(const MultiplyArgs& args) {
  HWY_DYNAMIC_DISPATCH(Multiply)(args);
}
void multiply_depthwise(const MultiplyArgs& args) {
  HWY_DYNAMIC_DISPATCH(MultiplyDepthwise)(args);
}
}  // namespace syn::ann
#endif
