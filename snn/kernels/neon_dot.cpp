#include "snn/kernels/neon_dot.hpp"

#if defined(__aarch64__)
#include <arm_neon.h>
#include <sys/auxv.h>

#include <cstring>
#include <utility>

#include <hwy/base.h>

// As in vnni.cpp: nothing inline of other headers between push and pop.
HWY_PUSH_ATTRIBUTES("arch=armv8.2-a+dotprod")
namespace syn::snn::kernels::neon_dot {
namespace {

struct Neurons {  // firing-inl.hpp has them in Highway's words, kernels.hpp the proof
  using Ints = int32x4_t;
  static HWY_INLINE Ints load(const std::int32_t* sums) { return vld1q_s32(sums); }
  static HWY_INLINE void keep(Ints sums, std::int32_t* to) { vst1q_s32(to, sums); }
  static HWY_INLINE void fire(const SmallVolley& volley, std::size_t at, Ints a, Count* out) {
    const float32x4_t half = vld1q_f32(volley.half + at), reciprocal = vld1q_f32(volley.reciprocal + at);
    const float32x4_t estimate = vfmaq_f32(half, vcvtq_f32_s32(a), reciprocal);
    vst1_u16(out, vqmovun_s32(vcvtq_s32_f32(vminq_f32(estimate, vdupq_n_f32(volley.ceiling)))));
  }
  static HWY_INLINE void fire(const ShortVolley& volley, std::size_t at, Ints a, Count* out) {
    const uint16x4_t product = high(vqmovun_s32(a), vld1_u16(volley.multiplier + at));
    vst1_u16(out, vmin_u16(high(product, vld1_u16(volley.power + at)), vdup_n_u16(volley.ceiling)));
  }
  template <class Volley>
  static HWY_INLINE void fire(const Volley& volley, std::size_t at, Ints a, Ints b, Count* out) {
    fire(volley, at, a, out);
    fire(volley, at + 4, b, out + 4);
  }

 private:
  static HWY_INLINE uint16x4_t high(uint16x4_t a, uint16x4_t b) { return vshrn_n_u32(vmull_u16(a, b), 16); }
};

struct Dot {
  static constexpr bool kHasTails = false;
  static constexpr bool kBounded = false;
  static constexpr std::size_t kChains = 1;
  static constexpr std::size_t kRegisters = 24, kMostEvents = 8, kScattered = 0;
  static constexpr std::size_t kSumRegisters = 1;
  using Fires = Neurons;
  using Word = int8x16_t;
  using Sum = int32x4_t;
  static HWY_INLINE std::size_t lanes() { return 4; }
  static HWY_INLINE Sum zero() { return vdupq_n_s32(0); }
  static HWY_INLINE Word all(std::uint32_t word) { return vreinterpretq_s8_u32(vdupq_n_u32(word)); }
  static HWY_INLINE Word load(const std::uint32_t* weights) { return vreinterpretq_s8_u32(vld1q_u32(weights)); }
  static HWY_INLINE void add(Sum& to, Word counts, Word weights) { to = vdotq_s32(to, counts, weights); }
  static HWY_INLINE void settle(Sum&) {}
  static HWY_INLINE void join(Sum& to, const Sum& from) { to = vaddq_s32(to, from); }
  static HWY_INLINE Sum start(const std::int32_t* from) { return vld1q_s32(from); }
  static HWY_INLINE int32x4_t total(const Sum& sum, const std::int32_t*) { return sum; }
};

#include "snn/kernels/bands-inl.hpp"

}  // namespace

void add_events(const Band& band, std::int32_t* sums) {
  add_events<Dot>(band, sums);
}
void add_dense(const Band& band, std::int32_t* sums) {
  add_dense<Dot>(band, sums);
}

}  // namespace syn::snn::kernels::neon_dot
HWY_POP_ATTRIBUTES

namespace syn::snn::kernels::neon_dot {

bool is_here() {
  return (::getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
}

}  // namespace syn::snn::kernels::neon_dot
#endif
