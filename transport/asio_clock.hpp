// The real clock: steady, on a Loop. Keeps its own queue of calls, because Asio's timers of one instant fire in no
// promised order; one Asio timer stands for the earliest.
#pragma once

#include <memory>

#include "core/clock.hpp"
#include "transport/loop.hpp"

namespace syn {

class AsioClock final : public Clock {
 public:
  explicit AsioClock(Loop& loop);
  ~AsioClock() override;  // pending calls are dropped; their Timers may outlive the clock
  Instant now() const override { return loop_.now(); }
  [[nodiscard]] Timer call_at(Instant at, std::move_only_function<void()> fn) override;

 private:
  struct Queue;
  Loop& loop_;
  std::shared_ptr<Queue> queue_;
};

}  // namespace syn
