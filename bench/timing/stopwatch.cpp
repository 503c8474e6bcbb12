#include "bench/timing/stopwatch.hpp"

#include <cstdio>
#include <ctime>
#include <utility>

namespace syn::bench {
namespace {

constexpr std::size_t kMostCalls = std::size_t{1} << 32;  // of something that costs nothing

double lap_us(const Timed& timed, std::size_t calls) {
  const double began = thread_us();
  timed.run(calls);
  return thread_us() - began;
}

}  // namespace

Progress progress_bar(std::string what) {
  constexpr std::size_t kBlocks = 20;
  return [what = std::move(what), shown = kBlocks + 1](std::size_t done, std::size_t of) mutable {
    const std::size_t blocks = of == 0 ? kBlocks : done * kBlocks / of;
    if (blocks == shown) return;
    shown = blocks;
    std::fprintf(stderr, "\r[%s%s] %s%s", std::string(blocks, '#').c_str(), std::string(kBlocks - blocks, '.').c_str(),
                 what.c_str(), done == of ? "\n" : "");
  };
}

double thread_us() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

void time_all(const std::vector<Timed*>& timed, const Pace& pace, const Progress& progress) {
  std::vector<std::size_t> calls(timed.size(), 1);
  for (std::size_t i = 0; i < timed.size(); ++i) {
    timed[i]->run(timed[i]->warm_up);  // memory is taken, caches are filled
    while (lap_us(*timed[i], calls[i]) < pace.us && calls[i] < kMostCalls) calls[i] *= 2;
  }
  std::vector<std::vector<double>> ns(timed.size());
  for (std::size_t round = 0; round < pace.rounds; ++round) {
    if (progress) progress(round, pace.rounds);
    for (std::size_t i = 0; i < timed.size(); ++i) {
      const std::size_t who = (round + i) % timed.size();
      timed[who]->run(timed[who]->warm_up);
      ns[who].push_back(lap_us(*timed[who], calls[who]) * 1e3 / static_cast<double>(calls[who]));
    }
  }
  if (progress) progress(pace.rounds, pace.rounds);
  for (std::size_t i = 0; i < timed.size(); ++i) timed[i]->ns = quartiles(std::move(ns[i]));
}

}  // namespace syn::bench
