// Leaky neurons in vectors; part of the tables of kernels.cpp, which says how instruction sets are chosen.
#if defined(__aarch64__)
#define HWY_COMPILE_ONLY_STATIC
#endif
#if defined(SYN_FEW_TARGETS)
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3)
#else
#define HWY_DISABLED_TARGETS HWY_SSSE3
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "snn/kernels/leaky.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "snn/kernels/kernels.hpp"
#include "snn/kernels/reference.hpp"

#if (HWY_ARCH_X86 || HWY_ARCH_ARM_A64) && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
HWY_BEFORE_NAMESPACE();
namespace syn::snn::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using I32 = hn::ScalableTag<std::int32_t>;
using HalfU16 = hn::Rebind<std::uint16_t, I32>;  // as many lanes as I32 has
using V = hn::Vec<I32>;

HWY_INLINE V clamped(V x, V limit) {
  return hn::Max(hn::Min(x, limit), hn::Neg(limit));
}

// As reference::leaked: two products of 32 bits.
HWY_INLINE V leaked(V x, V keep) {
  const I32 d;
  const V amount = hn::Abs(x);
  const V high = hn::Mul(hn::ShiftRight<15>(amount), keep);
  const V low = hn::ShiftRight<15>(hn::Mul(hn::And(amount, hn::Set(d, 0x7fff)), keep));
  const V kept = hn::Add(high, low);
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Neg(kept), kept);
}

}  // namespace

// Which parts there are is the same for all neurons, so the questions are predicted.
LeakyStepped step_leaky(const LeakyStep& step, const std::int32_t* sums, std::size_t n, const LeakyState& state,
                        Count* out) {
  const I32 d;
  const HalfU16 d16;
  const std::size_t lanes = hn::Lanes(d);
  const V zero = hn::Zero(d), one = hn::Set(d, 1);
  const V limit = hn::Set(d, step.potential_limit), current_limit = hn::Set(d, step.current_limit);
  auto restless = hn::MaskFromVec(zero), any = restless;
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    V x = hn::LoadU(d, sums + i);
    x = hn::Add(hn::ShiftLeftSame(x, static_cast<int>(step.fraction)), hn::LoadU(d, step.bias + i));
    if (state.current) {
      const V before = hn::LoadU(d, state.current + i);
      const V after = clamped(hn::Add(leaked(before, hn::LoadU(d, step.current_keep + i)), x), current_limit);
      hn::StoreU(after, d, state.current + i);
      restless = hn::Or(restless, hn::Ne(after, zero));
      x = step.reads_previous ? before : after;
    }
    const V v_before = hn::LoadU(d, state.potential + i);
    V v = hn::Add(step.keep ? leaked(v_before, hn::LoadU(d, step.keep + i)) : v_before, x);
    auto held = hn::MaskFromVec(zero);
    V held_steps = zero;
    if (state.held) {
      held_steps = hn::LoadU(d, state.held + i);
      held = hn::Gt(held_steps, zero);
      v = hn::IfThenElse(held, v_before, v);
    }
    if (!step.threshold) {
      hn::StoreU(clamped(v, limit), d, state.potential + i);
      continue;
    }
    const V base = hn::LoadU(d, step.threshold + i), reset = hn::LoadU(d, step.reset + i);
    const V b = state.adaptation ? hn::LoadU(d, state.adaptation + i) : zero;
    const V threshold = hn::Add(base, b);
    auto fired = hn::Not(hn::Or(held, hn::Lt(v, threshold)));
    any = hn::Or(any, fired);
    V spikes = hn::IfThenElseZero(fired, one);
    if (!step.subtracts) {
      v = hn::IfThenElse(fired, reset, v);
    } else {
      const V amount = hn::Add(reset, b);
      v = hn::Sub(v, hn::IfThenElseZero(fired, amount));
      for (std::int32_t round = 1; round < step.most; ++round) {
        fired = hn::AndNot(hn::Lt(v, threshold), fired);
        if (hn::AllFalse(d, fired)) break;
        v = hn::Sub(v, hn::IfThenElseZero(fired, amount));
        spikes = hn::Add(spikes, hn::IfThenElseZero(fired, one));
      }
    }
    hn::StoreU(hn::DemoteTo(d16, spikes), d16, out + i);
    if (state.held) {
      const V left = hn::Max(hn::Sub(held_steps, one), zero);
      hn::StoreU(hn::IfThenElse(hn::Gt(spikes, zero), hn::Set(d, step.refractory), left), d, state.held + i);
    }
    V lowest = base;
    if (state.adaptation) {
      const V gained = hn::Mul(spikes, hn::LoadU(d, step.jump + i));
      const V next = clamped(hn::Add(leaked(b, hn::LoadU(d, step.adaptation_keep + i)), gained),
                             hn::Set(d, step.adaptation_limit));
      hn::StoreU(next, d, state.adaptation + i);
      lowest = hn::Add(lowest, hn::Min(next, zero));
    }
    v = clamped(v, limit);
    hn::StoreU(v, d, state.potential + i);
    restless = hn::Or(restless, hn::Not(hn::Lt(hn::Max(v, zero), lowest)));
  }
  const LeakyStepped rest = reference::step_leaky_from(i, step, sums, n, state, out);
  return {rest.rests && hn::AllFalse(d, restless), rest.fired || !hn::AllFalse(d, any)};
}

std::uint64_t leak_often(const std::int32_t* keep, std::uint32_t times, const std::int32_t* held, std::size_t n,
                         std::int32_t* x) {
  const I32 d;
  const std::size_t lanes = hn::Lanes(d);
  const V zero = hn::Zero(d);
  std::uint64_t leaks = 0;
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    V now = hn::LoadU(d, x + i);
    const V kept = hn::LoadU(d, keep + i);
    V left = hn::Set(d, static_cast<std::int32_t>(times));
    if (held) left = hn::Sub(left, hn::LoadU(d, held + i));
    for (;;) {
      const auto live = hn::And(hn::Gt(left, zero), hn::Ne(now, zero));
      const std::size_t count = hn::CountTrue(d, live);
      if (count == 0) break;
      leaks += count;
      now = hn::IfThenElse(live, leaked(now, kept), now);
      left = hn::Sub(left, hn::Set(d, 1));
    }
    hn::StoreU(now, d, x + i);
  }
  return leaks + reference::leak_often_from(i, keep, times, held, n, x);
}

}  // namespace syn::snn::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
