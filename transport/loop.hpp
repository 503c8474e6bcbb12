// The one thread on which everything of a node runs, over Asio. Whatever enters from outside (a timer, a socket, a
// signal, a finished job) does so through turn(), so that time stands still inside a callback. Knows nothing of
// sockets or jobs; those are given context().
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/types.hpp"

namespace boost::asio {
class io_context;
}

namespace syn {

class Loop {
 public:
  using Function = std::move_only_function<void()>;

  Loop();
  ~Loop();  // what was posted and did not run is destroyed
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();   // until stop(); may be called again
  void stop();  // from any thread; the callback that is running ends first
  // Runs until done(), which is asked after every event, or until `limit` has passed; returns done().
  bool run_until(std::move_only_function<bool()> done, Duration limit);

  void post(Function fn);  // from any thread; runs fn later on the loop, in the order of posting
  // fn(number) on the loop whenever one of these signals arrives. A later call replaces the earlier one.
  void on_signal(std::vector<int> signals, std::move_only_function<void(int)> fn);

  // Monotonic. Inside a turn, the moment at which it began.
  Instant now() const;
  // Calls fn as one event. Nested turns belong to the outermost.
  template <class Fn>
  void turn(Fn&& fn) {
    const Turn guard(*this);
    fn();
  }

  boost::asio::io_context& context();

 private:
  struct Impl;
  struct Turn {
    explicit Turn(Loop& l);
    ~Turn();
    Loop& loop;
  };
  std::unique_ptr<Impl> impl_;
  Instant turn_began_;
  unsigned depth_ = 0;
};

}  // namespace syn
