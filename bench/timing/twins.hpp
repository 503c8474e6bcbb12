// The same work in processes side by side, each on a processor of its own: what two threads can reach at best on this
// machine, as processes share nothing but the machine. Where two processors are two threads of one core, this is where
// it shows. Deliberately not here: threads of one process (kernels/cores.hpp).
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "core/error.hpp"

namespace syn::bench {

class Twins {
 public:
  // Forks; call it before any thread is started. `work(calls)` runs in each child.
  static Expected<Twins> start(unsigned count, const std::function<void(std::size_t calls)>& work);
  Twins(Twins&& other) noexcept : children_(std::move(other.children_)) { other.children_.clear(); }
  Twins& operator=(Twins&&) = delete;
  ~Twins();

  // Seconds until each of `count` of them, from number `first` on, has made so many calls; they begin together.
  Expected<double> seconds(unsigned first, unsigned count, std::size_t calls);

 private:
  struct Child {
    int pid, socket;
  };
  explicit Twins(std::vector<Child> children) : children_(std::move(children)) {}
  std::vector<Child> children_;
};

unsigned usable_processors();  // that this process may run on

}  // namespace syn::bench
