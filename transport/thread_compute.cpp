#include "transport/thread_compute.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "core/assert.hpp"

namespace syn {

struct ThreadCompute::Impl {
  explicit Impl(Loop& l) : loop(l) {}

  struct Task {
    Job job;
    Done done;
  };

  void work(std::stop_token stop) {
    for (;;) {
      Task task;
      {
        std::unique_lock lock(mutex);
        if (!ready.wait(lock, stop, [this] { return !tasks.empty(); })) return;
        if (stop.stop_requested()) return;
        task = std::move(tasks.front());
        tasks.pop_front();
      }
      const auto began = std::chrono::steady_clock::now();
      const Work cost = task.job();
      const auto measured = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began);
      // The job dies on the loop, behind `done`: what it owns is never destroyed on a worker while the loop may look.
      loop.post([alive = alive, task = std::move(task), cost, measured]() mutable {
        if (*alive) task.done(cost, measured);
      });
    }
  }

  Loop& loop;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);  // read and written on the loop only
  std::mutex mutex;
  std::condition_variable_any ready;
  std::deque<Task> tasks;
  std::vector<std::jthread> workers;  // last: they end before what they use
};

ThreadCompute::ThreadCompute(Loop& loop, std::uint32_t threads) : impl_(std::make_unique<Impl>(loop)) {
  SYN_ASSERT(threads >= 1 && threads <= 1024, threads);
  for (std::uint32_t i = 0; i < threads; ++i) {
    impl_->workers.emplace_back([impl = impl_.get()](std::stop_token stop) { impl->work(stop); });
  }
}

ThreadCompute::~ThreadCompute() {
  *impl_->alive = false;
  for (auto& worker : impl_->workers) worker.request_stop();
  impl_->workers.clear();
}

void ThreadCompute::run(Job job, Done done) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->tasks.push_back({std::move(job), std::move(done)});
  }
  impl_->ready.notify_one();
}

std::uint32_t ThreadCompute::threads() const {
  return static_cast<std::uint32_t>(impl_->workers.size());
}

}  // namespace syn
