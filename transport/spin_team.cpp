// A round: the caller writes the job, opens its parts (release) and announces the round. A part is taken (acquire) by its own
// thread, or by the caller if that does not come; who has run one counts it off (release), and the caller waits for all
// (acquire). So nobody waits long for a thread that the machine does not let run, and the job is not written while a part of
// it is running: a thread that comes late finds its part of that round taken.
#include "transport/spin_team.hpp"

#include "core/assert.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace syn::transport {
namespace {

// Some 50 us: longer than between two populations of an inference, or two inferences of a batch.
constexpr int kTurns = 2000;
// Some 3 us: a thread that is awake begins its part much sooner. One that did not come is not waited for the next time.
constexpr int kPatience = 100;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Of a part: that round's, open or taken.
constexpr std::uint32_t open(std::uint32_t round) {
  return 2 * round;
}
constexpr std::uint32_t taken(std::uint32_t round) {
  return 2 * round + 1;
}

}  // namespace

SpinTeam::SpinTeam(unsigned threads) : parts_(threads) {
  SYN_ASSERT(threads >= 1, threads);
  for (unsigned i = 1; i < threads; ++i) threads_.emplace_back([this, i] { work(i); });
}

SpinTeam::~SpinTeam() {
  ended_.store(true, std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void SpinTeam::run(unsigned count, void (*part)(void* context, unsigned index), void* context) {
  SYN_ASSERT(count >= 1 && count <= size(), count, size());
  if (count == 1) return part(context, 0);
  job_ = {part, context};
  done_.store(0, std::memory_order_relaxed);
  const std::uint32_t round = round_.load(std::memory_order_relaxed) + 1;
  for (unsigned i = 0; i < count; ++i) parts_[i].state.store(open(round), std::memory_order_release);
  round_.store(round, std::memory_order_release);
  round_.notify_all();
  run_part(round, 0);
  const auto all_done = [&] { return done_.load(std::memory_order_acquire) == count; };
  for (int turn = 0; all_came_ && turn < kPatience && !all_done(); ++turn) pause();
  all_came_ = true;
  for (unsigned i = 1; i < count && !all_done(); ++i)
    if (run_part(round, i)) all_came_ = false;
  // What has begun. A machine with fewer processors than threads must be left to them.
  for (int turn = 0; !all_done(); ++turn) {
    if (turn < kTurns) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
}

// Unless somebody else has taken it.
bool SpinTeam::run_part(std::uint32_t round, unsigned index) {
  std::uint32_t expected = open(round);
  if (!parts_[index].state.compare_exchange_strong(expected, taken(round), std::memory_order_acquire,
                                                   std::memory_order_relaxed))
    return false;
  job_.part(job_.context, index);
  done_.fetch_add(1, std::memory_order_release);
  return true;
}

void SpinTeam::work(unsigned index) {
  for (std::uint32_t seen = 0;;) {
    for (int turn = 0; turn < kTurns && round_.load(std::memory_order_relaxed) == seen; ++turn) pause();
    round_.wait(seen, std::memory_order_acquire);
    seen = round_.load(std::memory_order_acquire);
    if (ended_.load(std::memory_order_relaxed)) return;
    run_part(seen, index);
  }
}

}  // namespace syn::transport
