// What a step costs in which nothing happens: 100,352 neurons of `step` code at rest, without bias, whose 784 inputs
// are all silent.
#pragma once

#include <memory>
#include <string_view>

#include "bench/timing/stopwatch.hpp"

namespace syn::bench {

class SilentTimer {
 public:
  SilentTimer(std::string_view table, bool hands_on);
  SilentTimer(SilentTimer&&) noexcept;
  ~SilentTimer();
  Timed* timed();
  std::size_t neurons() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace syn::bench
