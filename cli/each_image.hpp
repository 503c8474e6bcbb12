// A job for every image of a data set, on several threads, with a progress bar.
#pragma once

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "cli/terminal.hpp"
#include "core/error.hpp"

namespace syn::cli {

// Runs job(i) for i in 0..count on `threads` threads; stops at the first error. Progress comes from one thread at a
// time.
template <class MakeJob>
Expected<> for_each_image(std::size_t count, std::uint32_t threads, Terminal& terminal, std::string_view title,
                          MakeJob make_job) {
  std::atomic<std::size_t> next = 0, done = 0;
  std::mutex mutex;  // guards `trouble` and the terminal
  std::optional<Error> trouble;
  const auto work = [&] {
    auto job = make_job();
    for (std::size_t i = next++; i < count; i = next++) {
      if (Expected<> ended = job(i); !ended) {
        const std::lock_guard lock(mutex);
        if (!trouble) trouble = ended.error();
        next = count;
        return;
      }
      const std::size_t so_far = ++done;
      if (so_far % 64 == 0 && so_far < count) {
        if (const std::unique_lock lock(mutex, std::try_to_lock); lock) terminal.progress(title, so_far, count);
      }
    }
  };
  terminal.progress(title, 0, count);
  {
    std::vector<std::jthread> pool;
    for (std::uint32_t t = 1; t < std::min<std::size_t>(threads, count); ++t) pool.emplace_back(work);
    work();
  }
  if (trouble) return fail(*trouble);
  terminal.progress(title, count, count);
  return {};
}

}  // namespace syn::cli
