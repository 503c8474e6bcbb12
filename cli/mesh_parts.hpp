// What the verbs that talk with daemons have in common.
#pragma once

#include <signal.h>

#include <filesystem>
#include <string>

#include "core/error.hpp"
#include "nodes/daemon/children.hpp"

namespace syn::cli {

// Where a gateway of a cluster remembers its term: $XDG_STATE_HOME/synfire, else ~/.local/state/synfire.
std::filesystem::path state_home();

// One process id a line; an empty path: not asked for.
Expected<> write_pids(const std::string& path, const daemon::Children& children);

// The loop takes SIGINT and SIGTERM over and leaves them at their defaults; whoever had them gets them back.
class SignalsReturned {
 public:
  SignalsReturned() {
    ::sigaction(SIGINT, nullptr, &interrupt_);
    ::sigaction(SIGTERM, nullptr, &terminate_);
  }
  SignalsReturned(const SignalsReturned&) = delete;
  ~SignalsReturned() {
    ::sigaction(SIGINT, &interrupt_, nullptr);
    ::sigaction(SIGTERM, &terminate_, nullptr);
  }

 private:
  struct sigaction interrupt_ {};
  struct sigaction terminate_ {};
};

}  // namespace syn::cli
