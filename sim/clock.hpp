// A clock that moves when it is told to, for tests of anything that takes a Clock.
#pragma once

#include "core/clock.hpp"
#include "sim/event_queue.hpp"

namespace syn::sim {

class ManualClock final : public Clock {
 public:
  Instant now() const override { return queue_->now(); }
  Timer call_at(Instant at, std::move_only_function<void()> fn) override {
    return Timer(std::make_unique<Pending>(queue_, queue_->push(at, std::move(fn))));
  }
  // Everything that falls due on the way runs, in order, each at its own instant.
  void advance(Duration d) { queue_->run_until(queue_->now() + d); }
  EventQueue& queue() { return *queue_; }

  struct Pending final : Timer::Pending {
    Pending(const std::shared_ptr<EventQueue>& q, EventQueue::Key k) : queue(q), key(k) {}
    ~Pending() override {
      if (const auto q = queue.lock()) q->cancel(key);
    }
    std::weak_ptr<EventQueue> queue;  // a timer may outlive its clock
    EventQueue::Key key;
  };

 private:
  std::shared_ptr<EventQueue> queue_ = std::make_shared<EventQueue>();
};

}  // namespace syn::sim
