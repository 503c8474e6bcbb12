// The kernels without packed weights, one by one, over as much as the engine gives them at a time: a band of neurons
// for what fires, a whole population for what accounts. Deliberately not here: layers (layers.hpp).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/kernels/bounds.hpp"
#include "snn/kernels/kernels.hpp"

namespace syn::bench {

struct SmallLine {
  std::string kernel, over;  // "fire_step", "896 neurons"
  std::string unit;          // of `elements`
  double elements = 0;
  Traffic traffic;
  Quartiles ns;
};

class SmallTimer {
 public:
  SmallTimer(const snn::kernels::Table& table, const CacheSizes& caches);
  SmallTimer(SmallTimer&&) noexcept;
  ~SmallTimer();
  std::vector<Timed*> timed();
  std::vector<SmallLine> lines() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace syn::bench
