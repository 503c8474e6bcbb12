// A round: the caller writes the job, sets at_work to all threads, then announces the round (release). Each thread that
// sees it (acquire) runs its part, if it has one, and counts itself off (release); the caller runs part 0, then waits
// for at_work to become 0 (acquire). So the job is never written while a thread may read it.
#include "transport/spin_team.hpp"

#include <algorithm>

#include "core/assert.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace syn::transport {
namespace {

// Some 50 us: longer than between two populations of an inference, or two inferences of a batch.
constexpr int kTurns = 2000;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

SpinTeam::SpinTeam(unsigned threads) {
  SYN_ASSERT(threads >= 1, threads);
  for (unsigned i = 1; i < threads; ++i) threads_.emplace_back([this, i] { work(i); });
}

SpinTeam::~SpinTeam() {
  job_ = {};
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void SpinTeam::run(unsigned count, void (*part)(void* context, unsigned index), void* context) {
  SYN_ASSERT(count >= 1 && count <= size(), count, size());
  if (count == 1) return part(context, 0);
  job_ = {count, part, context};
  at_work_.store(static_cast<unsigned>(threads_.size()), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  part(context, 0);
  // Others' parts are about as long as the caller's own. A machine with fewer processors than threads must be left to
  // them.
  for (int turn = 0; at_work_.load(std::memory_order_acquire) != 0; ++turn) {
    if (turn < kTurns) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
}

void SpinTeam::work(unsigned index) {
  for (std::uint32_t seen = 0;; ++seen) {
    for (int turn = 0; turn < kTurns && round_.load(std::memory_order_relaxed) == seen; ++turn) pause();
    round_.wait(seen, std::memory_order_acquire);
    if (job_.count == 0) return;
    if (index < job_.count) job_.part(job_.context, index);
    at_work_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace syn::transport
