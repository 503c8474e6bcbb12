// Times short pieces of code against each other: in every round each runs for one lap, and every round begins with
// another, so that whatever else the machine does falls on all alike. The clock is the thread's own processor time:
// what a neighbour takes of the processor is not counted, what it takes of the caches is. Deliberately not here: whole
// networks with their pixels (peers/race.hpp), more than one thread (cores.hpp).
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "bench/timing/quartiles.hpp"

namespace syn::bench {

struct Timed {
  std::function<void(std::size_t)> run;  // so many calls
  std::size_t warm_up = 1;               // calls before each lap: those before have left their own things in the caches
  Quartiles ns = {};                     // of one call; set by `time_all`
};

struct Pace {
  std::size_t rounds = 15;
  double us = 150;  // a lap's least length: the clock itself costs about one
};
using Progress = std::function<void(std::size_t done, std::size_t of)>;
// One line on standard error that is written over.
Progress progress_bar(std::string what);
void time_all(const std::vector<Timed*>& timed, const Pace& pace, const Progress& progress = {});

double thread_us();  // processor time of this thread

}  // namespace syn::bench
