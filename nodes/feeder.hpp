// Streams N inputs through a client: at a rate, or as fast as admission allows.
#pragma once

#include <functional>

#include "core/host.hpp"
#include "nodes/client.hpp"

namespace syn::nodes {

struct FeederOptions {
  std::uint64_t count = 0;
  double rate = 0;  // submissions per second; 0: a new one whenever one can be admitted
  Duration deadline = std::chrono::seconds(10);
};

class Feeder {
 public:
  using RowOf = std::move_only_function<std::span<const Count>(std::uint64_t index)>;  // valid until the next call
  // An input's one outcome: the client's, or (id 0, kind failed) a submission that was refused.
  using OnOutcome = std::move_only_function<void(std::uint64_t index, const Outcome&)>;

  // Takes over the client's on_outcome.
  Feeder(Clock& clock, Client& client, FeederOptions options, RowOf row_of, OnOutcome on_outcome);
  ~Feeder();
  Feeder(const Feeder&) = delete;
  Feeder& operator=(const Feeder&) = delete;

  // `done` runs when every input has had its outcome.
  void start(std::move_only_function<void()> done);
  // No further submissions: those not yet made will have no outcome. `done` runs after the outcomes of the others.
  void stop();
  std::uint64_t submitted() const;
  std::uint64_t completed() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace syn::nodes
