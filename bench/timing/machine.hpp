// What a figure depends on besides the programs: the machine, and who else was using it.
// Deliberately not here: changing anything about it (frequency, affinity, priorities).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace syn::bench {

struct Machine {
  std::string cpu;  // "AMD EPYC ...", or the architecture where the kernel gives no name
  unsigned cores = 1;
  double load = 0;  // runnable tasks on average over the last minute, before this program did anything
};
Machine look_at_machine();

// CPU time that others took since it was made, in cores: 0.5 is half a core. The load average would count ourselves.
class Bystanders {
 public:
  Bystanders();
  double cores() const;

 private:
  double others_ = 0;
  std::chrono::steady_clock::time_point began_;
};

// Above it, figures are printed but nothing is claimed. The load average is no judge: it is of what ran before.
inline constexpr double kGreatestBystanders = 0.1;

std::uint64_t resident_bytes();
std::uint64_t peak_resident_bytes();

}  // namespace syn::bench
