// Splits an index range over threads. What runs in parallel must not depend on who runs it: results are written by
// index, or are integer sums, so that any number of threads gives the same bits.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

namespace syn {

// Calls work(worker, begin, end) for consecutive blocks of at most `block` indices of [0, count); worker < threads.
// Returns when all are done; an exception (out of memory) is passed on.
template <class Work>
void parallel_blocks(std::size_t count, std::size_t block, std::uint32_t threads, const Work& work) {
  std::atomic<std::size_t> next = 0;
  const std::size_t workers =
      std::clamp<std::size_t>(threads, 1, std::max<std::size_t>(1, (count + block - 1) / block));
  std::vector<std::exception_ptr> failures(workers);
  const auto loop = [&](std::size_t worker) {
    try {
      for (std::size_t begin; (begin = next.fetch_add(block)) < count;)
        work(worker, begin, std::min(begin + block, count));
    } catch (...) { failures[worker] = std::current_exception(); }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t worker = 1; worker < workers; ++worker) others.emplace_back(loop, worker);
    loop(0);
  }
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace syn
