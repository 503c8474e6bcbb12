// Time is handed in. Production: transport's Asio clock; simulator and tests: sim::VirtualClock.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "core/types.hpp"

namespace syn {

// Owns one pending call. Destroying or resetting it cancels the call; the callback is moved out before it runs, so it
// may destroy its own Timer. Move-only.
class Timer {
 public:
  class Pending {  // what a clock keeps for it; the destructor cancels
   public:
    virtual ~Pending() = default;
  };
  Timer() = default;
  explicit Timer(std::unique_ptr<Pending> pending) : pending_(std::move(pending)) {}
  void reset() { pending_.reset(); }
  explicit operator bool() const { return pending_ != nullptr; }

 private:
  std::unique_ptr<Pending> pending_;
};

class Clock {
 public:
  virtual ~Clock() = default;
  // Monotonic. Stands still inside one callback.
  virtual Instant now() const = 0;
  // Runs fn on the loop at `at`, or as soon as possible if that has passed; never inline. Calls for the same instant
  // run in the order in which they were asked for.
  [[nodiscard]] virtual Timer call_at(Instant at, std::move_only_function<void()> fn) = 0;

  [[nodiscard]] Timer call_in(Duration delay, std::move_only_function<void()> fn) {
    return call_at(now() + delay, std::move(fn));
  }
};

}  // namespace syn
