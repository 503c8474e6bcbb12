// Parameters as loops.membranes reads them: one number each where all of them are the same for all neurons, else one a
// neuron each. Internal to snn/real.
#pragma once

#include <array>
#include <cmath>
#include <limits>

#include "core/lines.hpp"
#include "snn/real/neurons/values.hpp"

namespace syn::snn::real {

class OnePass {
 public:
  OnePass(const Firing& firing, Membranes::Update update, const Values& a, const Values& k, const Values& rest,
          std::size_t n) {
    // -0: what a silent neuron of such a threshold or reset keeps is a zero of either sign, by how its step is spelt.
    const auto negative_zero = [](double x) { return x == 0 && std::signbit(x); };
    possible_ = firing.order == Order::update_fire_reset && firing.refractory == 0 &&
                std::ranges::none_of(firing.threshold, negative_zero) &&
                std::ranges::none_of(firing.v_reset, negative_zero);
    if (!possible_) return;
    rule_ = {.update = update,
             .reset = firing.reset,
             .comparison = firing.comparison,
             .most = static_cast<double>(firing.most)};
    Parameter limit = firing.threshold;
    if (firing.comparison == Comparison::greater_or_equal)
      for (double& x : limit) x = std::nextafter(x, -std::numeric_limits<double>::infinity());
    const std::array<Values, 6> all{a, k, rest, {firing.threshold, n}, {firing.v_reset, n}, {limit, n}};
    rule_.alike = std::ranges::all_of(all, [](const Values& values) { return values.alike(); });
    each_ = rule_.alike ? 1 : (n + 7) / 8 * 8;
    values_.resize(all.size() * each_);
    for (std::size_t i = 0; i < all.size(); ++i)
      for (std::size_t j = 0; j < (rule_.alike ? 1 : n); ++j)
        values_[i * each_ + j] = all[i].at(j / kBlock * kBlock)[all[i].alike() ? 0 : j % kBlock];
    const double** into[] = {&rule_.a, &rule_.k, &rule_.rest, &rule_.threshold, &rule_.v_reset, &rule_.limit};
    for (std::size_t i = 0; i < all.size(); ++i) *into[i] = values_.data() + i * each_;
  }
  OnePass(const OnePass&) = delete;  // rule_ points into values_
  OnePass& operator=(const OnePass&) = delete;

  std::uint64_t resident_bytes() const { return values_.capacity() * sizeof values_[0]; }
  const Membranes* rule() const { return possible_ ? &rule_ : nullptr; }

 private:
  bool possible_ = false;
  std::size_t each_ = 0;
  Membranes rule_;
  LineVector<double> values_;
};

}  // namespace syn::snn::real
