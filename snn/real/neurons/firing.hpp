// A potential becomes spikes: the five orders of `Order`, refractory steps and resets, over one block of neurons.
// Internal to snn/real.
#pragma once

#include <cstring>

#include "snn/real/neurons/values.hpp"

namespace syn::snn::real {

inline bool resets_later(Order order) {
  return order == Order::reset_update_fire || order == Order::update_reset_fire;
}

class FiringSteps {
 public:
  FiringSteps(const Firing& firing, std::size_t neurons)
      : rule_(firing), threshold_(firing.threshold, neurons), v_reset_(firing.v_reset, neurons) {}

  // Beyond the kind's own: spikes that still have to reset, and refractory steps left.
  static std::size_t variables(const Firing& firing) {
    return (resets_later(firing.order) ? 1 : 0) + (firing.refractory > 0 ? 1 : 0);
  }

  std::uint64_t resident_bytes() const { return threshold_.resident_bytes() + v_reset_.resident_bytes(); }
  const Firing& rule() const { return rule_; }
  const double* threshold(std::size_t begin) const { return threshold_.at(begin); }
  const double* v_reset(std::size_t begin) const { return v_reset_.at(begin); }

  // One step of the n neurons from `begin`. `extra` is the first of this rule's own variables, each `neurons` long;
  // `update` steps the potential of this block by its input.
  template <class Update>
  void step(const Loops& loops, std::size_t begin, std::size_t n, std::size_t neurons, double* v, double* extra,
            const double* threshold, double* spikes, Update&& update) const {
    double* later = resets_later(rule_.order) ? extra + begin : nullptr;
    double* held = rule_.refractory == 0 ? nullptr : extra + (later ? neurons : 0) + begin;
    const auto fire = [&] {
      loops.fire(spikes, v, threshold, n, rule_.comparison, rule_.most);
      if (held) loops.refract(spikes, held, rule_.refractory, n);
    };
    // What `held` was when the step began decides whether the update counts, even where firing comes first.
    double frozen[kBlock], kept[kBlock];
    if (held) std::memcpy(frozen, held, n * sizeof *v);
    const auto guarded_update = [&] {
      if (!held) return update();
      std::memcpy(kept, v, n * sizeof *v);
      update();
      loops.hold(v, kept, frozen, n);
    };
    const auto reset = [&](const double* fired) {
      if (rule_.reset == Reset::subtract) {
        loops.subtract(v, fired, threshold, n);
      } else {
        loops.set(v, fired, v_reset_.at(begin), n);
      }
    };
    switch (rule_.order) {
      case Order::update_fire_reset:
        guarded_update();
        fire();
        reset(spikes);
        break;
      case Order::reset_update_fire:
        reset(later);
        guarded_update();
        fire();
        std::memcpy(later, spikes, n * sizeof *v);
        break;
      case Order::update_reset_fire:
        guarded_update();
        reset(later);
        fire();
        std::memcpy(later, spikes, n * sizeof *v);
        break;
      case Order::fire_update_reset:
        fire();
        guarded_update();
        reset(spikes);
        break;
      case Order::fire_reset_update:
        fire();
        reset(spikes);
        guarded_update();
        break;
    }
  }

 private:
  Firing rule_;
  Values threshold_, v_reset_;
};

}  // namespace syn::snn::real
