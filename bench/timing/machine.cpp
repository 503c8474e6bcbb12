#include "bench/timing/machine.hpp"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace syn::bench {
namespace {

// Seconds of CPU time that this machine has given to anybody but us: all but idle and waiting for disks. Time that a
// hypervisor gave to others counts as theirs.
double seconds_of_others() {
  std::ifstream stat("/proc/stat");
  std::string word;
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, interrupts = 0, soft = 0, stolen = 0;
  stat >> word >> user >> nice >> system >> idle >> wait >> interrupts >> soft >> stolen;
  const double all = (user + nice + system + interrupts + soft + stolen) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  double own = 0;  // children count from when they have been waited for
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage used{};
    ::getrusage(who, &used);
    for (const timeval& t : {used.ru_utime, used.ru_stime})
      own += static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  }
  return all - own;
}

// A line "NAME:   1234 kB" of /proc/self/status, in bytes; 0 if there is none.
std::uint64_t status_bytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return std::strtoull(line.c_str() + name.size(), nullptr, 10) * 1024;
  }
  return 0;
}

}  // namespace

Machine look_at_machine() {
  Machine machine;
  machine.cores = std::max(1u, std::thread::hardware_concurrency());
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line) && machine.cpu.empty();) {
    if (line.starts_with("model name")) machine.cpu = line.substr(std::min(line.find(':') + 2, line.size()));
  }
  if (machine.cpu.empty()) {
    utsname name{};
    ::uname(&name);
    machine.cpu = name.machine;
  }
  if (double load = 0; ::getloadavg(&load, 1) == 1) machine.load = load;
  return machine;
}

Bystanders::Bystanders() : others_(seconds_of_others()), began_(std::chrono::steady_clock::now()) {}

double Bystanders::cores() const {
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began_;
  return std::max(0., seconds_of_others() - others_) / std::max(1e-9, wall.count());
}

std::uint64_t resident_bytes() {
  return status_bytes("VmRSS:");
}
std::uint64_t peak_resident_bytes() {
  return status_bytes("VmHWM:");
}

}  // namespace syn::bench
