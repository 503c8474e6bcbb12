// What two threads give, beside what this machine has to give: two processes that share nothing else.
// Deliberately not here: single kernels (layers.hpp).
#pragma once

#include <cstddef>

#include "bench/timing/quartiles.hpp"
#include "bench/timing/stopwatch.hpp"
#include "core/error.hpp"

namespace syn::bench {

struct Cores {
  unsigned processors = 1;
  // How much more is done at once than alone, of 2 at most; quartiles over rounds.
  Quartiles dense_processes;  // one dense layer in the first cache: nothing but the core itself is used
  Quartiles processes;        // wide_network(), an inference each
  Quartiles threads;          // the same in two threads of one process
  Quartiles shared;           // one inference that two threads share
  Quartiles alone_us, shared_us;
};

// Nothing to measure where this process may use one processor only.
Expected<Cores> measure_cores(std::size_t rounds, const Progress& progress = {});

}  // namespace syn::bench
