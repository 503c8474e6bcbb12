// What happens next, and when: events ordered by (time, sequence), so that two at one instant run in the order in which
// they were asked for. Integer nanoseconds. The heart of every simulated clock.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "core/types.hpp"

namespace syn::sim {

class EventQueue {
 public:
  using Fn = std::move_only_function<void()>;
  struct Key {
    std::uint32_t slot = 0;
    std::uint32_t use = 0;  // which use of the slot, so that a late cancel hits nobody else
  };

  Instant now() const { return now_; }
  // At `at`, or now if that has passed.
  Key push(Instant at, Fn fn);
  void cancel(Key key);
  // Goes to the next event and runs it. False: there is none.
  bool run_next();
  // The next event's time; nullopt: there is none.
  std::optional<Instant> next();
  // Runs everything up to and including `until`, then stands there.
  void run_until(Instant until);

 private:
  struct Entry {
    Instant at;
    std::uint64_t sequence;
    Key key;
  };
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const {
      return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
    }
  };
  struct Slot {
    Fn fn;
    std::uint32_t use = 0;
  };
  void skip_cancelled();
  void free(std::uint32_t slot);

  Instant now_;
  std::uint64_t sequence_ = 0;
  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace syn::sim
