// Threads that share one piece of work: what splits a single inference, where Compute (compute.hpp) runs many side by
// side. An argument like the other seams, so that nothing in snn/ starts a thread.
#pragma once

namespace syn {

class Team {
 public:
  virtual ~Team() = default;
  // How many parts run at the same time, the caller's own among them; at least 1.
  virtual unsigned size() const = 0;
  // Calls part(context, 0) .. part(context, count - 1), count <= size(), each once, and returns when all have ended.
  // What the caller wrote before is seen by every part, what the parts wrote is seen by the caller after. Not for
  // several callers at a time, nor from inside a part.
  virtual void run(unsigned count, void (*part)(void* context, unsigned index), void* context) = 0;

  template <class Fn>
  void run(unsigned count, Fn& part) {
    run(
        count, [](void* context, unsigned index) { (*static_cast<Fn*>(context))(index); }, &part);
  }
};

}  // namespace syn
