#include "transport/loop.hpp"

#include <utility>  // before Asio: Boost 1.74 forgets it

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

namespace syn {

namespace asio = boost::asio;

struct Loop::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::unique_ptr<asio::signal_set> signals;
  std::shared_ptr<std::move_only_function<void(int)>> on_signal;

  void wait_for_signal(Loop& loop) {
    signals->async_wait([this, &loop, fn = on_signal](const boost::system::error_code& error, int number) {
      if (error || fn != on_signal) return;
      loop.turn([&] { (*fn)(number); });
      if (fn == on_signal) wait_for_signal(loop);
    });
  }
};

namespace {
Instant read_clock() {
  return {std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()).count()};
}
}  // namespace

Loop::Turn::Turn(Loop& l) : loop(l) {
  if (loop.depth_++ == 0) loop.turn_began_ = read_clock();
}
Loop::Turn::~Turn() {
  --loop.depth_;
}

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

void Loop::run() {
  impl_->context.restart();
  impl_->context.run();
}

void Loop::stop() {
  impl_->context.stop();
}

bool Loop::run_until(std::move_only_function<bool()> done, Duration limit) {
  impl_->context.restart();
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (impl_->context.run_one_until(end) == 0) return done();
  }
  return true;
}

void Loop::post(Function fn) {
  asio::post(impl_->context, [this, fn = std::move(fn)]() mutable { turn(fn); });
}

void Loop::on_signal(std::vector<int> signals, std::move_only_function<void(int)> fn) {
  impl_->on_signal = std::make_shared<std::move_only_function<void(int)>>(std::move(fn));
  impl_->signals = std::make_unique<asio::signal_set>(impl_->context);
  for (const int number : signals) impl_->signals->add(number);
  impl_->wait_for_signal(*this);
}

Instant Loop::now() const {
  return depth_ > 0 ? turn_began_ : read_clock();
}

asio::io_context& Loop::context() {
  return impl_->context;
}

}  // namespace syn
