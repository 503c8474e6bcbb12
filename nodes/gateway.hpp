// The session: admits inferences into a deployment, feeds its input edges, collects potentials, and gives every
// accepted id exactly one Outcome.
//
// An inference waits in the backlog, then is in flight (at most the plan's W at once), then is over. Its outcome is
// decided by whichever comes first: its potentials, a worker's Failed, its deadline, a lost node, cancel, draining.
// Whatever comes after is counted and forgotten. Outcomes are handed out at the end of a turn, so that a callback may
// submit again.
// Deliberately not here: deploying (coordinator.hpp), pacing (feeder.hpp).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "core/host.hpp"
#include "nodes/edges.hpp"
#include "nodes/peers.hpp"
#include "nodes/placement.hpp"
#include "nodes/refusals.hpp"
#include "nodes/session.hpp"

namespace syn::nodes {

class Gateway {
 public:
  struct Options {
    std::size_t backlog;
    Duration ack_delay;
  };
  using OnOutcome = std::move_only_function<void(const Outcome&)>;

  Gateway(Host host, Peers& peers, Refusals& refusals, Options options, const Planned& planned, DeploymentId deployment,
          Epoch epoch, OnOutcome& on_outcome);
  ~Gateway();

  Expected<InferenceId> submit(std::span<const Count> row, Duration deadline);
  void cancel(InferenceId id);
  bool can_admit() const { return !closed_ && flying_.size() < planned_.plan.in_flight && backlog_.empty(); }

  void potentials(NodeId from, PotentialFrame&& frame, std::size_t bytes);
  void failed(NodeId from, const Failed& failed);
  void ack(NodeId from, const Ack& ack);

  // No submission from now on; `reason` says why.
  void close_door(Error reason);
  // All that is not over ends so.
  void end_all(Outcome::Kind kind, const Error& error);
  bool empty() const { return flying_.empty() && waiting_.empty(); }
  void on_empty(std::move_only_function<void()> fn);  // once; not inline

  const SessionCounts& counts() const { return counts_; }
  std::vector<EdgeAccount> accounts() const;
  // How many result frames have come, and their bytes.
  std::vector<EdgeAccount> received() const;

 private:
  struct Flight {
    Instant submitted, deadline;
    Duration allowed{};
    std::vector<Count> row;  // until it is admitted
  };

  void admit(InferenceId id, std::span<const Count> row);
  void admit_more();
  void finish(InferenceId id, Outcome outcome);
  void flush();
  void pump();
  void watch_deadlines();
  void expire();
  void consume(InEdge& edge);

  Host host_;
  Peers& peers_;
  Refusals& refusals_;
  Options options_;
  const Planned& planned_;
  DeploymentId deployment_;
  Epoch epoch_;
  OnOutcome& on_outcome_;
  std::size_t row_size_ = 0;
  std::vector<OutEdge> out_;
  std::vector<std::size_t> offsets_;  // per out-edge: where its population starts in a row
  std::vector<InEdge> in_;
  std::uint64_t next_id_ = 1;
  std::map<InferenceId, Flight> flying_, waiting_;
  std::deque<InferenceId> backlog_;
  std::set<std::pair<Instant, InferenceId>> deadlines_;
  DoneIds with_result_;
  std::deque<Outcome> outcomes_;
  bool flushing_ = false;
  std::optional<Error> closed_;
  SessionCounts counts_;
  Timer deadline_timer_, ack_timer_, full_timer_, flush_timer_;
  std::optional<Instant> deadline_armed_;
  std::move_only_function<void()> on_empty_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace syn::nodes
