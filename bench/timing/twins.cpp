#include "bench/timing/twins.hpp"

#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>

#include "core/assert.hpp"
#include "core/text.hpp"

namespace syn::bench {
namespace {

template <class T>
bool give(int socket, T value) {
  return ::send(socket, &value, sizeof value, MSG_NOSIGNAL) == sizeof value;
}
template <class T>
bool take(int socket, T& value) {
  return ::recv(socket, &value, sizeof value, MSG_WAITALL) == sizeof value;
}

// To the n-th processor of those that we may use; not at all where there are fewer.
void settle(unsigned n) {
  cpu_set_t all, one;
  if (::sched_getaffinity(0, sizeof all, &all) != 0) return;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &all) || n-- > 0) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ::sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

// Until the parent closes its end.
[[noreturn]] void serve(int socket, unsigned n, const std::function<void(std::size_t)>& work) {
  settle(n);
  std::uint64_t calls = 0;
  while (take(socket, calls)) {
    work(calls);
    if (!give(socket, std::uint8_t{1})) break;
  }
  ::_exit(0);
}

}  // namespace

unsigned usable_processors() {
  cpu_set_t all;
  return ::sched_getaffinity(0, sizeof all, &all) == 0 ? static_cast<unsigned>(CPU_COUNT(&all)) : 1;
}

Expected<Twins> Twins::start(unsigned count, const std::function<void(std::size_t)>& work) {
  std::vector<Child> children;
  for (unsigned n = 0; n < count; ++n) {
    int ends[2];
    const bool paired = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0;
    const int pid = paired ? ::fork() : -1;
    if (pid < 0) {
      if (paired) ::close(ends[0]), ::close(ends[1]);
      Twins started(std::move(children));  // ends them
      return fail("a child process cannot be started", "timing on two processors", "check the limits of this user");
    }
    if (pid == 0) {
      ::close(ends[0]);
      serve(ends[1], n, work);
    }
    ::close(ends[1]);
    children.push_back({pid, ends[0]});
  }
  return Twins(std::move(children));
}

Twins::~Twins() {
  for (const Child& child : children_) {
    ::shutdown(child.socket, SHUT_RDWR);  // children that were started later have a copy of it
    ::close(child.socket);
  }
  for (const Child& child : children_) ::waitpid(child.pid, nullptr, 0);
}

Expected<double> Twins::seconds(unsigned first, unsigned count, std::size_t calls) {
  SYN_ASSERT(count >= 1 && first + count <= children_.size(), first, count);
  const auto began = std::chrono::steady_clock::now();
  bool alive = true;
  for (unsigned n = first; n < first + count; ++n) alive = give(children_[n].socket, std::uint64_t{calls}) && alive;
  std::uint8_t done = 0;
  for (unsigned n = first; n < first + count; ++n) alive = alive && take(children_[n].socket, done);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  if (!alive) return fail("a child process has ended", "timing on two processors", "run it again");
  return took.count();
}

}  // namespace syn::bench
