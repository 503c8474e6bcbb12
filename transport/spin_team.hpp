// A Team of threads that wait for their next part awake, as parts follow each other within microseconds, and go to
// sleep when none has come for a while. Give it as many threads as there are processors that have nothing else to do; a
// thread that is not let run costs what it would have done, as the caller does its part. Deliberately not here: jobs beside
// each other (thread_compute.hpp).
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "core/team.hpp"

namespace syn::transport {

class SpinTeam final : public Team {
 public:
  explicit SpinTeam(unsigned threads);  // the caller's among them
  ~SpinTeam() override;
  SpinTeam(const SpinTeam&) = delete;
  SpinTeam& operator=(const SpinTeam&) = delete;

  unsigned size() const override { return static_cast<unsigned>(threads_.size()) + 1; }
  void run(unsigned count, void (*part)(void* context, unsigned index), void* context) override;
  using Team::run;

 private:
  struct Job {
    void (*part)(void*, unsigned) = nullptr;
    void* context = nullptr;
  };
  struct alignas(64) Part {
    std::atomic<std::uint32_t> state = 0;
  };
  void work(unsigned index);
  bool run_part(std::uint32_t round, unsigned index);

  Job job_;  // written by the caller before the parts are open
  std::vector<Part> parts_;
  bool all_came_ = true;  // in the round before; the caller's own
  std::atomic<bool> ended_ = false;
  // On cache lines of their own: one is read by all while the other is written.
  alignas(64) std::atomic<std::uint32_t> round_ = 0;
  alignas(64) std::atomic<unsigned> done_ = 0;  // parts that have been run
  std::vector<std::thread> threads_;
};

}  // namespace syn::transport
