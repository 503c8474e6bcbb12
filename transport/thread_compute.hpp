// Heavy work on threads of its own; results come back on the loop. Jobs start in the order in which they were given.
#pragma once

#include <memory>

#include "core/compute.hpp"
#include "transport/loop.hpp"

namespace syn {

class ThreadCompute final : public Compute {
 public:
  ThreadCompute(Loop& loop, std::uint32_t threads);
  // Waits for the jobs that are running, drops those that are not; no `done` is called any more.
  ~ThreadCompute() override;
  void run(Job job, Done done) override;
  std::uint32_t threads() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace syn
