#include "transport/asio_clock.hpp"

#include <algorithm>
#include <map>
#include <utility>  // before Asio: Boost 1.74 forgets it

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace syn {

struct AsioClock::Queue : std::enable_shared_from_this<Queue> {
  struct Key {
    Instant at;
    std::uint64_t sequence;
    auto operator<=>(const Key&) const = default;
  };
  // The Timer knows only its key: a call that has run is no longer there, and cancelling it does nothing.
  struct Ticket final : Timer::Pending {
    Ticket(std::weak_ptr<Queue> q, Key k) : queue(std::move(q)), key(k) {}
    ~Ticket() override {
      if (const auto q = queue.lock()) q->calls.erase(key);
    }
    std::weak_ptr<Queue> queue;
    Key key;
  };

  explicit Queue(Loop& l) : loop(l), timer(l.context()) {}

  // The timer may be early for a call that was cancelled, never late: firing for nothing is harmless.
  void arm() {
    if (calls.empty()) return;
    const Instant first = calls.begin()->first.at;
    if (armed && armed_for <= first) return;
    armed = true;
    armed_for = first;
    timer.expires_at(std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(Duration(first.ns))));
    timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (error || !self) return;  // armed anew for an earlier call, or the clock is gone
      self->armed = false;
      self->run_due();
      self->arm();
    });
  }

  // Each call is an event of its own, with its own now(). Calls made meanwhile wait for the next firing, so that a
  // callback that calls itself at once cannot shut out the sockets.
  void run_due() {
    const std::uint64_t end = next;
    while (!calls.empty()) {
      const auto first = calls.begin();
      if (first->first.sequence >= end || first->first.at > loop.now()) return;
      auto fn = std::move(first->second);
      calls.erase(first);
      loop.turn(fn);
    }
  }

  Loop& loop;
  boost::asio::steady_timer timer;
  std::map<Key, std::move_only_function<void()>> calls;
  std::uint64_t next = 0;
  bool armed = false;
  Instant armed_for;
};

AsioClock::AsioClock(Loop& loop) : loop_(loop), queue_(std::make_shared<Queue>(loop)) {}
AsioClock::~AsioClock() = default;

Timer AsioClock::call_at(Instant at, std::move_only_function<void()> fn) {
  const Queue::Key key{std::max(at, now()), queue_->next++};
  queue_->calls.emplace(key, std::move(fn));
  queue_->arm();
  return Timer(std::make_unique<Queue::Ticket>(queue_, key));
}

}  // namespace syn
